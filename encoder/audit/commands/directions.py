"""`clear-kb audit directions`: how well concepts are told by the vectors of a model from elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.face import directions
from encoder.commands.options import EncoderOption
from encoder.space.fitted.directions import COLUMNS, FittedDirections, FittedFinding, named
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads

SHOWN = ("finding", "hold", "patients", "cross-validated", "by reports")


@reads(quiet=True)
def directions_command(
    reading: Reading,
    encoder: EncoderOption = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="reports|ID",
            help="Fit to what reports state, or to the concepts of an encoder of ours; default: what holds.",
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Findings that a table shows; JSON and CSV hold all.")] = 40,
) -> None:
    """Fit concepts as directions of a model's vectors, and show how well each is told of patients left out."""
    with Progress("steps", hidden=reading.quiet) as progress:
        progress.stage("fitting", None)
        found = directions(reading.base, encoder, origin=origin)
    if reading.output is Format.json:
        print_json(found.to_dict())
    elif reading.output is Format.csv:
        print_rows(found.findings.rows(), COLUMNS, reading.output)
    else:
        _print(found, top, quiet=reading.quiet)


def _print(found: FittedDirections, top: int, *, quiet: bool) -> None:
    facts = [
        ("encoder", escape(found.encoder)),
        ("fitted to", escape(_origin(found))),
        ("on", f"{found.images:,} images of {found.patients:,} patients, none of them external"),
        ("limit", f"{named(found.measure)} of {found.limit:g}, and above chance"),
        ("hold", f"{len(found):,} of {found.fitted:,}"),
        ("not tried", f"{found.untried:,} findings, stated of too few patients" if found.untried else ""),
        ("refused", escape(found.doubt)),
    ]
    print_facts([(name, value) for name, value in facts if value])
    by_reports = found.measure == "R2"
    columns = SHOWN if by_reports else SHOWN[:-1]
    print_rows([_shown(row) for row in found.findings[:top]], columns, Format.table, title=" ")
    if (left := len(found.findings) - top) > 0:
        say(f"{left:,} findings more: --top shows them", quiet=quiet)
    if not len(found):
        say("none holds: concepts are not looked at by these vectors, likeness and slices are", quiet=quiet)


def _origin(found: FittedDirections) -> str:
    return "what reports state" if found.origin == "reports" else f"the concept scores of encoder {found.origin}"


def _shown(row: FittedFinding) -> dict[str, str]:
    stated = row.stated
    return {
        "finding": row.finding,
        "hold": f"{row.held:,} of {row.concepts:,}",
        "patients": f"{row.patients:,}",
        "cross-validated": f"{named(row.measure)} {row.value:.2f} ({row.low:.2f}-{row.high:.2f})",
        "by reports": "" if stated is None else f"{stated.value:.2f} ({stated.low:.2f}-{stated.high:.2f})",
    }
