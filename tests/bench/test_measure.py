"""What a process takes is measured of it alone: its time, its memory, its last words; rows carry what they show."""

from __future__ import annotations

import sys

import pytest

from bench.measure import Row, ratio_row, score_row, taken_by, waits_row


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


def test_rows_carry_the_number_that_they_show() -> None:
    faster = ratio_row("a", [3.0, 4.5, 9.0], [2.0, 2.0, 3.0], "b", better="higher", told="5 s")
    assert faster == Row("a", "2.2x", "1.5 to 3.0; 5 s", "b", number=2.25, better="higher")
    slower = ratio_row("a", [1.0], [8.0], "b", better="lower", digits=2)
    assert slower == Row("a", "0.12x", "0.12 to 0.12", "b", number=0.125, better="lower")
    assert score_row("a", 0.98765, "", "b") == Row("a", "0.988", "", "b", number=0.98765, better="higher")
    waited = Row("a", "20 ms", "3 times: 10 to 30, 95 % within 30", "b", number=20.4, better="lower")
    assert waits_row("a", [30, 10, 20.4], "b") == waited
