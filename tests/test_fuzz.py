"""Hostile inputs through every public door: what is not taken is told, in bounded time and memory, and nothing is run.

`python -m tests.support.fuzzing --count N --seed S` prints the counts of a longer campaign.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.support.examples import drawn_from
from tests.support.fuzzing.campaign import run_campaign
from tests.support.fuzzing.doors import Door


def test_a_hundred_hostile_inputs_are_taken_told_or_put_aside() -> None:
    found = run_campaign(100, seed=drawn_from(1))
    assert found.tried == 100
    assert len(found.counts) >= 25, "every door is tried"
    assert not found.failures, "\n".join(found.lines())


@pytest.mark.soak
def test_twenty_thousand_hostile_inputs_are_taken_told_or_put_aside() -> None:
    found = run_campaign(20_000, seed=drawn_from(2))
    assert not found.failures, "\n".join(found.lines())


def test_a_door_that_raises_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where an input is tried, the process goes there
    from tests.support.fuzzing.child import outcome

    def broken(_: Path) -> str | None:
        raise KeyError("nobody foresaw this")

    def long_told(_: Path) -> str | None:
        from kb.errors import UsageError

        raise UsageError("x\n" * 50)

    def unpickling(_: Path) -> str | None:
        Path("ran").touch()
        return None

    seen = [
        outcome(Door(name, {"a.json": b"{}"}, take), 1, 0, tmp_path)["outcome"]
        for name, take in (("a", broken), ("b", long_told), ("c", unpickling))
    ]
    assert seen == ["raised", "told at length", "ran code"]


def test_the_same_draw_makes_the_same_input() -> None:
    door = Door("a", {"a.json": b'{"a": [1, {"b": null}], "c": "text"}'}, lambda _: None)
    made = [[door.case(Random(f"1/a/{number}"), number) for number in range(50)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 30
