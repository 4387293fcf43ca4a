"""`clear-kb branch`: drafts of the vocabulary, and their way into main."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from kb.choices import check_choice
from kb.commands.options import Format
from kb.commands.output import print_json, print_rows, say
from kb.commands.shared import Reading, Writing, reads, writes
from kb.curation.branch_merge import Side, merge_branch
from kb.store.branches import create_branch, delete_branch, list_branches

Name = Annotated[str, typer.Argument(help="The branch.")]


@writes(at=True, output=False)
def create_command(
    writing: Writing,
    name: Name,
) -> None:
    """Begin a draft, at the newest commit or --at another; write on it with --branch, read it with --at."""
    opened = writing.base
    if writing.dry_run:
        say(f"would begin branch {escape(name)} at commit {opened.commit.commit_id}")
        return
    commit = create_branch(opened, name, by=writing.by, why=writing.why)
    say(f"began branch {escape(name)} at commit {commit.parent}: write on it with --branch {escape(name)}")


@reads
def list_command(
    reading: Reading,
) -> None:
    """List the drafts: how many commits each has that main has not."""
    rows = [branch.to_dict() for branch in list_branches(reading.base)]
    print_rows(
        rows, ["branch", "commit", "commits", "by", "time"], reading.output, empty="there are no branches beside main"
    )


@writes
def merge_command(
    writing: Writing,
    name: Name,
    take: Annotated[
        str | None,
        typer.Option(
            "--take",
            metavar="branch|main",
            help="Whose value counts where both changed one, also by the branch's name; default: stop and show.",
        ),
    ] = None,
) -> None:
    """Carry a draft over to main. Where both changed one thing nothing is done, and exit is 1: see --take."""
    check_choice("side to take", take, ("branch", "main", name))
    side: Side | None = None if take is None else "main" if take == "main" else "branch"
    result = merge_branch(writing.base, name, take=side, **writing.act)
    conflicts = [conflict.to_dict() for conflict in result.conflicts]
    stopped = bool(conflicts) and take is None
    if writing.output is Format.json:
        change = result.change.to_dict() if result.change else None
        print_json({"merged": result.merged, "change": change, "conflicts": conflicts, "dry_run": writing.dry_run})
    else:
        if conflicts:
            print_rows(conflicts, ["concept_id", "text", "field", "was", "main", "branch"], writing.output)
        if stopped:
            say(f"nothing was merged: main has changed {len(conflicts):,} of these too; --take branch or --take main")
        elif result.change is None:
            say(f"main has all of {escape(name)} already")
        else:
            done = "would merge" if writing.dry_run else "merged"
            say(f"{done} {escape(name)} into main: {len(result.change.concept_ids):,} concepts")
            say(escape(result.change.line()))
    if stopped:
        raise typer.Exit(1)


@writes(output=False)
def delete_command(
    writing: Writing,
    name: Name,
) -> None:
    """End a draft: its name is free again, its commits stay in the log."""
    opened = writing.base
    opened.commits.head(name)
    if not writing.dry_run:
        delete_branch(opened, name, by=writing.by, why=writing.why)
    say(f"{'would delete' if writing.dry_run else 'deleted'} branch {escape(name)}")
