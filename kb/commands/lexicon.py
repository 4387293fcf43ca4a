"""`clear-kb lexicon`: the tables that sentences are read by."""

from __future__ import annotations

import typer

from kb.commands.options import Format, OutputFormat
from kb.commands.output import print_rows, say
from kb.language.table_check import check_tables, faults_by_kind


def lexicon_check_command(output: OutputFormat = Format.table) -> None:
    """Check the tables of cues and of the lexicon: exit 1 if two rows contradict each other."""
    faults = check_tables()
    columns = ("kind", "row", "phrase", "reason")
    print_rows([fault.to_dict() for fault in faults], columns, output, empty="no row contradicts another")
    conflicts = faults_by_kind(faults, "conflict")
    if faults:
        say(f"{conflicts} conflicts, {faults_by_kind(faults, 'unreachable')} rows that nothing reaches")
    if conflicts:
        raise typer.Exit(1)
