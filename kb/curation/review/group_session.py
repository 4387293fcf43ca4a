"""A walk through groups: where it stands, what each decision does, and how the last one is taken back.

Nothing is kept but the place among the groups: a decision is committed before the next group is shown, so a review
that stops half-way has lost nothing, and one that begins again meets only what is still undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from kb.curation.apply import Concepts
from kb.curation.change import Change
from kb.curation.curator import Curator
from kb.curation.review.decide import Decided, decide_group
from kb.curation.review.group import Group
from kb.curation.review.left import left_of
from kb.errors import UsageError
from kb.store.state import State


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a walk: at which group, what of it was shown, and the change that it made, if any."""

    at: int
    shown: Group
    told: str
    change: Change | None


@dataclass(kw_only=True)
class GroupSession:
    """Walks `groups`; a decision goes on to the next open group, or stays where some of this one is left.

    What decides raises UsageError if it makes no sense or another curator has decided meanwhile; the session then
    stays where it is.
    """

    state: State
    groups: Sequence[Group]
    by: str | None = None
    at: int = -1
    group: Group | None = None
    steps: list[Step] = field(default_factory=list)
    _began: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self._go_on()

    @property
    def decided(self) -> int:
        """How many changes this session made that still stand."""
        return sum(step.change is not None for step in self.steps)

    @property
    def left(self) -> int:
        """How many groups are still to come, this one among them."""
        return len(self.groups) - min(self.at, len(self.groups))

    @property
    def seconds(self) -> float:
        """How long this session has taken, in seconds."""
        return monotonic() - self._began

    def take(self, members: Sequence[str] | None = None, *, into: str | None = None) -> Decided:
        """Take what is proposed for the members with these keys (default: the ticked ones), or merge them `into`."""
        return self._decide(
            lambda group: decide_group(self.state, group, "take", members=members, into=into, by=self.by)
        )

    def apart(self, members: Sequence[str] | None = None) -> Decided:
        """For good: they are not the same, or no names, or stay as they are; default: all of the group."""
        return self._decide(lambda group: decide_group(self.state, group, "apart", members=members, by=self.by))

    def reject(self, members: Sequence[str] | None = None) -> Decided:
        """These are no observations: mined again they stay rejected."""
        return self._decide(lambda group: decide_group(self.state, group, "reject", members=members, by=self.by))

    def rename(self, text: str, of: str | None = None) -> Decided:
        """Give a concept of the group another text; the group stays to be decided on."""
        members = None if of is None else [of]
        return self._decide(
            lambda group: decide_group(self.state, group, "rename", members=members, text=text, by=self.by)
        )

    def skip(self) -> None:
        """Go on without a decision."""
        self.steps.append(Step(self.at, self._now(), "skipped", None))
        self._go_on()

    def undo(self) -> str:
        """Take the last step back: its change is reverted by a new one, its group is shown again; tells what."""
        if not self.steps:
            raise UsageError("there is nothing to undo in this session")
        step = self.steps.pop()
        self.at = step.at
        told = f"undone: {step.told}"
        if step.change is not None:
            try:
                Curator(self.state).revert(step.change.change_id, by=self.by)
            except UsageError as error:  # others built on it; the steps before it can still be undone
                told = f"not undone: {error}"
        self.group = self._open(step.shown)
        if self.group is None:
            self._go_on()
        return told

    def refresh(self) -> None:
        """Look at the group again as it stands now, or go on where others have settled it."""
        self.state.follow()
        if self.group is not None:
            self.group = self._open(self.group)
            if self.group is None:
                self._go_on()

    def _decide(self, decision: Callable[[Group], Decided]) -> Decided:
        """Carry a decision out; what it left of the group is decided on next, or the next group is shown."""
        shown = self._now()
        decided = decision(shown)
        self.steps.append(Step(self.at, shown, "; ".join(decided.words), decided.change))
        self.group = None if decided.change is None else self._open(shown)
        if self.group is None:
            self._go_on()
        return decided

    def _go_on(self) -> None:
        """To the next group of which some is still undecided."""
        self.group = None
        while self.group is None and self.at < len(self.groups):
            self.at += 1
            self.group = self._open(self.groups[self.at]) if self.at < len(self.groups) else None

    def _open(self, group: Group) -> Group | None:
        return left_of(group, Concepts(self.state))

    def _now(self) -> Group:
        if self.group is None:
            raise UsageError("that was the last one")
        return self.group
