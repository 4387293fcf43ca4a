"""What an image shows of one finding: how much of it, on which side, where, and how large, as directions.

How much is the mean of the finding's concepts less the mean of those that deny it. Side, place and size are contrasts
within the finding: left less right, one place less the others, large less small, over pairs of concepts that agree in
all else; what all concepts of the finding share, and whether it is there at all, falls out. Where enough reports tell
the sides of a finding, they are fitted to these instead (`reported_sides`). Each is told in standard deviations over
the images, above the mean image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.explanation.finding_groups import Facet, FindingGroup, Key, Member
from encoder.explanation.spanned import Spread


@dataclass(frozen=True, eq=False)
class Contrast:
    """One contrast within a finding.

    Attributes:
        facet: side, place or size.
        more: what a positive value tells: "left", a place, "large".
        less: what a negative value tells: "right", None for the other places, "small".
        direction: among the image vectors, (d,), so that images deviate by 1 along it.
        concepts: how many of the finding's concepts it is made of.
        middle: where along it neither stands out, above the mean image.
        patients: of whom reports say which it is, where it was fitted to them.
    """

    facet: Facet
    more: str
    less: str | None
    direction: np.ndarray
    concepts: int
    middle: float = 0.0
    patients: int = 0

    def standing(self, above: np.ndarray) -> float:
        """How far an image stands out, by its vector less the mean image's, (d,)."""
        return float(above @ self.direction) - self.middle


def shown_direction(group: FindingGroup, concepts: np.ndarray, spread: Spread) -> np.ndarray:
    """The direction along which images show a finding, (d,), so that images deviate by 1 along it.

    Args:
        group: the finding's concepts.
        concepts: C, (N, d).
        spread: of the images.
    """
    total = np.zeros(len(spread.mean))
    for sign, denied in ((1.0, False), (-1.0, True)):
        rows = [member.row for member in group.members if member.denied is denied]
        if rows:
            total += sign * spread.standard(concepts[rows]).mean(axis=0)
    return _unit(total, spread)


def contrasts_of(group: FindingGroup, concepts: np.ndarray, spread: Spread) -> Iterator[Contrast]:
    """The contrasts that a finding's concepts allow: side if both are named, each place, size if both ends are."""
    members = [member for member in group.members if not member.denied]
    sides = _paired(members, "side", lambda one: one.side == "left", lambda one: one.side == "right")
    sizes = _paired(members, "size", lambda one: one.grade == "large", lambda one: one.grade == "small")
    for facet, more, less, found in (("side", "left", "right", sides), ("size", "large", "small", sizes)):
        if found is not None:
            yield _contrast(facet, more, less, found, concepts, spread)  # type: ignore[arg-type]
    for place in sorted({member.place for member in members if member.place is not None}):
        among = _paired(
            members,
            "place",
            lambda one, place=place: one.place == place,  # type: ignore[misc]
            lambda one, place=place: one.place not in (None, place),  # type: ignore[misc]
        )
        if among is not None:
            yield _contrast("place", place, None, among, concepts, spread)


Pairs = list[tuple[list[int], list[int]]]
"""Rows of concepts that say the one and the other, and agree in all else."""


def _paired(
    members: Sequence[Member], facet: Facet, more: Callable[[Member], bool], less: Callable[[Member], bool]
) -> Pairs | None:
    """The concepts that differ in one facet alone; where none do, all that say the one against all the other."""
    by_rest: dict[Key, tuple[list[int], list[int]]] = {}
    every: tuple[list[int], list[int]] = ([], [])
    for member in members:
        for at, says in enumerate((more, less)):
            if says(member):
                by_rest.setdefault(member.but_for(facet), ([], []))[at].append(member.row)
                every[at].append(member.row)
    if not all(every):
        return None
    return [pair for pair in by_rest.values() if all(pair)] or [every]


def _contrast(
    facet: Facet, more: str, less: str | None, pairs: Pairs, concepts: np.ndarray, spread: Spread
) -> Contrast:
    total = np.zeros(len(spread.mean))
    for ones, others in pairs:
        total += np.asarray(concepts[ones], np.float64).mean(axis=0)
        total -= np.asarray(concepts[others], np.float64).mean(axis=0)
    return Contrast(facet, more, less, _unit(total, spread), sum(len(one) + len(other) for one, other in pairs))


def _unit(direction: np.ndarray, spread: Spread) -> np.ndarray:
    found: np.ndarray = direction / spread.deviations(direction[None])[0]
    return found
