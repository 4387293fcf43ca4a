"""The history as this process has read it, by number: of the log only what is new is read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Generic, Protocol, TypeVar


class Step(Protocol):
    """What the history asks of a commit."""

    @property
    def number(self) -> int:
        """Its place in the log."""

    @property
    def commit_id(self) -> str:
        """Its id."""

    @property
    def parent(self) -> str | None:
        """The id of the one that it builds on."""

    @property
    def operation(self) -> str:
        """What was done."""

    @property
    def branch(self) -> str:
        """The branch that it stands on."""

    @property
    def time(self) -> datetime:
        """When it was made."""


T = TypeVar("T", bound=Step)


class History(Generic[T]):
    """The commits, and by what they are found.

    Attributes:
        version: of the table that was read last; -1 before that.
        rows: how many rows it had.
        numbers: of the commits, ascending.
        by_id: the number of each commit.
        heads: the newest number of each branch, ended ones too, in the order in which they began.
    """

    def __init__(self) -> None:
        self.version, self.rows = -1, 0
        self.numbers: list[int] = []
        self.by_id: dict[str, int] = {}
        self.heads: dict[str, int] = {}
        self._commits: dict[int, T] = {}

    def take(self, commits: Iterable[T], *, version: int, rows: int) -> None:
        """Take in what came since, by ascending numbers. Where two have one number, the first holds it."""
        for commit in commits:
            if commit.number not in self._commits:
                self._commits[commit.number] = commit
                self.numbers.append(commit.number)
                self.by_id[commit.commit_id] = commit.number
                self.heads[commit.branch] = commit.number
        self.version, self.rows = version, rows

    def __contains__(self, number: int) -> bool:
        return number in self._commits

    def get(self, number: int) -> T:
        """The commit of this number."""
        return self._commits[number]

    def all(self) -> list[T]:
        """Every commit, by number."""
        return [self._commits[number] for number in self.numbers]

    def since(self, number: int) -> list[T]:
        """The commits after this number."""
        return [self._commits[found] for found in self.numbers[bisect_right(self.numbers, number) :]]

    def back(self, count: int) -> list[int]:
        """The newest numbers, at most `count`, the newest first."""
        return self.numbers[: -count - 1 : -1]

    def chain(self, commit: T) -> Iterator[T]:
        """A commit and all that it builds on, the newest first; what a damaged log has lost ends it."""
        yield commit
        while (number := self.by_id.get(commit.parent or "")) is not None:
            commit = self._commits[number]
            yield commit

    def last(self, operation: str) -> T | None:
        """The newest commit of this operation, on whichever branch."""
        return next((self._commits[n] for n in reversed(self.numbers) if self._commits[n].operation == operation), None)

    def last_of_days(self, branch: str, since: date, before: date) -> set[int]:
        """Of every day (UTC) from `since` on and before `before`, the last commit of a branch."""
        days: dict[date, int] = {}
        for number in reversed(self.numbers):
            commit = self._commits[number]
            if (day := commit.time.astimezone(UTC).date()) < since:
                break
            if commit.branch == branch and day < before:
                days.setdefault(day, number)
        return set(days.values())
