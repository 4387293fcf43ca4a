"""Work for engines to do, small enough to see through; workers in other processes import it by its name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from kb.engines.work import Stream, Work
from kb.errors import UsageError


def doubling(first_here: int = 0, ahead: int = 4, together: int = 1) -> Work[int, int]:
    """Doubles numbers; those that are divisible by three take long."""
    return Work(name="doubling", begin=partial(_of, _double), first_here=first_here, ahead=ahead, together=together)


def telling(folder: Path) -> Work[int, int]:
    """Doubles numbers, and leaves a file for each that it begins: NUMBER-PROCESS."""
    return Work(name="telling", begin=partial(_of, partial(_tell, folder)))


def refusing() -> Work[int, int]:
    """Refuses the number 3."""
    return Work(name="refusing", begin=partial(_of, _refuse))


def dying(number: int) -> Work[int, int]:
    """Ends its process whenever it meets a number."""
    return Work(name="dying", begin=partial(_of, partial(_die, number)))


def unable() -> Work[int, int]:
    """Cannot begin."""
    return Work(name="unable", begin=_cannot)


def _of(function: Callable[[int], int]) -> Stream[int, int]:
    def stream(numbers: Iterable[int]) -> Iterator[int]:
        return map(function, numbers)

    return stream


def _double(number: int) -> int:
    time.sleep(0.05 if number % 3 == 0 else 0)
    return 2 * number


def _tell(folder: Path, number: int) -> int:
    (folder / f"{number}-{os.getpid()}").touch()
    time.sleep(0.3)
    return 2 * number


def _refuse(number: int) -> int:
    if number == 3:
        raise UsageError("three is refused", need="labels", parameter="source")
    return 2 * number


def _die(at: int, number: int) -> int:
    if number == at:
        os._exit(9)
    return 2 * number


def _cannot() -> Stream[int, int]:
    raise UsageError("the model is not there")
