"""What a concept must be to be listed or found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kb.choices import check_choice
from kb.store.sqltext import literal, literals
from schemas.terms import CONCEPT_ASSERTIONS, IN_USE, LATERALITIES, STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a concept must be; None and 0 ask for nothing. A word that is none of the field's is a UsageError."""

    assertion: str | None = None
    status: str | None = None
    laterality: str | None = None
    findings: Sequence[str] | None = None
    min_count: int = 0

    def __post_init__(self) -> None:
        check_choice("assertion", self.assertion, CONCEPT_ASSERTIONS)
        check_choice("status", self.status, STATUSES)
        check_choice("laterality", self.laterality, LATERALITIES)

    def parameters(self) -> dict[str, Any]:
        """The filters as the parameters of a named query."""
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
