"""`clear-kb migrate`: an older format, brought up to the newest."""

from __future__ import annotations

from kb.commands.options import Format
from kb.commands.output import print_result, say
from kb.commands.shared import Writing, writes
from kb.store.migrations import migrate


@writes
def migrate_command(
    writing: Writing,
) -> None:
    """Bring a knowledge base of an older format up to the newest, as one commit; killed, it is taken up again."""
    result = migrate(writing.storage, **writing.act)
    if writing.output is not Format.table:
        print_result(result.to_dict(), (), writing.output)
    elif not result.steps:
        say(f"{writing.uri} has the newest format, {result.format}")
    else:
        for step in result.steps:
            say(f"{'would add' if writing.dry_run else 'added'} {step}")
        done = "would bring" if writing.dry_run else "brought"
        at = f": commit {result.commit}" if result.commit else ""
        say(f"{done} {writing.uri} from format {result.found} to {result.format}{at}")
