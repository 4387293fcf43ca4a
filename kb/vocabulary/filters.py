"""What a concept must be to be listed or found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kb.choices import check_choice, meant
from kb.errors import UsageError
from kb.language.facets import kind_of
from kb.language.labels import bundled_labels, normal_name
from kb.language.lexicon import load_lexicon
from kb.store.sqltext import literal, literals
from schemas.terms import CONCEPT_ASSERTIONS, IN_USE, LATERALITIES, STATUSES

KINDS = ("finding", "device", "normal", "other")
"""What a concept is of, as the lexicon's tables say; other is what they do not know."""


BY_VALUE = ("assertion", "status", "laterality", "severity", "finding", "anatomy", "source")
"""The columns of a concept whose value alone tells whether it passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a concept must be; None and 0 ask for nothing. A word that is none of the field's is a UsageError."""

    assertion: str | None = None
    status: str | None = None
    laterality: str | None = None
    findings: Sequence[str] | None = None
    anatomy: str | None = None
    severity: str | None = None
    kind: str | None = None
    source: str | None = None
    text: str | None = None
    label: str | None = None
    min_count: int = 0

    def __post_init__(self) -> None:
        check_choice("assertion", self.assertion, CONCEPT_ASSERTIONS)
        check_choice("status", self.status, STATUSES)
        check_choice("laterality", self.laterality, LATERALITIES)
        check_choice("kind", self.kind, KINDS)
        if self.label is not None:
            findings_of(self.label)

    def passes(self, row: Mapping[str, Any], mentions: int = 0) -> bool:
        """Whether a row of `concepts` that is mentioned so often is one of those asked for.

        A place or a text is asked for by words: those that hold all of them pass, in any order; the place
        "none" is that of concepts that name none.
        """
        kind = "other" if row["status"] == "aside" else kind_of(row["finding"])
        return (
            all(self.takes(name, row[name]) for name in BY_VALUE)
            and self.takes("kind", kind)
            and holds_words(row["text"], self.text)
            and mentions >= self.min_count
        )

    def takes(self, facet: str, value: str | None) -> bool:
        """Whether concepts with this value of a facet (one of BY_VALUE, or kind) may pass; None: it says nothing."""
        if facet == "finding":
            named = self.label is None or value in findings_of(self.label)
            return named and (self.findings is None or value in self.findings)
        wanted: str | None = getattr(self, facet)
        if wanted is None:
            return True
        if facet == "anatomy":
            return at_place(value, wanted)
        return (value or "none") == wanted if facet == "severity" else value == wanted

    @property
    def beyond_sql(self) -> bool:
        """Whether something is asked for that `parameters` and `sql` do not say, and only `passes` tells."""
        return any((self.anatomy, self.severity, self.kind, self.source, self.text, self.label))

    def parameters(self) -> dict[str, Any]:
        """The filters as the parameters of a named query, but for those beyond SQL."""
        return {
            "assertion": self.assertion,
            "status": self.status,
            "laterality": self.laterality,
            "findings": None if self.findings is None else [*self.findings],
            "min_count": self.min_count,
        }

    def sql(self) -> str:
        """The filters but for the count as Lance reads them; without a status, only concepts in use pass."""
        equal = (("assertion", self.assertion), ("status", self.status), ("laterality", self.laterality))
        said = [f"{name} = {literal(value)}" for name, value in equal if value is not None]
        if self.findings is not None:
            said.append(f"finding IN {literals(self.findings)}" if self.findings else "false")
        if self.status is None:
            said.append(f"status IN {literals(IN_USE)}")
        return " AND ".join(said)


def at_place(said: str | None, wanted: str) -> bool:
    """Whether a place has every word that is asked for; "none" asks for those that name no place."""
    return said is None if wanted == "none" else holds_words(said, wanted)


def holds_words(said: str | None, wanted: str | None) -> bool:
    """Whether a text has every word that is asked for, as the beginning of one of its own; no word asks for nothing."""
    words = (said or "").lower().split()
    return all(any(word.startswith(start) for word in words) for start in (wanted or "").lower().split())


@cache
def findings_of(label: str) -> frozenset[str]:
    """The findings of the lexicon that a label is of ("Cardiomegaly", "Pleural_Thickening").

    Raises:
        UsageError: no label is called so.
    """
    found = _named_by(label)
    if found is None:
        raise UsageError(f"no label is called '{label}'{meant(label, bundled_labels().keys)}")
    return found


def names_findings(label: str) -> bool:
    """Whether a label is of findings that concepts can be filtered by."""
    return _named_by(label) is not None


def _named_by(label: str) -> frozenset[str] | None:
    entry = bundled_labels().entry(label)
    finding = load_lexicon().canonical(normal_name(label))
    if entry is None and finding is None:
        return None
    return frozenset((*(entry.findings if entry else ()), *([finding] if finding else ())))
