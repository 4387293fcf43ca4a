"""An iterable a few items at a time, as `itertools.batched` has it from Python 3.12 on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of `size`; the last may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def few_at_once(counted: Iterable[tuple[T, int]], most: int) -> Iterator[list[T]]:
    """Things with how many rows each has, as lists of those that have at most so many together, or of one alone."""
    things: list[T] = []
    held = 0
    for thing, rows in counted:
        if things and held + rows > most:
            yield things
            things, held = [], 0
        things.append(thing)
        held += rows
    if things:
        yield things
