"""What a concept says, as the order on concepts looks at it: its facets, places that add nothing left out.

"Atelectasis" and "atelectasis of the lung" are one meaning, as are "lower lobe" and "lower lobe of the lung": a place
is kept only where no other place of the same concept is a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kb.language.wider_terms import homes, places_in, wider_findings, wider_places

Token = tuple[str, str]
"""One thing that a meaning says: of which facet, and what."""

_SIDES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "left": ("left",),
    "right": ("right",),
    "bilateral": ("left", "right", "bilateral"),
}
"""What a side says: a bilateral effusion is a left one too."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """The facets that decide what a concept stands under.

    Attributes:
        assertion: present or absent.
        finding: of the lexicon, or words that it does not know; None: whatever it is, for a place alone.
        places: where, but for what goes without saying.
        laterality: left, right, bilateral or none.
        severity: how much, or None.
        descriptors: what else is said.
    """

    assertion: str
    finding: str | None
    places: frozenset[str] = frozenset()
    laterality: str = "none"
    severity: str | None = None
    descriptors: frozenset[str] = frozenset()

    @classmethod
    def of(cls, facets: Mapping[str, Any]) -> Meaning:
        """The meaning of a row of `concepts`, or of `vars` of `kb.language.facets.Facets`."""
        finding = facets["finding"]
        at_home = homes(finding)
        told = places_in(facets["anatomy"]) if facets["anatomy"] else frozenset[str]()
        return cls(
            assertion=facets["assertion"],
            finding=finding,
            places=wider_places().lowest(told | at_home) - at_home,
            laterality=facets["laterality"],
            severity=facets["severity"],
            descriptors=frozenset(facets["descriptors"]),
        )

    @cached_property
    def needs(self) -> frozenset[Token]:
        """What another meaning has to say to stand under this one."""
        found = {("assertion", self.assertion), *(("place", place) for place in self.places), *self._rest()}
        if self.finding is not None:
            found.add(("finding", self.finding))
        if self.laterality != "none":
            found.add(("side", self.laterality))
        return frozenset(found)

    @cached_property
    def says(self) -> frozenset[Token]:
        """All that this one says, what follows from it too: a rib fracture is a fracture, and in a bone."""
        findings = wider_findings().above(self.finding) if self.finding is not None else ()
        at = {*self.places, *self.homes}
        return frozenset(
            {
                ("assertion", self.assertion),
                *(("finding", finding) for finding in findings),
                *(("place", wider) for place in at for wider in wider_places().above(place)),
                *(("side", side) for side in _SIDES[self.laterality]),
                *self._rest(),
            }
        )

    @property
    def present(self) -> bool:
        """Whether it says that its finding is there."""
        return self.assertion == "present"

    @property
    def homes(self) -> frozenset[str]:
        """Where its finding always is."""
        return homes(self.finding) if self.finding is not None else frozenset()

    @property
    def scattered(self) -> bool:
        """Whether it is on both sides and at several places: which of them is on which side is not told."""
        return self.laterality == "bilateral" and len(self.places) > 1

    def _rest(self) -> set[Token]:
        severity = {("severity", self.severity)} if self.severity is not None else set()
        return {*severity, *(("word", word) for word in self.descriptors)}
