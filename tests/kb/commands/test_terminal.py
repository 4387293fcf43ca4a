"""A report that is full of what terminals act on goes through every command that prints, and none of it gets there."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.terminal import printed

Run = Callable[..., subprocess.CompletedProcess[str]]

TITLE, CLEAR, C1, TURNED = "\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\u202egnp\u2066"
HOSTILE = f"{TITLE}{CLEAR}{C1}{TURNED}\x7f[red]"
RAW = ("\x1b", "\x07", "\x9b", "\x7f", "\u202e", "\u2066")


@pytest.fixture
def hostile(tmp_path: Path, cli: Run) -> Path:
    """A knowledge base of two reports whose ids and texts are hostile, and one that is refused."""
    with (tmp_path / "reports.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["report_id", "patient_id", "findings"])
        table.writerow([f"r1{HOSTILE}", f"p1{HOSTILE}", f"Large left pneumothorax. There is {HOSTILE}."])
        table.writerow(["r2", "p2", f"No {TURNED} effusion. Right pleural effusion{C1} is seen."])
        table.writerow([f"r2{CLEAR}", "p3", ""])
    cli("ingest", "reports", tmp_path / "reports.csv", "--kb", "test.kb", "--by", f"ada{HOSTILE}", "--why", HOSTILE)
    return tmp_path / "test.kb"


PRINTING = [
    ["status"],
    ["status", "--rejects"],
    ["log"],
    ["check"],
    ["vocab", "list"],
    ["vocab", "search", "pneumothorax", "--words"],
    ["observations", "export", "-o", "-"],
    ["audit", "sql", "SELECT * FROM reports"],
    ["audit", "sql", f"SELECT '{HOSTILE}' AS a, 'x' AS \"b{HOSTILE}\""],
]
REFUSED = [
    ["audit", "sql", f"SELECT {HOSTILE} FROM images"],
    ["vocab", "show", f"nothing{HOSTILE}"],
    ["log", "--at", HOSTILE],
]


def _assert_tame(told: str) -> None:
    for raw in RAW:
        assert raw not in told, (raw, told)


def test_nothing_of_a_report_acts_on_a_terminal(hostile: Path, cli: Run) -> None:
    concepts = json.loads(cli("vocab", "list", "--kb", hostile, "--format", "json").stdout)
    assert concepts
    shown = [["vocab", "show", one["concept_id"], "--evidence", "3"] for one in concepts[:2]]
    for code, commands in ((0, [*PRINTING, *shown]), (2, REFUSED)):
        for command in commands:
            done = cli(*command, "--kb", hostile, code=code)
            _assert_tame(done.stdout + done.stderr)


@pytest.mark.soak
def test_a_preview_of_it_and_its_log_are_tame_too(tmp_path: Path, hostile: Path, cli: Run) -> None:
    for more in ([], ["--why"]):
        done = cli("ingest", "preview", tmp_path / "reports.csv", *more)
        _assert_tame(done.stdout + done.stderr)
    done = cli("-v", "vocab", "note", "large left pneumothorax", HOSTILE, "--kb", hostile, code=2)
    _assert_tame(done.stdout + done.stderr)


@pytest.mark.soak
def test_csv_is_written_out_for_a_person_and_kept_for_a_program(hostile: Path, cli: Run) -> None:
    command = ["audit", "sql", "SELECT report_id FROM reports ORDER BY 1", "--kb", str(hostile), "--format", "csv"]
    seen = "\n".join(printed(*command, columns=200))
    _assert_tame(seen.replace("\x1b[0m", ""))
    assert "r1\\x1b]0;owned" in seen
    assert f"r1{HOSTILE}" in cli(*command).stdout


@pytest.mark.soak
def test_markup_in_data_is_shown_as_it_stands(hostile: Path, cli: Run) -> None:
    assert "[red]" in cli("audit", "sql", "SELECT report_id FROM reports", "--kb", hostile).stdout
    assert "[red]" in cli("log", "--kb", hostile).stdout


@pytest.mark.parametrize("room", ["kb", "ingest", "encoder", "workbench"])
def test_every_command_prints_by_the_one_console(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        if path.relative_to(ROOT) == Path("kb/commands/console.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
                assert "Console" not in {name.name for name in node.names}, path
