"""A campaign: so many hostile inputs through all doors, and what came of them; a process that dies costs one case."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

SILENCE = 900
"""Seconds without an answer after which a process is taken for stuck."""

FAILURES = ("raised", "over memory", "over time", "stuck", "died", "ran code", "told at length")
"""Outcomes of which there may be none."""


@dataclass
class Campaign:
    """What came of hostile inputs, counted by door, and the failures."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many inputs were tried."""
        return sum(one.total() for one in self.counts.values())

    def note(self, told: dict[str, Any]) -> None:
        """Count one outcome."""
        self.counts.setdefault(told["door"], Counter())[told["outcome"]] += 1
        if told["outcome"] in FAILURES:
            self.failures.append(told)

    def lines(self) -> Iterator[str]:
        """The counts as a table, and each kind of failure once."""
        kinds = ("taken", "told", "rejected", *FAILURES)
        shown = [kind for kind in kinds if kind in kinds[:3] or any(one[kind] for one in self.counts.values())]
        yield f"{'door':14}" + "".join(f"{kind:>15}" for kind in shown)
        for name, counts in self.counts.items():
            yield f"{name:14}" + "".join(f"{counts[kind]:>15,}" for kind in shown)
        yield f"{self.tried:,} tried, {len(self.failures):,} failed"
        kinds_of: dict[str, list[dict[str, Any]]] = {}
        for one in self.failures:
            where = one.get("said", "").rpartition("[")[2] if one["outcome"] == "raised" else ""
            kinds_of.setdefault(f"{one['door']}: {one['outcome']} {where}", []).append(one)
        for kind, same in sorted(kinds_of.items(), key=lambda pair: -len(pair[1])):
            first = same[0]
            yield f"{len(same):6,}  {kind}  e.g. case {first['case']} ({first['file']}): {first.get('said', '')[:160]}"


def run_campaign(
    count: int, seed: int, *, only: Sequence[str] = (), heard: Callable[[dict[str, Any]], object] = lambda _: None
) -> Campaign:
    """Try `count` inputs, spread over the doors; `only` names some of them."""
    found = Campaign()
    with tempfile.TemporaryDirectory(prefix="clear-kb-fuzz-") as place:
        waiting: list[tuple[str, int]] | None = None
        while waiting is None or waiting:
            with _child(Path(place), seed) as (process, doors):
                if waiting is None:
                    names = [name for name in doors if not only or name in only]
                    waiting = _cases(names, doors, count)
                while waiting:
                    told = _answer(process, *waiting[0])
                    found.note(told)
                    heard(told)
                    waiting.pop(0)
                    if told["outcome"] in ("stuck", "died"):
                        break
    return found


def _cases(names: Sequence[str], crafted: dict[str, int], count: int) -> list[tuple[str, int]]:
    """So many cases, spread evenly: of a few, the crafted ones come first."""
    each, more = divmod(count, len(names))
    return [(name, number) for at, name in enumerate(names) for number in range(each + (at < more))]


@contextmanager
def _child(place: Path, seed: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    folder = Path(tempfile.mkdtemp(dir=place))
    command = [sys.executable, "-m", "tests.support.fuzzing.child", str(folder), str(seed)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def _answer(process: subprocess.Popen[str], name: str, number: int) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    told = {"door": name, "case": number, "file": "", "said": ""}
    try:
        process.stdin.write(json.dumps([name, number]) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return {**told, "outcome": "died"}
    if not select.select([process.stdout], [], [], SILENCE)[0]:
        return {**told, "outcome": "stuck"}
    line = process.stdout.readline()
    if not line:
        return {**told, "outcome": "died", "said": f"exit {process.wait()}"}
    answer: dict[str, Any] = json.loads(line)
    return answer
