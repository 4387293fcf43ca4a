"""`make bench-compare REV=v1`: the benches of another revision and of this tree in turn, and what became slower.

    python -m bench.compare REV [NAME ...] [--rounds 5] [--json]

Both trees run in the same environment, one bench after the other, round by round, so that what disturbs the machine
disturbs both. A figure became worse where its median moved the bad way by more than its rounds differ among themselves
in either tree. Exit 1 if one did.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
QUICK = ("startup", "commands", "accuracy")
ROUNDS = 5

Verdict = Literal["worse", "better", "same", "only here", "only there", "no number"]


@dataclass
class Figure:
    """One figure of a bench, in every round there (the other revision) and here (this tree)."""

    bench: str
    claim: str
    better: str | None = None
    there: list[float] = field(default_factory=list)
    here: list[float] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """What became of it."""
        if self.better is None:
            return "no number"
        if not self.there or not self.here:
            return "only here" if self.here else "only there"
        moved = statistics.median(self.here) - statistics.median(self.there)
        spread = max(max(rounds) - min(rounds) for rounds in (self.here, self.there))
        if abs(moved) <= spread:
            return "same"
        return "better" if (moved > 0) == (self.better == "higher") else "worse"

    def to_row(self) -> dict[str, Any]:
        """The figure as plain data."""
        return {**asdict(self), "verdict": self.verdict}


def compare(rev: str, names: Sequence[str] = QUICK, *, rounds: int = ROUNDS, root: Path = ROOT) -> list[Figure]:
    """Run the benches of `rev` and of the tree at `root` in turn.

    Args:
        rev: a commit, tag or branch of the repository at `root`.
        names: which benches.
        rounds: how often each is run, in either tree.
        root: this tree, as it stands: what is not committed counts.

    Raises:
        ValueError: there is no such revision, neither tree has a bench of that name, or a bench fails.
    """
    figures: dict[tuple[str, str], Figure] = {}
    with _tree_at(rev, root) as other:
        for _ in range(rounds):
            for name in names:
                found = {"there": _rows(other, name), "here": _rows(root, name)}
                if found["there"] is None and found["here"] is None:
                    raise ValueError(f"there is no bench {name}, neither at {rev} nor here")
                numberless = {_claim(row) for row in found["there"] or () if row.get("number") is None}
                # This tree's rows come first: they say which way is better where the other's cannot.
                for side in ("here", "there"):
                    for row in found[side] or ():
                        figure = figures.setdefault((name, _claim(row)), Figure(name, _claim(row)))
                        _add(figure, side, row, by_value=figure.claim in numberless)
    return list(figures.values())


def _add(figure: Figure, side: str, row: dict[str, Any], *, by_value: bool) -> None:
    """Add what a row says in one round.

    Args:
        figure: of the row's claim.
        side: "here" or "there".
        row: of a bench.
        by_value: read what is printed, for the other revision's row has no number: so both are rounded alike.
    """
    number = row.get("number")
    figure.better = figure.better or row.get("better")
    if by_value and figure.better and (match := re.match(r"[\d.,]+", row["value"])):
        number = float(match[0].replace(",", ""))
    if number is not None:
        getattr(figure, side).append(float(number))


def _claim(row: dict[str, Any]) -> str:
    """What a row tells of, without what was measured on the way: older revisions say that in the claim."""
    return re.sub(r"\s*\([^()]*\d[^()]*\)|[:,]\s*[\d.,]+ (?:s|MB|images/s|reports/s)\b", "", row["what"])


def _rows(tree: Path, name: str) -> list[dict[str, Any]] | None:
    """The rows of a bench in a tree; None where it has no such bench."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("rows_of.py")), name]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise ValueError(f"the bench {name} fails in {tree}: {last}")
    rows: list[dict[str, Any]] | None = json.loads(done.stdout.splitlines()[-1])
    return rows


@contextmanager
def _tree_at(rev: str, root: Path) -> Iterator[Path]:
    """The files of a revision, in a folder that goes again."""
    with tempfile.TemporaryDirectory(prefix="clear-kb-bench-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(root), "worktree"]
        added = subprocess.run(
            [*git, "add", "--quiet", "--detach", str(tree), rev], capture_output=True, text=True, check=False
        )
        if added.returncode:
            raise ValueError(f"there is no revision {rev}: {added.stderr.strip().splitlines()[-1]}")
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], capture_output=True, check=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare by the command line; says with which code to exit."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=(__doc__ or "").split("\n\n")[2])
    parser.add_argument("rev", help="a commit, tag or branch")
    parser.add_argument("names", nargs="*", default=QUICK, help=f"benches; default: {' '.join(QUICK)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--root", type=Path, default=ROOT, help="this tree; default: the one of this file")
    told = parser.parse_args(arguments)
    try:
        figures = compare(told.rev, told.names, rounds=told.rounds, root=told.root)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if told.json:
        print(json.dumps([figure.to_row() for figure in figures], indent=1))
    else:
        _print(figures, told.rev)
    return int(any(figure.verdict == "worse" for figure in figures))


def _print(figures: Sequence[Figure], rev: str) -> None:
    table = Table("bench", "what", f"at {rev}", "here", "ratio", "", box=None, header_style="bold")
    for one in figures:
        ratio = ""
        if one.there and one.here and (before := statistics.median(one.there)):
            ratio = f"{statistics.median(one.here) / before:.2f}x"
        table.add_row(one.bench, one.claim, _told(one.there), _told(one.here), ratio, one.verdict)
    Console(width=160).print(table)


def _told(rounds: Sequence[float]) -> str:
    return f"{statistics.median(rounds):.3g} ({min(rounds):.3g} to {max(rounds):.3g})" if rounds else "-"


if __name__ == "__main__":
    sys.exit(main())
