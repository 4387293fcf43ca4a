"""What was left out, counted by the reason, with the place of the first of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from ingest.report import LeftOut

MOST_REASONS = 1_000
"""Reasons told apart; what comes after is counted together."""


@dataclass(frozen=True, slots=True)
class LeftOutCount:
    """How many reports were left out for one reason, and where the first of them stood."""

    why: str
    what: str
    count: int
    first: str

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass
class Tally:
    """Counts what is left out."""

    _counts: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, item: LeftOut, source: str = "") -> None:
        """Count one."""
        reason = (item.why, item.what)
        if reason not in self._counts and len(self._counts) >= MOST_REASONS:
            reason = ("other reasons", "")
        count, first = self._counts.get(reason, (0, f"{item.position} of {source}" if source else item.position))
        self._counts[reason] = (count + 1, first)

    def __iter__(self) -> Iterator[LeftOutCount]:
        """Every reason, the most frequent first."""
        for (why, what), (count, first) in sorted(self._counts.items(), key=lambda one: (-one[1][0], one[0])):
            yield LeftOutCount(why, what, count, first)

    @property
    def total(self) -> int:
        """How many were left out."""
        return sum(count for count, _ in self._counts.values())
