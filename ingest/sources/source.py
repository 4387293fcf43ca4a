"""What every source of reports offers, whatever it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ingest.report import LeftOut, Reject, Report


class Source(Protocol):
    """A stream of reports, rejects and what is left out, in a fixed order and bounded memory; it can be read again.

    `done` of `size` units (bytes, rows or files) are behind the iteration; `name` is the absolute path.
    """

    name: str
    format: str
    size: int
    done: int
    unused_columns: tuple[str, ...]

    def __iter__(self) -> Iterator[Report | Reject | LeftOut]:
        """The reports, and for each input that gives none the reason."""
        ...
