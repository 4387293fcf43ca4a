"""The list of the Vocabulary page: what was found, on which page of how many, and what it could be filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kb.vocabulary.catalogue import Catalogue, Row
from workbench.vocabulary.asking import ANY, NAMES, PAGE, Question

MOST_CHOICES = 400
"""Values of one facet that the page offers, those of the most concepts; others can be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value of a facet that can be asked for, and how many concepts have it."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows of an answer.

    Attributes:
        question: what was asked.
        rows: the concepts of this page.
        total: how many there are on all pages.
        first: the number of the first row, from 1; 0 where there is none.
        last: that of the last row.
        choices: by facet what can be asked for.
        meant: the finding that the words are another name of, or None.
    """

    question: Question
    rows: list[Row]
    total: int
    first: int
    last: int
    choices: Mapping[str, list[Choice]]
    meant: str | None

    @property
    def more(self) -> bool:
        """Whether a page comes after this one."""
        return self.last < self.total


def listed(catalogue: Catalogue, question: Question) -> Shown:
    """The answer to a question."""
    offset = (question.page - 1) * PAGE
    found = catalogue.find(question.asked(catalogue), limit=PAGE, offset=offset)
    return Shown(
        question=question,
        rows=found.rows,
        total=found.total,
        first=offset + 1 if found.rows else 0,
        last=offset + len(found.rows),
        choices={name: _choices(name, found.choices[name], question) for name in NAMES},
        meant=found.meant,
    )


def _choices(facet: str, counted: Mapping[str, int], question: Question) -> list[Choice]:
    chosen = question.facets.get(facet, "")
    values = dict([*counted.items()][:MOST_CHOICES])
    if chosen and chosen not in values and chosen != ANY:
        values[chosen] = counted.get(chosen, 0)
    return [Choice(value=value, count=count, chosen=value == chosen) for value, count in values.items()]
