"""The options that the commands of an audit share, each defined once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from encoder.prediction.runs import judged_parts
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase

Audit = TypeVar("Audit")

Run = Annotated[str, typer.Option("--run", metavar="NAME", help="The run; `audit sql 'FROM runs'` lists them.")]
Label = Annotated[str, typer.Option("--label", metavar="LABEL", help="The label that it predicts.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="The labels to go by, where several sources speak.")
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="SQL", help="Only rows of the view outcomes for which this holds: \"view = 'PA'\"."
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against", metavar="SITE|RUN|KB", help="Compare with a site, another run, or another knowledge base."
    ),
]


def each_part(
    base: KnowledgeBase, run: str, split: str | None, audit: Callable[[str], Audit]
) -> tuple[list[Audit], list[str]]:
    """The audit of each part of the rows that a run is judged on, and why there is none of a further part.

    Raises:
        UsageError: the first part cannot be looked at.
    """
    first, *others = judged_parts(base, [run], split)
    found, notes = [audit(first)], []
    for part in others:
        try:
            found.append(audit(part))
        except UsageError as error:
            notes.append(f"the {part} rows are not looked at: {error}")
    return found, notes
