"""The parts of the rows that a run is judged on, external ones apart: an audit of each, and how all are printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from rich.markup import escape

from encoder.prediction.judged import judged_parts, warnings
from kb.commands.options import Format
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase


class Told(Protocol):
    """What an audit found, as plain data."""

    def to_dict(self) -> dict[str, Any]:
        """The audit for JSON."""
        ...


Audit = TypeVar("Audit", bound=Told)


def each_part(
    base: KnowledgeBase, run: str, split: str | None, audit: Callable[[str], Audit]
) -> tuple[list[Audit], list[str]]:
    """The audit of each part of the rows that a run is judged on; what is to be said of these, or of one without.

    Raises:
        UsageError: the first part cannot be looked at.
    """
    first, *others = judged_parts(base, [run], split)
    found, notes = [audit(first)], warnings(base, [run], split)
    for part in others:
        try:
            found.append(audit(part))
        except UsageError as error:
            notes.append(f"the {part} rows are not looked at: {error}")
    return found, notes


def print_parts(
    reading: Reading,
    audits: Sequence[Audit],
    untold: Sequence[str],
    *,
    show: Callable[[Audit, bool], None],
    table: Callable[[Sequence[Audit]], tuple[Sequence[Mapping[str, Any]], Sequence[str]]],
) -> None:
    """Print the audits of all parts: JSON has an object for one and a list for several, CSV the rows of all.

    Args:
        reading: how it was asked for.
        audits: of the parts.
        untold: why there is none of a further part.
        show: prints one of them for a person; the second argument says whether notes are left out.
        table: the rows of all, and the columns of CSV.
    """
    if reading.output is Format.json:
        told = [found.to_dict() for found in audits]
        print_json(told if len(told) > 1 else told[0])
    elif reading.output is Format.csv:
        rows, columns = table(audits)
        print_rows(rows, columns, reading.output)
    else:
        for found in audits:
            show(found, reading.quiet)
    for note in untold:
        say(f"note: {escape(note)}")
