"""A report as it is shown: its sections in pieces, those that a statement stands in marked with what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kb.vocabulary.study_statements import Statement, StudyReport

IN_WORDS = {"present": "there", "absent": "denied", "uncertain": "unsure"}
"""How an assertion is told beside its colour."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of letters of a section, and the statements that stand in it: none in what is not marked."""

    text: str
    statements: tuple[Statement, ...] = ()

    @property
    def assertion(self) -> str:
        """What the first of them says; "" where there is none."""
        return self.statements[0].assertion if self.statements else ""

    @property
    def told(self) -> str:
        """What is said here, in words: "there: left pleural effusion; denied: pneumothorax"."""
        return "; ".join(f"{IN_WORDS[one.assertion]}: {_observed(one)}" for one in self.statements)


def _observed(statement: Statement) -> str:
    """What is there or denied, by name: of "no pneumothorax" what it denies, for the word before it says so."""
    return statement.concept.removeprefix("no ") if statement.assertion == "absent" else statement.concept


@dataclass(frozen=True, slots=True)
class MarkedSection:
    """One section in pieces; none where its text is not stored."""

    name: str
    pieces: tuple[Piece, ...] | None


def marked_sections(report: StudyReport) -> list[MarkedSection]:
    """The sections of a report, in order, with what is stated in them marked."""
    return [
        MarkedSection(name, None if text is None else tuple(_pieces(text, _of(report.statements, name))))
        for name, text in report.sections
    ]


def _of(statements: Sequence[Statement], section: str) -> list[Statement]:
    return [one for one in statements if one.section == section]


def _pieces(text: str, statements: Sequence[Statement]) -> list[Piece]:
    ends = sorted({0, len(text), *(end for one in statements for span in one.within for end in span)})
    found: list[Piece] = []
    for start, end in pairwise(ends):
        here = tuple(one for one in statements if any(first <= start and end <= last for first, last in one.within))
        if found and found[-1].statements == here:
            found[-1] = Piece(found[-1].text + text[start:end], here)
        else:
            found.append(Piece(text[start:end], here))
    return [piece for piece in found if piece.text]
