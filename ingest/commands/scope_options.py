"""Options that say what the sources are and which of their reports are asked for; what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from ingest.scope.left_out import LeftOutCount

SHOWN = 12
"""Reasons that a summary lists; `--format json` has all."""

SourceFormat = Annotated[
    str | None,
    typer.Option(
        "--source-format",
        help="csv, tsv, json, jsonl, parquet, redcap, fhir, hl7, text or openi; default: found out.",
        rich_help_panel="Source",
    ),
]
Scope = Annotated[
    str,
    typer.Option(
        "--scope",
        metavar="chest|all",
        help="chest: chest radiographs and chest CT, as columns and titles tell; all: whatever there is.",
        rich_help_panel="Source",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Only these reports: \"modality = 'CT' AND age > 60\", over the columns of the source.",
        rich_help_panel="Source",
    ),
]


def left_out_facts(left_out: Sequence[LeftOutCount], scope: str) -> list[tuple[str, str]]:
    """How many reports were left out, and why, as lines of a summary; none if there were none."""
    if not left_out:
        return []
    total = sum(one.count for one in left_out)
    by_scope = any(one.why in ("modality", "procedure", "body part", "title") for one in left_out)
    hint = " (--scope all takes every examination)" if by_scope and scope != "all" else ""
    facts = [("left out", f"{total:,}{hint}")]
    for one in left_out[:SHOWN]:
        what = f"{one.why}: {one.what}" if one.what else one.why
        facts.append(("", f"{one.count:,}  {what}, first {one.first}"))
    if len(left_out) > SHOWN:
        rest = sum(one.count for one in left_out[SHOWN:])
        facts.append(("", f"{rest:,}  for {len(left_out) - SHOWN} other reasons: --format json has all"))
    return facts
