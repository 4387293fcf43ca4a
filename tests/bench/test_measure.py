"""What a process takes is measured of it alone: its time, its memory, and its last words where it fails."""

from __future__ import annotations

import sys

import pytest

from bench.measure import taken_by


def test_the_memory_and_time_of_a_process_are_its_own() -> None:
    mine = bytearray(300_000_000)  # a process is begun from this one, which holds more than it does
    taken = taken_by([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"])
    assert len(mine) > 0
    assert taken.peak_mb < 100
    assert 0.25 < taken.cpu_s < taken.wall_s + 0.5
    assert taken_by([sys.executable, "-c", "b'x' * 200_000_000"]).peak_mb > 190


def test_what_a_process_said_before_it_failed_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3: no such thing"):
        taken_by([sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"])
