"""Concepts whose embedding lies far from those of their own finding: often one that was read wrongly.

A word that an embedder sets apart ("lingula") draws all that hold it away, whatever their finding. So what each word
does is learned from all concepts that hold it, and taken off before a concept is held against its finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kb.curation.suggest.living import Living, read_living
from kb.curation.suggest.suggestion import Suggestion, Suggestions
from kb.errors import NotEmbeddedError
from kb.language.facets import Facets
from kb.language.lexicon import load_lexicon
from kb.language.normal_form.tables import class_of
from kb.language.query_reading import query_or_none
from kb.store.state import State
from kb.vectors.nearest import exact_nearest

SMALLEST_GROUP = 5
"""Findings of fewer concepts say nothing about what is usual among them."""

FAR = 2.0
"""Standard deviations below its group's usual cosine from which a concept is suggested."""

LEARNED = 3
"""Concepts that hold a word, beside the one looked at, from which is known what the word does."""

ODD_WORD = 0.75
"""What is taken off for each word of which that is not known, where the tables know all: a rare place is no outlier."""

NEAREST = 20

Scored = tuple[float, int]


def suggest_outliers(
    state: State, *, limit: int | None = None, far: float = FAR, candidates_only: bool = False
) -> Suggestions:
    """Concepts that lie far from the others of their finding, the farthest first.

    The score is how many standard deviations the cosine to the mean of the others is below the group's usual one, when
    what its other words do to a vector is taken off, and and some
    for rare words where the tables know all of them. With `candidates_only`, what was accepted is left out.

    Raises:
        UsageError: nothing is embedded.
    """
    living = read_living(state)
    if living.vectors is None or not living.embedded.any():
        raise NotEmbeddedError(f"nothing is embedded in {state.uri} yet")
    groups = _groups(living)
    holders = _holders(living, groups)
    plain = _without_words(living, groups, holders)
    found: list[Scored] = []
    for group in groups:
        cosines = _to_the_others(plain[group])
        spread = max(float(cosines.std()), 1e-6)
        odd = np.array([_odd_words(living, at, holders) for at in group])
        scores = (float(cosines.mean()) - cosines) / spread - ODD_WORD * odd
        found += [(float(score), at) for score, at in zip(scores, group, strict=True) if score >= far]
    found = [scored for scored in found if not living.left_as_it_is(scored[1])]
    if candidates_only:
        found = [scored for scored in found if living.rows[scored[1]]["status"] == "candidate"]
    found.sort(key=lambda scored: (-scored[0], living.rows[scored[1]]["concept_id"]))
    return Suggestions("outliers", _told(living, found[:limit]), len(found))


def _groups(living: Living) -> list[list[int]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for at, row in enumerate(living.rows):
        if living.embedded[at]:
            groups.setdefault((row["assertion"], row["finding"]), []).append(at)
    return [group for group in groups.values() if len(group) >= SMALLEST_GROUP]


def _holders(living: Living, groups: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    """By word, the concepts of some groups that hold it beside their finding."""
    holders: dict[str, list[int]] = {}
    for at in (at for group in groups for at in group):
        for word in _words_beside(living, at):
            holders.setdefault(word, []).append(at)
    return holders


def _odd_words(living: Living, at: int, holders: Mapping[str, Sequence[int]]) -> int:
    """The words of a concept of which too few concepts say what they do to a vector; 0 where the tables lack one."""
    words = _words_beside(living, at)
    if not all(load_lexicon().knows(word) or class_of(word) is not None for word in words):
        return 0
    return sum(len(holders[word]) <= LEARNED for word in words)


def _without_words(living: Living, groups: Sequence[Sequence[int]], holders: Mapping[str, Sequence[int]]) -> np.ndarray:
    """The vectors without what the words beside their finding do: (n, dimension); NaN where there is no vector.

    What a word does is how far the concepts that hold it lie off the means of their own findings. Of a concept, what
    its words do is taken off, each learned from the other concepts that hold it, where these are enough.
    """
    assert living.vectors is not None
    off = np.zeros_like(living.vectors)
    for group in groups:
        off[group] = living.vectors[group] - living.vectors[group].mean(axis=0)
    plain = living.vectors.copy()
    for rows in holders.values():
        if len(rows) > LEARNED:
            others = (off[rows].sum(axis=0) - off[rows]) / (len(rows) - 1)
            plain[rows] -= others / np.array([[len(_words_beside(living, at))] for at in rows])
    return plain


def _words_beside(living: Living, at: int) -> list[str]:
    """The words of a concept's text that are not of its finding, in order."""
    row = living.rows[at]
    return sorted({*row["text"].split()} - {*row["finding"].split(), "no", "with", "at", "over", "and"})


def _to_the_others(vectors: np.ndarray) -> np.ndarray:
    """The cosine of every vector to the mean of the others, (n,)."""
    others = vectors.sum(axis=0) - vectors
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    cosines: np.ndarray = (vectors * others).sum(axis=1) / np.maximum(lengths, 1e-9)
    return cosines


def _told(living: Living, found: list[Scored]) -> list[Suggestion]:
    if not found:
        return []
    assert living.vectors is not None

    embedded = np.flatnonzero(living.embedded)
    near = exact_nearest(living.vectors[[at for _, at in found]], [living.vectors[embedded]], NEAREST)
    by_id = {row["concept_id"]: at for at, row in enumerate(living.rows)}
    entries = []
    for (score, at), rows in zip(found, embedded[near.rows].tolist(), strict=True):
        own = living.rows[at]
        read = _read_again(living, at)
        other = next((row for row in rows if living.rows[row]["finding"] != own["finding"]), None)
        if read is not None and by_id.get(read.concept_id, at) != at:
            other = by_id[read.concept_id]
        entries.append(_suggestion(living, score, at, other, read))
    return entries


def _read_again(living: Living, at: int) -> Facets | None:
    """What a concept's text says by itself, where that is another finding than its own."""
    row = living.rows[at]
    facets = query_or_none(row["text"])
    return None if facets is None or facets.finding == row["finding"] else facets


def _suggestion(living: Living, score: float, at: int, other: int | None, read: Facets | None) -> Suggestion:
    own = living.rows[at]
    there = read is not None and other is not None and living.rows[other]["concept_id"] == read.concept_id
    reason = f"{score:.1f} deviations from the other '{own['finding']}' concepts"
    return Suggestion(
        kind="outliers",
        score=round(score, 4),
        concept_id=own["concept_id"],
        text=own["text"],
        mentions=living.mentions[at],
        other_id=None if other is None else living.rows[other]["concept_id"],
        other_text=None if other is None else living.rows[other]["text"],
        other_mentions=0 if other is None else living.mentions[other],
        reason=reason if read is None else f"{reason}; its text says '{read.finding}'",
        rule="far from its finding" if read is None else "its text says another finding",
        act="keep" if read is None else "merge" if there else "rename",
        target=None if read is None else read.concept_id if there else read.text,
    )
