"""What a query leaves out: "effusion NOT left", "left effusion, not loculated", "opacity without a mass".

"Not" denies the whole where nothing is asked for before it, or nothing is named behind it: "heart not enlarged" and
"effusion is not seen" ask for what is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kb.language.lexicon import folded_words, load_lexicon
from kb.language.normal_form.tables import load_tables
from kb.language.query_reading import query_or_none
from kb.language.same_words import heads_of
from kb.vocabulary.search.concept_columns import ConceptColumns

_LEFT_OUT = re.compile(
    r"(?<=\w)[\s,;]+(?:but\s+)?(?:not|no|without|w/o|except|excluding|minus)\s+(?=\w)", re.IGNORECASE
)
_OR = re.compile(r"\s*(?:,|;|\bor\b|\bnor\b|\band\b)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Exclusion:
    """What a query asks for, and the parts of observations that no hit may have, in the words of the query."""

    asked: str
    left_out: tuple[str, ...]


def split_exclusion(query: str) -> Exclusion:
    """The query without what it leaves out; all of it where it leaves nothing out."""
    asked, *rest = _LEFT_OUT.split(query)
    left_out = tuple(part for text in rest for part in _OR.split(text) if part.strip())
    if not left_out or not _names_a_finding(asked) or not all(map(_tells, left_out)):
        return Exclusion(query, ())
    return Exclusion(asked, left_out)


def excluded(columns: ConceptColumns, left_out: str) -> np.ndarray:
    """Which concepts have what a part of a query leaves out, (n,) bool.

    Of "small left" they have both; a word that is no facet must stand in one of the names.
    """
    masks = [*_by_facets(columns, left_out)]
    masks += [columns.best_name(columns.words.holding(head)) for head in _other_heads(left_out)]
    return np.logical_and.reduce(masks) if masks else np.zeros(len(columns), dtype=bool)


def _by_facets(columns: ConceptColumns, left_out: str) -> Iterator[np.ndarray]:
    facets = query_or_none(left_out)
    side, severity = _side(left_out), facets.severity if facets else _severity(left_out)
    if side is not None:
        yield columns.coded["laterality"].among([side])
    if severity is not None:
        yield columns.coded["severity"].among([severity])
    if facets is not None and load_lexicon().canonical(facets.finding):
        yield columns.coded["finding"].among([facets.finding])


def _other_heads(left_out: str) -> frozenset[str]:
    """The stems that are no side, no severity and no finding of the lexicon."""
    lexicon, words = load_lexicon(), folded_words(left_out)
    named = {at for hit in lexicon.findings.among(words) for at in range(hit.first, hit.last)}
    plain = [
        w for at, w in enumerate(words) if at not in named and w not in lexicon.sides and w not in lexicon.severities
    ]
    return frozenset(head for word in plain if word not in load_tables().unsaid for head in heads_of(word))


def _names_a_finding(text: str) -> bool:
    facets = query_or_none(text)
    return facets is not None and load_lexicon().canonical(facets.finding) is not None


def _tells(text: str) -> bool:
    """Whether any word names something: "seen" and "present" do not."""
    return any(word not in load_tables().unsaid for word in folded_words(text))


def _side(text: str) -> str | None:
    return next((load_lexicon().sides[word] for word in folded_words(text) if word in load_lexicon().sides), None)


def _severity(text: str) -> str | None:
    known = load_lexicon().severities
    return next((known[word] for word in folded_words(text) if word in known), None)
