"""What an address asks of the vocabulary: words and filters, as the catalogue takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pyarrow.compute as pc

from kb.choices import check_choice
from kb.errors import UsageError
from kb.store.state import State
from kb.vocabulary.catalogue import FACETS, Asked, Catalogue
from kb.vocabulary.filters import Filters, names_findings
from schemas.terms import STATUSES

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
        found = cls(words=words, facets=facets, label=said.get("label", "").strip(), page=int(page))
        filters_of(found.facets, found.label)
        return found

    def asked(self, catalogue: Catalogue) -> Asked:
        """The question as the catalogue takes it: filtered as the command line filters."""
        facets: dict[str, Collection[str]] = {**catalogue.having(filters_of(self.facets, self.label))}
        if self.facets.get("status") == ANY:
            facets["status"] = STATUSES
        return Asked(words=self.words, facets=facets)

    def query(self, **other: object) -> str:
        """The question as the query of an address, with some parts of it otherwise; without what asks for nothing."""
        said = {"q": self.words.strip(), **self.facets, "label": self.label, "page": self.page, **other}
        return urlencode({name: value for name, value in said.items() if value and (name, value) != ("page", 1)})


def filters_of(facets: Mapping[str, str], label: str = "") -> Filters:
    """The filters of a page as the command line has them; UsageError for a word that is none of its facet's."""
    said: dict[str, Any] = {name: one for name, one in facets.items() if one and (name, one) != ("status", ANY)}
    finding = said.pop("finding", None)
    return Filters(findings=None if finding is None else (finding,), label=label or None, **said)


def label_names(base: State) -> list[str]:
    """The labels that images of a state have and that name findings, which concepts can be filtered by."""
    return base.remember(_label_names)


def _label_names(state: State) -> list[str]:
    column = state.dataset("labels").to_table(columns=["label"])["label"]
    return sorted(filter(names_findings, pc.unique(column).to_pylist()))
