"""Concepts whose embedding lies far from those of their own finding: often one that was read wrongly."""

from __future__ import annotations

import numpy as np

from kb.curation.suggest.living import Living, read_living
from kb.curation.suggest.suggestion import Suggestion, Suggestions
from kb.errors import NotEmbeddedError
from kb.store.state import State
from kb.vectors.nearest import exact_nearest

SMALLEST_GROUP = 5
"""Findings of fewer concepts say nothing about what is usual among them."""

FAR = 2.0
"""Standard deviations below its group's usual cosine from which a concept is suggested."""

NEAREST = 20


def suggest_outliers(
    state: State, *, limit: int | None = None, far: float = FAR, candidates_only: bool = False
) -> Suggestions:
    """Concepts that lie far from the others of their finding, the farthest first.

    The score is how many standard deviations the cosine to the mean of the others is below the group's usual one. With
    `candidates_only`, what was accepted is left out.

    Raises:
        UsageError: nothing is embedded.
    """
    living = read_living(state)
    if living.vectors is None or not living.embedded.any():
        raise NotEmbeddedError(f"nothing is embedded in {state.uri} yet")
    found: list[tuple[float, int]] = []
    for group in _groups(living):
        cosines = _to_the_others(living.vectors[group])
        spread = max(float(cosines.std()), 1e-6)
        scores = (float(cosines.mean()) - cosines) / spread
        found += [(float(score), at) for score, at in zip(scores, group, strict=True) if score >= far]
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


def _to_the_others(vectors: np.ndarray) -> np.ndarray:
    """The cosine of every vector to the mean of the others, (n,)."""
    others = vectors.sum(axis=0) - vectors
    cosines: np.ndarray = (vectors * others).sum(axis=1) / np.maximum(np.linalg.norm(others, axis=1), 1e-9)
    return cosines


def _told(living: Living, found: list[tuple[float, int]]) -> list[Suggestion]:
    if not found:
        return []
    assert living.vectors is not None

    embedded = np.flatnonzero(living.embedded)
    near = exact_nearest(living.vectors[[at for _, at in found]], [living.vectors[embedded]], NEAREST)
    entries = []
    for (score, at), rows in zip(found, embedded[near.rows].tolist(), strict=True):
        own = living.rows[at]
        other = next((row for row in rows if living.rows[row]["finding"] != own["finding"]), None)
        entries.append(
            Suggestion(
                kind="outliers",
                rule="far",
                score=round(score, 4),
                concept_id=own["concept_id"],
                text=own["text"],
                mentions=living.mentions[at],
                other_id=None if other is None else living.rows[other]["concept_id"],
                other_text=None if other is None else living.rows[other]["text"],
                other_mentions=0 if other is None else living.mentions[other],
                reason=f"{score:.1f} deviations from the other '{own['finding']}' concepts",
            )
        )
    return entries
