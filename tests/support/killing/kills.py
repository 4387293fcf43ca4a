"""Kills writing commands at single file operations, and looks at what is left: the counts are what is promised.

    python -m tests.support.killing.kills --kills 200 --seed 1

After every kill the knowledge base must open on its last commit or the finished one, `check` must find nothing new, the
same command must finish, and the state must then be the one of a run that nobody killed; a clean-up must go on working.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.killing.host import Host
from tests.support.killing.scenarios import SCENARIOS, Scenario

LOOK, PREPARE = "tests.support.killing.looks:look", "tests.support.killing.scenarios:prepare"
WHEN = ("before", "after", "half")


@dataclass(frozen=True, slots=True)
class Tried:
    """One kill: where, and what was wrong afterwards (nothing, if it was survived).

    `killed` is False where the command had ended before it came to that operation, as threads take turns.
    """

    scenario: str
    operation: int
    when: str
    killed: bool
    wrong: str

    def __str__(self) -> str:
        return f"{self.scenario}, killed {self.when} operation {self.operation}: {self.wrong or 'survived'}"


def try_kills(host: Host, folder: Path, kills: int, seed: int, names: Sequence[str] = ()) -> Iterator[Tried]:
    """Kill `kills` times at drawn operations, turn by turn in each of the scenarios (of these names, or all)."""
    template, work = folder / "template", folder / "work"
    work.mkdir(parents=True)
    # The same path for every copy: a journal is found by it.
    host.call(PREPARE, str(work))
    work.rename(template)
    chosen = [one for one in SCENARIOS if not names or one.name in names]
    whole: dict[str, tuple[int, Any, Any]] = {}
    draw = random.Random(seed)
    for number in range(kills):
        scenario = chosen[number % len(chosen)]
        if scenario.name not in whole:
            whole[scenario.name] = _unbroken(host, scenario, template, work)
        operations, before, after = whole[scenario.name]
        operation, when = draw.randint(1, operations), draw.choice(WHEN)
        _copy(scenario, template, work)
        killed, wrong = _killed(host, scenario, work, operation, when, before, after)
        yield Tried(scenario.name, operation, when, killed, wrong)


def _unbroken(host: Host, scenario: Scenario, template: Path, work: Path) -> tuple[int, Any, Any]:
    """How many operations a run takes that nobody kills; what the knowledge base holds before and after it."""
    _copy(scenario, template, work)
    uri = work / "killed.kb"
    before = None if scenario.on_new else host.call(LOOK, str(uri))
    ended = host.command(scenario.arguments(work), under=uri)
    if ended.code:
        raise RuntimeError(f"{scenario.name} fails where nobody kills it:\n{ended.printed}")
    clean = host.command(["gc", "--kb", str(uri)], under=uri)
    if clean.code:
        raise RuntimeError(f"gc fails after {scenario.name}:\n{clean.printed}")
    return ended.operations, before, host.call(LOOK, str(uri), "every commit")


def _copy(scenario: Scenario, template: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template, work)
    if scenario.on_new:
        shutil.rmtree(work / "killed.kb")


def _killed(
    host: Host, scenario: Scenario, work: Path, operation: int, when: str, before: Any, after: Any
) -> tuple[bool, str]:
    """Kill it there; whether it was killed, and what was wrong afterwards."""
    ended = host.command(scenario.arguments(work), under=work / "killed.kb", kill_at=operation, when=when)
    if ended.code not in (-9, 0):
        return False, f"it ended by itself with {ended.code}: {ended.printed}"
    return ended.code == -9, _left(host, scenario, work, before, after)


def _left(host: Host, scenario: Scenario, work: Path, before: Any, after: Any) -> str:
    """What is wrong with the knowledge base that a kill left."""
    uri = work / "killed.kb"
    try:
        finished = False
        if before is not None:
            found = host.call(LOOK, str(uri))
            finished = _same(found, after)
            if not (finished or _same(found, before)):
                return f"a state between two commits: {_differs(found, before)}"
        again = host.command(scenario.arguments(work), under=uri)
        # Only what is done already may be refused the second time.
        if again.code and again.code not in scenario.done:
            return f"the same command ends with {again.code}: {again.printed}"
        clean = host.command(["gc", "--kb", str(uri)], under=uri)
        if clean.code:
            return f"gc ends with {clean.code} afterwards: {clean.printed}"
        found = host.call(LOOK, str(uri), "every commit")
        if not _same(found, after):
            return f"the same command leaves another state: {_differs(found, after)}"
        if found["errors"] != after["errors"] or not found["gapless"]:
            return f"check: {found['errors']}, commits without a gap: {found['gapless']}"
    except RuntimeError as error:
        return str(error)
    return ""


def _same(one: Any, other: Any) -> bool:
    return bool(one["branches"] == other["branches"] and one["tags"] == other["tags"])


def _differs(one: Any, other: Any) -> str:
    if one["tags"] != other["tags"]:
        return f"tags {one['tags']}, not {other['tags']}"
    told = []
    for branch in sorted({*one["branches"], *other["branches"]}):
        a, b = one["branches"].get(branch, {}), other["branches"].get(branch, {})
        told += [
            f"{branch}.{name}: {a.get(name)}, not {b.get(name)}" for name in {**a, **b} if a.get(name) != b.get(name)
        ]
    return "; ".join(told)


def main() -> None:
    """Try, print each on standard error and the counts; exit 1 if something was not survived."""
    asked = argparse.ArgumentParser(description="Kill writing commands at single file operations.")
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", action="append", default=[], help="a scenario by its name")
    told = asked.parse_args()
    tried, survived = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, Host(Path(folder) / "host") as host:
        for one in try_kills(host, Path(folder), told.kills, told.seed, told.only):
            tried[one.scenario] += one.killed
            survived[one.scenario] += one.killed and not one.wrong
            print(one, file=sys.stderr, flush=True)
    for name in tried:
        print(f"{name}: {tried[name]} kills, {survived[name]} survived")
    print(f"in all: {tried.total()} kills, {survived.total()} survived")
    sys.exit(tried.total() != survived.total())


if __name__ == "__main__":
    main()
