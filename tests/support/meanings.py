"""Meanings drawn from the lexicon, near enough to each other that some stand under others."""

from __future__ import annotations

from hypothesis import strategies as st

from kb.hierarchy.meaning import Meaning
from kb.language.lexicon import load_lexicon
from kb.language.wider_terms import wider_findings, wider_places
from schemas.terms import CONCEPT_ASSERTIONS, LATERALITIES

FINDINGS = sorted(load_lexicon().kinds)
PLACES = sorted(load_lexicon().places())


def any_meaning() -> st.SearchStrategy[Meaning]:
    """A meaning of few enough words that two often compare."""
    return _meanings(["rib fracture", "fracture", "bone abnormality", "opacity", "consolidation"], PLACES[:8])


@st.composite
def related_meanings(draw: st.DrawFn, count: int) -> list[Meaning]:
    """Some meanings of findings and places that stand above or below one another."""
    finding, place = draw(st.sampled_from(FINDINGS)), draw(st.sampled_from(PLACES))
    other = draw(st.sampled_from(PLACES))
    findings = sorted(wider_findings().near(finding))
    places = sorted(wider_places().near(place) | wider_places().above(other))
    return [draw(_meanings(findings, places)) for _ in range(count)]


def _meanings(findings: list[str], places: list[str]) -> st.SearchStrategy[Meaning]:
    return st.builds(
        lambda assertion, finding, at, side, size, words: Meaning.of(
            {
                "assertion": assertion,
                "finding": finding,
                "anatomy": " ".join(sorted(at)) or None,
                "laterality": side,
                "severity": size,
                "descriptors": words,
            }
        ),
        st.sampled_from(CONCEPT_ASSERTIONS),
        st.sampled_from(findings),
        st.sets(st.sampled_from(places), max_size=3),
        st.sampled_from(LATERALITIES),
        st.sampled_from([None, None, "small", "large"]),
        st.sets(st.sampled_from(["old", "hazy"]), max_size=2),
    )
