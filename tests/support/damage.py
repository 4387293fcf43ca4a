"""Damage to files of a knowledge base, and what commands then say: seeded, counted, each case in a process of its own.

    python -m tests.support.damage --cases 300 --seed 20

prints the count of every outcome, and each case that gave other data in silence or an error that nobody foresaw.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = ("flip", "empty", "cut", "zeros", "gone")
"""What befalls a file: some bits turn, it is empty, it ends early, its middle is zeros, it is not there."""

NO_EFFECT, TOLD, UNFORESEEN, OTHER_DATA = "no effect", "told in a line", "traceback", "other data"

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "--format", "json"),
    ("check", "--format", "json"),
    ("log", "--format", "json"),
    ("tag", "--format", "json"),
    ("vocab", "list", "--format", "json"),
    ("vocab", "search", "effusion", "--words", "--format", "json"),
    ("vocab", "show", "cardiomegaly", "--evidence", "3", "--format", "json"),
    ("vocab", "changes", "--format", "json"),
    ("observations", "export"),
    ("audit", "sql", "SELECT * FROM observations ORDER BY ALL", "--format", "csv"),
    ("vocab", "list", "--at", "v1", "--format", "json"),
    ("vocab", "note", "cardiomegaly", "seen"),
    ("vocab", "list", "--format", "json"),
    ("ingest", "reports", "more.csv", "--no-embed", "--format", "json"),
    ("vocab", "list", "--format", "json"),
)
"""What is asked of a damaged knowledge base, in this order: reads, then acts, and what was left by them."""

REPORTS = """report_id,text
r1,"FINDINGS: Small left pleural effusion. No pneumothorax. IMPRESSION: Small effusion."
r2,"FINDINGS: Right lower lobe consolidation. Heart size is normal. IMPRESSION: Pneumonia."
r3,"FINDINGS: No focal consolidation. Mild cardiomegaly. IMPRESSION: Cardiomegaly."
"""
MORE = """report_id,text
r4,"FINDINGS: Large right pneumothorax. Left basal atelectasis. IMPRESSION: Pneumothorax."
"""
_FOREIGN = re.compile(r"Traceback|panicked|not foreseen|\.rs:\d")
_VARIES = re.compile(
    r"\b[X]?[0-9a-f]{12}\b|\d{4}-\d\d-\d\d[T ][0-9:.+]+|[0-9.]+ s\b|\"[a-z_]*(?:bytes|ms|seconds|_s)\": [0-9.]+"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One damage: the kind, and the file by its path in the knowledge base."""

    kind: str
    file: str
    seed: int


@dataclass(frozen=True, slots=True)
class Said:
    """What one command said: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case came to: the worst of what its commands did, and the command that did it."""

    case: Case
    outcome: str
    command: str
    said: Said | None


def make_base(folder: Path) -> Path:
    """A small knowledge base with evidence, acts, a tag and a branch, and one more file of reports beside it."""
    (folder / "reports.csv").write_text(REPORTS)
    (folder / "more.csv").write_text(MORE)
    kb = folder / "base.kb"
    steps: tuple[tuple[str, ...], ...] = (
        ("ingest", "reports", "reports.csv"),
        ("vocab", "accept", "cardiomegaly"),
        ("tag", "v1"),
        ("branch", "create", "draft"),
        ("vocab", "note", "pneumonia", "look again"),
        ("vocab", "reject", "heart size is normal"),
        ("vocab", "rename", "small effusion", "small pleural effusion"),
    )
    for said in _in_a_process(folder, kb, steps):
        assert said.code in (0, 1), said.err
    return kb


def cases(kb: Path, count: int, seed: int) -> list[Case]:
    """`count` damages, drawn over kinds and the files that hold something."""
    draw = random.Random(seed)
    files = sorted(
        str(path.relative_to(kb))
        for path in kb.rglob("*")
        if path.is_file() and path.stat().st_size and not path.name.endswith(".lock")
    )
    # Half of all where there is data: most files are tables that a small knowledge base leaves empty.
    rich = [file for file in files if file.split(".lance")[0] in ("concepts", "observations", "reports", "commits")]
    return [
        Case(draw.choice(KINDS), draw.choice(rich if at % 2 else files), draw.randrange(2**32)) for at in range(count)
    ]


def damage(path: Path, kind: str, seed: int) -> None:
    """Do to the file what `kind` says."""
    draw, content = random.Random(seed), bytearray(path.read_bytes())
    if kind == "gone":
        path.unlink()
        return
    if kind == "flip":
        for _ in range(3):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif kind == "zeros":
        start = draw.randrange(len(content))
        stop = min(len(content), start + max(16, len(content) // 4))
        content[start:stop] = bytes(stop - start)
    elif kind == "cut":
        del content[draw.randrange(len(content)) :]
    else:
        content.clear()
    path.write_bytes(content)


def try_cases(kb: Path, chosen: Sequence[Case], commands: Sequence[Sequence[str]] = COMMANDS) -> Iterator[Outcome]:
    """Each case on a fresh copy: what `commands` say, against what they say where nothing is damaged."""
    with tempfile.TemporaryDirectory(prefix="damage-") as place:
        folder = Path(place) / "case"
        sound = _run(kb, folder, None, commands)
        for case in chosen:
            said = _run(kb, folder, case, commands)
            yield _judge(case, commands, sound, said)


def count(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many cases came to each outcome."""
    found = Counter(outcome.outcome for outcome in outcomes)
    return {name: found[name] for name in (NO_EFFECT, TOLD, UNFORESEEN, OTHER_DATA)}


def _judge(case: Case, commands: Sequence[Sequence[str]], sound: Sequence[Said], said: Sequence[Said]) -> Outcome:
    rank = (NO_EFFECT, TOLD, UNFORESEEN, OTHER_DATA)
    worst, told = Outcome(case, NO_EFFECT, "", None), False
    for command, usual, now in zip(commands, sound, said, strict=True):
        told = told or "damaged" in now.err or now.code not in (0, usual.code)
        if _FOREIGN.search(now.err) or now.code < 0:
            outcome = UNFORESEEN
        elif now.code not in (0, usual.code) or "damaged" in now.err:
            outcome = TOLD
        elif _plain(now.out) == _plain(usual.out) and now.code == usual.code:
            outcome = NO_EFFECT
        else:
            # A write that was refused in words leaves later reads without what it would have written.
            outcome = TOLD if told else OTHER_DATA
        if rank.index(outcome) > rank.index(worst.outcome):
            worst = Outcome(case, outcome, " ".join(command), now)
    return worst


def _plain(text: str) -> str:
    return _VARIES.sub("#", text)


def _run(kb: Path, folder: Path, case: Case | None, commands: Sequence[Sequence[str]]) -> list[Said]:
    folder.mkdir()
    copy = folder / "base.kb"
    shutil.copytree(kb, copy)
    (folder / "more.csv").write_text(MORE)
    if case is not None:
        damage(copy / case.file, case.kind, case.seed)
    try:
        return _in_a_process(folder, copy, commands)
    finally:
        shutil.rmtree(folder)


def _in_a_process(folder: Path, kb: Path, commands: Sequence[Sequence[str]]) -> list[Said]:
    """Run commands one after another in one process: a panic or a crash ends that one alone."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.support.warmed"])
    out = folder / "said.jsonl"
    process = forks.Process(target=_say_all, args=(str(folder), str(kb), [list(one) for one in commands], str(out)))
    process.start()
    process.join(600)
    said = [Said(**json.loads(line)) for line in out.read_text().splitlines()]
    out.unlink()
    dead = Said(-(process.exitcode or 1), "", "panicked: the process ended")
    return said + [dead] * (len(commands) - len(said))


def _say_all(folder: str, kb: str, commands: list[list[str]], out: str) -> None:
    os.chdir(folder)
    os.environ |= {"CLEAR_KB_AUTHOR": "tester", "NO_COLOR": "1", "CLEAR_KB": kb}
    os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
    with Path(out).open("w", encoding="utf-8") as written:
        for command in commands:
            written.write(json.dumps(_say(command)) + "\n")
            written.flush()


def _say(command: list[str]) -> dict[str, Any]:
    import cli

    sys.argv = ["clear-kb", *command]
    printed, told, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return {"code": code, "out": printed.getvalue(), "err": told.getvalue()}


def main() -> None:
    """Count the outcomes of a seeded run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="damage-kb-") as place:
        kb = make_base(Path(place))
        outcomes = []
        for outcome in try_cases(kb, cases(kb, asked.cases, asked.seed)):
            outcomes.append(outcome)
            if outcome.outcome in (UNFORESEEN, OTHER_DATA):
                last = (outcome.said.err if outcome.said else "").strip().splitlines()[-1:]
                print(f"{outcome.outcome}: {outcome.case} in `{outcome.command}`: {last}", flush=True)
        print(json.dumps(count(outcomes)))


if __name__ == "__main__":
    main()
