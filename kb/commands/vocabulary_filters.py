"""The options that say which concepts a command is about, each defined once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from kb.commands.options import AssertionChoice, LateralityChoice, StatusChoice
from kb.vocabulary.filters import Filters

AssertionFilter = Annotated[AssertionChoice | None, typer.Option("--assertion", help="Only present or absent ones.")]
StatusFilter = Annotated[StatusChoice | None, typer.Option("--status", help="Only those of this status.")]
SideFilter = Annotated[LateralityChoice | None, typer.Option("--side", "--laterality", help="Only those of this side.")]
FindingFilter = Annotated[
    list[str] | None, typer.Option("--finding", help="Only those of this finding of the lexicon; repeatable.")
]
PlaceFilter = Annotated[
    str | None, typer.Option("--place", help="Only those at a place with these words ('lower lobe'); 'none': at none.")
]
SeverityFilter = Annotated[
    str | None, typer.Option("--severity", help="Only those of this severity or size ('mild'); 'none': of none.")
]
KindFilter = Annotated[
    Literal["finding", "device", "normal", "other"] | None,
    typer.Option("--kind", help="Only findings, devices or normal statements, as the lexicon says."),
]
SourceFilter = Annotated[str | None, typer.Option("--source", help="Only those that came from this source.")]
MinCount = Annotated[int, typer.Option("--min-count", min=0, help="Only those mentioned at least so often.")]
TextFilter = Annotated[str | None, typer.Option("--text", help="Only those whose text has these words.")]
LabelFilter = Annotated[
    str | None, typer.Option("--label", help="Only those of the findings that a label is of: Cardiomegaly.")
]


def filters_of(**told: Any) -> Filters | None:
    """The filters that a command was told; None where it was told none."""
    said = {name: value for name, value in told.items() if value}
    return Filters(**said) if said else None
