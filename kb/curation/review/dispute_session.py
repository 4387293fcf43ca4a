"""A walk through disputed statements: where it stands, what each decision does, and how the last one is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kb.curation.disputes import NONE, OPEN, Dispute, decide
from kb.errors import UsageError
from kb.store.state import State


@dataclass(kw_only=True)
class DisputeSession:
    """Walks `items`, one decision a commit; nothing is kept but the place among them.

    Its methods raise UsageError if a decision makes no sense; the session then stays where it is.
    """

    state: State
    items: Sequence[Dispute]
    by: str | None = None
    at: int = 0
    steps: list[tuple[int, bool]] = field(default_factory=list)

    @property
    def item(self) -> Dispute | None:
        """What is to be decided now; None at the end."""
        return self.items[self.at] if self.at < len(self.items) else None

    @property
    def decided(self) -> int:
        """How many decisions of this session still stand."""
        return sum(made for _, made in self.steps)

    def keep(self, number: int) -> str:
        """Keep the reading of that number, from 1, or neither (0); tells what was done."""
        item = self._now()
        if number > len(item.readings):
            raise UsageError(f"there is no reading {number}")
        to = item.readings[number - 1].by if number else NONE
        self._decide(item, to)
        self._go_on(made=True)
        return f"dropped: {item.dispute_id}" if to == NONE else f"kept the reading of {to}: {item.dispute_id}"

    def skip(self) -> None:
        """Go on without a decision."""
        self._now()
        self._go_on(made=False)

    def undo(self) -> str:
        """Take the last step back, with its decision; tells what."""
        if not self.steps:
            raise UsageError("there is nothing to undo in this session")
        at, made = self.steps.pop()
        if made:
            self._decide(self.items[at], OPEN)
        self.at = at
        return f"open again: {self.items[at].dispute_id}" if made else "back"

    def _decide(self, item: Dispute, to: str) -> None:
        decide(self.state, {item.dispute_id: to}, by=self.by)

    def _go_on(self, *, made: bool) -> None:
        self.steps.append((self.at, made))
        self.at += 1

    def _now(self) -> Dispute:
        if self.item is None:
            raise UsageError("that was the last one")
        return self.item
