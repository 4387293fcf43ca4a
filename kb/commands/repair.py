"""`clear-kb repair`: a damaged knowledge base, made whole again."""

from __future__ import annotations

from rich.markup import escape

from kb.commands.options import Format
from kb.commands.output import print_result, say
from kb.commands.shared import Writing, writes
from kb.store.safety.repair import lost_lines, repair


@writes
def repair_command(
    writing: Writing,
) -> None:
    """Repair what is damaged: go back to the newest whole state, rebuild what can be, say what is lost."""
    result = repair(writing.storage, **writing.act)
    if writing.output is not Format.table:
        print_result(result.to_dict(), (), writing.output)
        return
    if not result.steps:
        say(
            f"nothing is damaged in the newest states of {escape(writing.uri)}; clear-kb check --storage reads them all"
        )
        return
    say("would:" if writing.dry_run else "done:")
    for step in result.steps:
        say(escape(f"- {step}"))
    if result.lost:
        say(
            "what these commits did is lost, and is to be done again (the same ingest of the same files, the same act):"
        )
        for line in lost_lines(result.lost):
            say(escape(f"- {line}"))
    if not writing.dry_run:
        aside = f"what was put aside lies in {result.put_aside}; " if result.put_aside else ""
        say(f"{escape(aside)}clear-kb check says whether its rules are kept")
