"""Benches of two revisions in turn: what became worse is told, what only trembles is not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.compare import Figure, compare, main

MAIN = """
from dataclasses import dataclass

@dataclass
class Row:
    what: str
    value: str
    spread: str
    against: str
    {more}

def run():
    return [Row({row})]

BENCHES = {{"tiny": run}}
"""
NUMBERS = "number: float = None\n    better: str = None"


def tree(root: Path, row: str, more: str = NUMBERS) -> None:
    (root / "bench").mkdir(parents=True, exist_ok=True)
    (root / "bench" / "__init__.py").touch()
    (root / "bench" / "__main__.py").write_text(MAIN.format(row=row, more=more))


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", "-C", str(root), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A repository whose one bench took 2.0 s at `v1`."""
    tree(tmp_path / "r", "'a loop (2.0 s)', '2.0 s', '', '', 2.0, 'lower'")
    git(tmp_path / "r", "init", "--quiet")
    git(tmp_path / "r", "add", ".")
    git(tmp_path / "r", "commit", "--quiet", "-m", "one")
    git(tmp_path / "r", "tag", "v1")
    yield tmp_path / "r"
    assert len(git(tmp_path / "r", "worktree", "list").splitlines()) == 1  # nothing of the comparison stays


def test_what_became_slower_is_told_and_the_exit_is_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(root, "'a loop (3.0 s)', '3.0 s', '', '', 3.0, 'lower'")
    assert main(["v1", "tiny", "--rounds", "2", "--root", str(root), "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {
        "bench": "tiny", "claim": "a loop", "better": "lower", "there": [2.0, 2.0], "here": [3.0, 3.0],
        "verdict": "worse",
    }  # fmt: skip


def test_what_is_as_it_was_or_better_ends_well(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["v1", "tiny", "--rounds", "1", "--root", str(root)]) == 0
    assert "same" in capsys.readouterr().out
    tree(root, "'a loop (1.0 s)', '1.0 s', '', '', 1.0, 'lower'")
    assert main(["v1", "tiny", "--rounds", "1", "--root", str(root)]) == 0
    assert "better" in capsys.readouterr().out


def test_a_revision_whose_rows_had_no_numbers_is_read_by_its_values(root: Path) -> None:
    tree(root, "'a loop', '1,200 MB', '', ''", more="pass")
    git(root, "commit", "--quiet", "-am", "before there were numbers")
    tree(root, "'a loop', '900 MB', '', '', 900.0, 'lower'")
    (figure,) = compare("HEAD", ["tiny"], rounds=1, root=root)
    assert (figure.there, figure.here, figure.verdict) == ([1200.0], [900.0], "better")


def test_a_number_of_numpy_is_a_number(root: Path) -> None:
    tree(root, "'a loop', '3 s', '', '', __import__('numpy').int64(3), 'lower'")
    (figure,) = compare("v1", ["tiny"], rounds=1, root=root)
    assert (figure.there, figure.here, figure.verdict) == ([2.0], [3.0], "worse")


@pytest.mark.parametrize(("before", "verdict"), [("0.977", "same"), ("0.976", "better"), ("-", "only here")])
def test_a_row_that_had_no_number_is_compared_as_it_is_printed(root: Path, before: str, verdict: str) -> None:
    tree(root, f"'F1', '{before}', '', ''")
    git(root, "commit", "--quiet", "-am", "the row has no number yet")
    tree(root, "'F1', '0.977', '', '', 0.9766, 'higher'")
    (figure,) = compare("HEAD", ["tiny"], rounds=1, root=root)
    assert figure.verdict == verdict


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["v9", "tiny"], "there is no revision v9"),
        (["v1", "huge"], "there is no bench huge, neither at v1 nor here"),
    ],
)
def test_what_is_not_there_is_named(
    root: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--root", str(root)]) == 1
    assert told in capsys.readouterr().err


def test_a_bench_that_fails_is_no_figure(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(root, "1 / 0")
    assert main(["v1", "tiny", "--root", str(root)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("better", "there", "here", "verdict"),
    [
        ("lower", [1.0, 1.2], [1.1, 1.3], "same"),  # within what the rounds differ
        ("lower", [1.0, 1.1], [1.4, 1.5], "worse"),
        ("higher", [1.0, 1.1], [1.4, 1.5], "better"),
        ("higher", [0.9], [0.8], "worse"),
        ("higher", [], [0.8], "only here"),
        ("higher", [0.8], [], "only there"),
        (None, [], [], "no number"),
    ],
)
def test_a_figure_is_judged_by_its_direction_and_beyond_its_spread(
    better: str | None, there: list[float], here: list[float], verdict: str
) -> None:
    assert Figure("b", "c", better, there, here).verdict == verdict
