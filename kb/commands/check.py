"""`clear-kb check`: does the knowledge base keep its own rules?"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from kb.commands.output import print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.errors import UsageError
from kb.store.safety.storage_check import check_storage
from kb.vocabulary.check import FIXABLE, check
from kb.vocabulary.check import fix as mend


@writes(at=True, dry_run=False)
def check_command(
    writing: Writing,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend: vectors of another embedder.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many problems to list at most.")] = 50,
    storage: Annotated[
        bool, typer.Option("--storage", help="Read every file of every commit instead, and compare it with its note.")
    ] = False,
) -> None:
    """Check the knowledge base by named rules, or with --storage its files; exit 1 if what matters is broken."""
    if storage:
        _check_storage(writing, fix, limit)
        return
    if fix and writing.at:
        raise UsageError("--fix works on the newest commit: leave --at away")
    opened = writing.base
    if fix and (commit := mend(opened, by=writing.by, why=writing.why)):
        say(f"took {commit.summary['mended']:,} vectors of another embedder away: clear-kb embed computes them anew")
    problems = check(opened)
    rows = [problem.to_dict() for problem in problems[:limit]]
    print_rows(rows, ["severity", "rule", "concept_id", "text", "detail"], writing.output, empty="every rule is kept")
    counts = Counter((problem.severity, problem.rule) for problem in problems)
    for (severity, rule), count in counts.items():
        say(f"{severity}: {count:,} x {rule}{' (--fix mends it)' if rule == FIXABLE else ''}")
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def _check_storage(writing: Writing, fix: bool, limit: int) -> None:
    if fix or writing.at:
        raise UsageError("--storage looks at every commit and mends nothing: leave --fix and --at away")
    with Progress("commits") as progress:
        progress.stage("checking", None)
        result = check_storage(writing.storage, on_commit=lambda done, _: progress.advance(done, done))
    rows = [damaged.to_dict() for damaged in result.damaged[:limit]]
    columns = ["table", "file", "what", "since", "commits"]
    print_rows(rows, columns, writing.output, empty=f"{result.files:,} files of {result.commits:,} commits are sound")
    if result.damaged:
        say(f"{len(result.damaged):,} of {result.files:,} files are damaged: see clear-kb repair --dry-run")
        raise typer.Exit(1)
