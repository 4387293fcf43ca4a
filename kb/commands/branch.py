"""`clear-kb branch`: drafts of the vocabulary, and their way into main."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.markup import escape

from kb.commands.options import (
    DEFAULT_KB,
    At,
    By,
    DryRun,
    Format,
    KbUri,
    OutputFormat,
    StorageOptions,
    Why,
    open_kb,
)
from kb.commands.output import print_json, print_rows, say

app = typer.Typer(no_args_is_help=True, help="Drafts of the vocabulary: create, list, merge, delete.")

Name = Annotated[str, typer.Argument(help="The branch.")]


@app.command("create")
def create_command(
    name: Name,
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
) -> None:
    """Begin a draft, at the newest commit or --at another; write on it with --branch, read it with --at."""
    from kb.curation.merging import create_branch

    opened = open_kb(kb, at, storage_option)
    if dry_run:
        say(f"would begin branch {escape(name)} at commit {opened.commit.commit_id}")
        return
    commit = create_branch(opened, name, by=by, why=why)
    say(f"began branch {escape(name)} at commit {commit.parent}: write on it with --branch {escape(name)}")


@app.command("list")
def list_command(
    kb: KbUri = DEFAULT_KB, storage_option: StorageOptions = None, output: OutputFormat = Format.table
) -> None:
    """List the drafts: how many commits each has that main has not."""
    from kb.curation.merging import list_branches

    rows = [branch.to_dict() for branch in list_branches(open_kb(kb, None, storage_option))]
    print_rows(rows, ["branch", "commit", "commits", "by", "time"], output, empty="there are no branches beside main")


@app.command("merge")
def merge_command(
    name: Name,
    take: Annotated[
        Literal["branch", "main"] | None,
        typer.Option("--take", help="Whose value counts where both changed one; default: stop and show."),
    ] = None,
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Carry a draft over to main. Where both changed one thing nothing is done, and exit is 1: see --take."""
    from kb.curation.merging import merge_branch

    result = merge_branch(open_kb(kb, None, storage_option), name, take=take, by=by, why=why, dry_run=dry_run)
    conflicts = [conflict.to_dict() for conflict in result.conflicts]
    stopped = bool(conflicts) and take is None
    if output is Format.json:
        change = result.change.to_dict() if result.change else None
        print_json({"merged": result.merged, "change": change, "conflicts": conflicts, "dry_run": dry_run})
    else:
        if conflicts:
            print_rows(conflicts, ["concept_id", "text", "field", "was", "main", "branch"], output)
        if stopped:
            say(f"nothing was merged: main has changed {len(conflicts):,} of these too; --take branch or --take main")
        elif result.change is None:
            say(f"main has all of {escape(name)} already")
        else:
            done = "would merge" if dry_run else "merged"
            say(f"{done} {escape(name)} into main: {len(result.change.concept_ids):,} concepts")
            say(escape(result.change.line()))
    if stopped:
        raise typer.Exit(1)


@app.command("delete")
def delete_command(
    name: Name,
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
) -> None:
    """End a draft: its name is free again, its commits stay in the log."""
    from kb.curation.merging import delete_branch

    opened = open_kb(kb, None, storage_option)
    opened.commits.head(name)
    if not dry_run:
        delete_branch(opened, name, by=by, why=why)
    say(f"{'would delete' if dry_run else 'deleted'} branch {escape(name)}")
