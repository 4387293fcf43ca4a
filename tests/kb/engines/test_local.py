"""This machine as an engine."""

from __future__ import annotations

import pytest

from kb.engines.choice import EngineOptions, open_engine
from kb.engines.local import LocalEngine
from kb.engines.work import whole
from kb.errors import ClearKbError, UsageError
from tests.support.batches import doubling, dying, refusing

DOUBLED = [(number, 2 * number) for number in range(40)]


@pytest.mark.parametrize(("workers", "first_here", "ahead"), [(1, 0, 4), (2, 5, 4), (3, 0, 1)])
def test_results_come_in_the_order_of_the_batches(workers: int, first_here: int, ahead: int) -> None:
    assert list(LocalEngine(workers).map(doubling(first_here, ahead), range(40), whole)) == DOUBLED


def test_batches_are_asked_for_as_they_are_needed() -> None:
    asked: list[int] = []
    done = LocalEngine().map(doubling(), (asked.append(number) or number for number in range(40)), whole)
    assert [next(done), next(done)] == DOUBLED[:2]
    assert asked == [0, 1]


def test_what_a_batch_raises_is_raised() -> None:
    for workers in (1, 2):
        with pytest.raises(UsageError, match="three is refused") as refused:
            list(LocalEngine(workers).map(refusing(), range(9), whole))
        assert (refused.value.need, refused.value.parameter) == ("labels", "source")


def test_a_process_that_ends_is_told_in_words() -> None:
    with pytest.raises(ClearKbError, match=r"a process that was dying ended: .* do the same again"):
        list(LocalEngine(2).map(dying(1), range(9), whole))


def test_this_machine_has_no_address() -> None:
    with pytest.raises(UsageError, match="has no address"), open_engine(EngineOptions(address="somewhere:6379")):
        pass
