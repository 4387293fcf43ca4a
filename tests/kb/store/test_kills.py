from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.examples import drawn_from
from tests.support.killing.host import Host
from tests.support.killing.kills import try_kills

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: the kills are made by a library in C")

QUICK = ("vocab accept",)
"""An act; the long form kills every writing command."""


def test_a_command_that_is_killed_leaves_its_last_commit_and_finishes_when_it_is_run_again(tmp_path: Path) -> None:
    survive(tmp_path, 1, QUICK)


@pytest.mark.soak
def test_two_hundred_kills_over_every_writing_command(tmp_path: Path) -> None:
    survive(tmp_path, 200)


def survive(folder: Path, kills: int, names: tuple[str, ...] = ()) -> None:
    with Host(folder / "host") as host:
        tried = list(try_kills(host, folder, kills, seed=drawn_from(1), names=names))
    assert sum(one.killed for one in tried) >= 0.5 * kills
    assert [str(one) for one in tried if one.wrong] == []
