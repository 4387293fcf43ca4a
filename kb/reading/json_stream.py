"""JSON that is too long to hold, read as a stream: the elements of an array, or the members of an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from kb.reading.unreadable import DEPTH, Unreadable

LARGEST = 64 << 20
"""Bytes of one element: a longer one is told as an error, and never held in memory."""


def stream_items(data: IO[bytes], prefix: str) -> Iterator[Any]:
    """The elements of the array that stands at `prefix` ("item": the document itself is one).

    Raises:
        Unreadable: it is no JSON to its end, or an element is beyond a bound; those before were handed out.
    """
    import ijson

    yield from _checked(data, lambda events: ijson.items(events, prefix))


def stream_members(data: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """The members of the object that a document is: names and values.

    Raises:
        Unreadable: as of `stream_items`.
    """
    import ijson

    yield from _checked(data, lambda events: ijson.kvitems(events, ""))


class _Counted:
    """Bytes that are counted from one element to the next: one that never ends must not fill the memory."""

    def __init__(self, data: IO[bytes]):
        self._data = data
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        found = self._data.read(size)
        self.since += len(found)
        if self.since > LARGEST:
            raise Unreadable(f"one element has more than {LARGEST >> 20} MB")
        return found


def _shallow(events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What a parser meets, as long as it is not too deep: ijson writes the whole way to each value."""
    level = 0
    for event, value in events:
        level += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
        if level > DEPTH:
            raise Unreadable(f"lists and objects stand in one another more than {DEPTH} deep")
        yield event, value


def _checked(data: IO[bytes], stream: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    import ijson

    counted = _Counted(data)
    try:
        for told in stream(ijson.parse(_shallow(ijson.basic_parse(counted, use_float=True)))):
            yield told
            counted.since = 0
    except ijson.JSONError as error:
        raise Unreadable(" ".join(str(error).split())[:80]) from error
    except Unreadable:
        raise
    except (ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from error
