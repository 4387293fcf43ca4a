"""`clear-kb check`: does the knowledge base keep its own rules?"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from kb.commands.output import print_rows, say
from kb.commands.shared import Writing, writes
from kb.errors import UsageError
from kb.vocabulary.check import FIXABLE, check
from kb.vocabulary.check import fix as mend


@writes(at=True, dry_run=False)
def check_command(
    writing: Writing,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend: vectors of another embedder.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many problems to list at most.")] = 50,
) -> None:
    """Check the knowledge base by named rules; exit 1 if one that matters is broken."""
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
