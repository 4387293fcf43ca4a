"""`clear-kb status`: what a knowledge base holds, and what it could not take."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import (
    Format,
)
from kb.commands.output import print_facts, print_json, print_rows
from kb.commands.shared import Reading, reads
from kb.store.rejects import read_rejects
from kb.vocabulary.status import Status, read_status


@reads
def status_command(
    reading: Reading,
    rejects: Annotated[bool, typer.Option("--rejects", help="List the inputs that could not be taken.")] = False,
) -> None:
    """Show what a knowledge base holds, or with --rejects what it could not take."""
    if rejects:
        columns = ["source", "position", "report_id", "reason"]
        print_rows(read_rejects(reading.state), columns, reading.output, empty="nothing was rejected")
        return
    status = read_status(reading.state)
    if reading.output is Format.json:
        print_json(status.to_dict())
    elif reading.output is Format.csv:
        print_rows([status.to_dict()], list(status.to_dict()), reading.output)
    else:
        commands = _commands(status)
        facts = [(name, [value, commands.get(name, "")]) for name, value in status.facts()]
        print_facts([(name, escape(": ".join(filter(None, told)))) for name, told in facts])


def _commands(status: Status) -> dict[str, str]:
    """What to type about facts of the status, by their names."""
    return {
        "embedder": "" if status.embedder else "clear-kb embed",
        "not embedded": "clear-kb embed" if status.not_embedded else "",
        "rejects": "clear-kb status --rejects" if status.rejects else "",
        "disputed": "clear-kb observations review",
    }
