"""What an address asks of the vocabulary: words and filters, as the catalogue takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

import pyarrow.compute as pc

from encoder.audit.confounders.disease import disease_of
from kb.choices import check_choice
from kb.errors import UsageError
from kb.language.wider_terms import places_in, wider_findings, wider_places
from kb.store.state import State
from kb.vocabulary.catalogue import FACETS, Asked, Catalogue
from kb.vocabulary.facet_column import NONE
from schemas.terms import IN_USE, STATUSES

ANY = "any"
"""The status that asks for concepts of every status."""

PAGE = 60
"""Concepts of one page of the list."""

LONGEST = 200
"""Letters that a question may have."""

NAMES = {
    "finding": "Finding",
    "anatomy": "Place",
    "laterality": "Side",
    "severity": "Severity",
    "assertion": "Said to be",
    "kind": "Kind",
    "status": "Status",
    "source": "Source",
}
"""What the facets are called on the page, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a visitor asks for: words, the facets that have to hold, a label, and which page of the answer."""

    words: str
    facets: Mapping[str, str]
    label: str
    page: int

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Question:
        """The question of an address; UsageError where it makes no sense."""
        page = said.get("page", "1")
        if not page.isdigit() or not 1 <= int(page) < 1_000_000:
            raise UsageError(f"'{page}' is no page: count from 1")
        facets = {name: said[name].strip() for name in FACETS if said.get(name, "").strip()}
        check_choice("status", facets.get("status"), (*STATUSES, ANY))
        words = said.get("q", "")
        if len(words) > LONGEST:
            raise UsageError(f"the words are too long: {LONGEST} letters at most")
        return cls(words=words, facets=facets, label=said.get("label", "").strip(), page=int(page))

    def asked(self, catalogue: Catalogue) -> Asked:
        """The question as the catalogue takes it; UsageError for a label that names nothing."""
        wanted: dict[str, frozenset[str]] = {name: frozenset([value]) for name, value in self.facets.items()}
        if (status := self.facets.get("status")) == ANY:
            wanted["status"] = frozenset(STATUSES)
        elif status is None:
            wanted["status"] = frozenset(IN_USE)
        if finding := self.facets.get("finding"):
            wanted["finding"] = wider_findings().below(finding)
        if place := self.facets.get("anatomy"):
            wanted["anatomy"] = frozenset(one for one in catalogue.values("anatomy") if one == place or _at(one, place))
        if self.label:
            named = disease_of(self.label)
            wanted["finding"] = named & wanted.get("finding", named)
        return Asked(words=self.words, facets=wanted)

    def query(self, **other: object) -> str:
        """The question as the query of an address, with some parts of it otherwise; without what asks for nothing."""
        said = {"q": self.words.strip(), **self.facets, "label": self.label, "page": self.page, **other}
        return urlencode({name: value for name, value in said.items() if value and (name, value) != ("page", 1)})


def label_names(base: State) -> list[str]:
    """The labels that images of a state have, by name."""
    return base.remember(_label_names)


def _label_names(state: State) -> list[str]:
    column = state.dataset("labels").to_table(columns=["label"])["label"]
    return sorted(pc.unique(column).to_pylist())


@cache
def _at(anatomy: str, place: str) -> bool:
    """Whether what is at one place is at the other as well: in the lower lobe, in the lung."""
    return anatomy != NONE and any(place in wider_places().above(one) for one in places_in(anatomy))
