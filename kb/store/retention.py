"""Which commits stay readable, of all that the log tells of; of the others the log is all that stays.

Tagged commits, the newest of every branch and what a branch would be merged against stay always, and so does what a
reader at work holds. Beside them: the newest ones, and of each of some days before today (UTC) the last one of main.
How many that is stands in the log, so that all who write keep to it. What runs and encoders of all these were made of
stays with them (`foundations`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from kb.store.branch_points import named_commits
from kb.store.commits import MAIN, Commit
from kb.store.history import History

KEEP = "keep"
"""The commit that settles how many stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many of the newest commits stay readable, and of how many days before today the last one."""

    newest: int = 8
    days: int = 7

    def to_dict(self) -> dict[str, int]:
        """The numbers as plain data."""
        return asdict(self)


def read_retention(history: History[Commit]) -> Retention:
    """What the newest commit on it says; else what is kept where nobody has said anything."""
    settled = history.last(KEEP)
    return Retention() if settled is None else Retention(**settled.summary)


def kept_commits(history: History[Commit], tagged: Collection[str], retention: Retention) -> set[int]:
    """The numbers of those that stay readable, whoever reads."""
    kept = {*history.back(retention.newest), *named_commits(history, tagged)}
    if retention.days:
        today = datetime.now(UTC).date()
        kept |= history.last_of_days(MAIN, today - timedelta(days=retention.days), today)
    return kept
