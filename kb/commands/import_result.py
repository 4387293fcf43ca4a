"""How an import is told: what it changes, which rows it cannot take, and how many of each."""

from __future__ import annotations

from rich.markup import escape

from kb.commands.options import Format
from kb.commands.output import print_result, print_rows, say
from kb.commands.shared import Writing
from kb.exchange.importing import ImportResult

SHOWN = 20
"""How many concepts, and how many rejected rows, are told one by one."""


def print_import(
    result: ImportResult, writing: Writing, *, of_bank: bool, asking: bool = False, told_before: bool = False
) -> None:
    """Print what an import did or, of one that was only tried, what it would do.

    Args:
        result: what the library says.
        writing: how to print.
        of_bank: whether the published bank came in.
        asking: whether somebody is asked afterwards: it was only tried, and shown on standard error.
        told_before: whether what changes was shown before, to ask.
    """
    if writing.output is Format.table and not (told_before or writing.quiet or of_bank):
        _print_differences(result)
    if asking:
        facts = _facts(result, tried=True, kb=writing.uri, of_bank=of_bank)
        say(", ".join(f"{name}: {value}" for name, value in facts if name != "commit"))
        return
    print_result(
        {**result.to_dict(), "dry_run": writing.dry_run},
        _facts(result, tried=writing.dry_run, kb=writing.uri, of_bank=of_bank),
        writing.output,
        quiet=writing.quiet,
    )


def _print_differences(result: ImportResult) -> None:
    rows = [difference.to_dict() for difference in result.differences]
    if rows:
        print_rows(rows[:SHOWN], ["kind", "text", "change", "concept_id"], Format.table)
    if (total := result.added + result.edited + result.retired) > SHOWN:
        say(f"and {total - SHOWN:,} concepts more")
    for reject in result.rejects[:SHOWN]:
        say(escape(f"{reject['position']} cannot be taken: {reject['reason']}"))
    if result.rejected > SHOWN:
        say(f"and {result.rejected - SHOWN:,} rows more")


def _facts(result: ImportResult, *, tried: bool, kb: str, of_bank: bool) -> list[tuple[str, str]]:
    commit = result.commit.commit_id if result.commit else "none: there was nothing new"
    embedded = f", {result.embedded:,} of them with their vector" if result.embedded else ""
    where = f": clear-kb status --rejects --kb {escape(kb)}" if result.rejected and not tried else ""
    uncounted = ": uncounted, unless --verbatim" if of_bank else ""
    facts = [
        ("read", f"{result.read:,}"),
        ("added", f"{result.added:,}{embedded}"),
        ("edited", f"{result.edited:,}"),
        ("unchanged", f"{result.unchanged:,}"),
        ("retired", f"{result.retired:,} that the file no longer has" if result.retired else ""),
        ("not there", f"{result.gone:,} concepts in use, left as they are: --delete-missing" if result.gone else ""),
        (
            "synonyms",
            f"{result.synonyms:,} texts became another name of a concept{uncounted}" if result.synonyms else "",
        ),
        ("repeated", f"{result.repeated:,} texts stand there more than once{uncounted}" if result.repeated else ""),
        ("kept apart", f"{result.apart:,} texts that would be another name of a concept" if result.apart else ""),
        ("unread", f"{result.unread:,} texts of which the lexicon knows nothing" if result.unread else ""),
        ("note", escape("; ".join(result.notes))),
        ("rejected", f"{result.rejected:,}{where}"),
        ("not used", escape(", ".join(result.unused))),
        ("commit", "none: a dry run writes nothing" if tried else commit),
    ]
    return [(name, value) for name, value in facts if value]
