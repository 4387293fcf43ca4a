"""`clear-kb forget`: a patient taken out, wherever the knowledge base has them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from kb.commands.options import id_key
from kb.commands.output import print_result, say
from kb.commands.shared import Writing, writes
from kb.errors import UsageError
from kb.privacy.forgetting import Forgotten, forget


@writes(quiet=True)
def forget_command(
    writing: Writing,
    patient: Annotated[str, typer.Option("--patient", metavar="ID", help="The patient's id, as it is stored.")],
    hash_ids: Annotated[
        Path | None,
        typer.Option("--hash-ids", metavar="KEYFILE", help="The id is plain, and stored is its hash with this key."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking: it cannot be undone.")] = False,
) -> None:
    """Take a patient out of every table, cache, tag and older commit, and prove it by searching the bytes.

    Tags keep their names on cleaned copies, drafts can still be merged; other older commits stay in the log and can no
    longer be read. Listed is what lies elsewhere (checkpoints, exports, backups, sources), and texts of others that
    hold the id. Interrupted, the same command goes on.
    """
    key = id_key(hash_ids)
    patient = patient if key is None else key.hash(patient)
    told = forget(writing.base, patient, **{**writing.act, "dry_run": True})
    if not writing.dry_run:
        if not yes and not sys.stdin.isatty():
            raise UsageError("this cannot be undone: say --yes")
        if not yes:
            print_result(told.to_dict(), _facts(told), writing.output)
            if not typer.confirm("Forget the patient? This cannot be undone", err=True):
                say("nothing was touched")
                return
        told = forget(writing.base, patient, **writing.act)
    print_result(told.to_dict(), _facts(told), writing.output, quiet=writing.quiet)


def _facts(told: Forgotten) -> list[tuple[str, str]]:
    gone = "would go" if told.dry_run else "gone"
    facts = [
        (gone, f"{told.reports:,} reports, {told.studies:,} studies, {told.images:,} images"),
        ("rows", ", ".join(f"{table} {count:,}" for table, count in told.rows.items()) or "none in the newest state"),
        (
            "concepts",
            f"{len(told.concepts):,} that only they had: {', '.join(told.concepts[:5])}" if told.concepts else "",
        ),
        (
            "kept",
            f"concepts that only they had and a curator touched: {', '.join(told.curated)}" if told.curated else "",
        ),
        ("tags", f"cleaned copies under the same names: {', '.join(told.tags)}" if told.tags else ""),
        ("drafts", f"cleaned, to be merged as before: {', '.join(told.branches)}" if told.branches else ""),
        ("put aside", f"{told.put_aside:,} files that a repair put aside {gone} too" if told.put_aside else ""),
        ("older commits", "stay in the log, and can no longer be read"),
    ]
    if told.proof is not None:
        proof = told.proof
        searched = f"{proof.searched_for:,} ids and sentences in {proof.files:,} files ({proof.bytes / 1e6:,.1f} MB)"
        facts.append(("proof", f"{proof.versions:,} versions of tables and {searched} searched: nothing found"))
    facts += [("left to you", one) for one in told.left_to_you]
    facts += [("not reached", one) for one in told.not_reached]
    return [(name, escape(value)) for name, value in facts if value]
