"""Threads beside other programs: as many as cores are free, asleep while they wait, and none of it against the user."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from kb import cores
from kb.cores import threads, threads_beside

STARTED = """
import os
from unittest.mock import patch
from kb import cores
with patch.object(cores, "_seconds_busy", iter([0.0, 1e6]).__next__):  # others were at work on all cores, and more
    cores.share_cores()
import torch
print(torch.get_num_threads(), os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize(
    ("others", "there", "wanted"), [(0.0, 2, 2), (0.3, 2, 2), (1.0, 2, 1), (5.0, 2, 1), (1.0, 8, 7), (0.0, 1, 1)]
)
def test_there_are_as_many_threads_as_cores_are_free(others: float, there: int, wanted: int) -> None:
    assert threads_beside(others, there) == wanted


@pytest.mark.parametrize(
    ("said", "told"), [({}, "1 passive"), ({"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "active"}, "2 active")]
)
def test_threads_sleep_while_they_wait_and_what_the_user_says_holds(said: Mapping[str, str], told: str) -> None:
    environment = {"PYTHONPATH": ":".join(sys.path), **said}
    done = subprocess.run(
        [sys.executable, "-c", STARTED], env=environment, capture_output=True, text=True, check=True, timeout=200
    )
    assert done.stdout.strip() == told


def test_what_others_do_is_what_the_cores_do_less_what_we_do(monkeypatch, tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(cores, "STAT", stat)
    monkeypatch.setattr(cores, "_cores", lambda: {0, 1})
    monkeypatch.setattr(cores.os, "nice", lambda _: 0)
    monkeypatch.setattr(cores.time, "monotonic", iter([0.0, 10.0]).__next__)
    monkeypatch.setattr(cores, "_own_seconds", iter([1.0, 9.0]).__next__)
    stat.write_text("cpu 0\ncpu0 100 0 0 0 0 0 0 0 0 0\ncpu1 100 0 0 0 0 0 0 0 0 0\ncpu2 100 0 0 0 0 0 0 0 0 0\n")
    before = cores._Moment()
    # Ten seconds: nice work (5 s) makes way, waiting (3 s) is no work, and the third core is not ours.
    stat.write_text(
        "cpu 0\ncpu0 800 500 100 9 300 50 50 0 0 0\ncpu1 900 0 0 0 0 0 0 0 0 0\ncpu2 9000 0 0 0 0 0 0 0 0 0\n"
    )
    assert before.busy_with_others() == pytest.approx((9.0 + 8.0 - 8.0) / 10)


def test_the_number_of_threads_is_as_before_afterwards(monkeypatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    with threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.soak
def test_what_a_process_of_ours_does_is_our_own_work() -> None:
    before = cores._own_seconds()
    busy = get_context("spawn").Process(target=_work, args=(1.0,))
    busy.start()
    most = before
    while busy.is_alive():
        most = max(most, cores._own_seconds())
        time.sleep(0.05)
    busy.join()
    assert most - before >= 0.9


def _work(seconds: float) -> None:
    while time.process_time() < seconds:
        pass
