"""What a curator has ticked and marked of a group, and what Enter would do with it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text

from kb.curation.review.group import Group, Member
from kb.curation.review.targets import near_targets
from kb.curation.words import listed, times
from kb.store.state import State


@dataclass(kw_only=True)
class Selection:
    """The choice within one group: nothing here is decided yet.

    Attributes:
        group: what is chosen from; None at the end.
        near: the concepts that one alone may be the same as, numbered; of a group with a survivor none.
        at: the marked row: the survivor is the first, where there is one.
        ticks: the keys of the ticked members.
        target: another concept that stays than was proposed.
    """

    group: Group | None
    near: Sequence[Member] = ()
    at: int = 0
    ticks: set[str] = field(default_factory=set)
    target: Member | None = None

    @classmethod
    def of(cls, state: State, group: Group | None) -> Selection:
        """The choice as it is proposed."""
        if group is None:
            return cls(group=None)
        alone = group.survivor is None and len(group.members) == 1
        near = near_targets(state, group.members[0].key) if alone else ()
        return cls(group=group, near=near, at=0 if group.survivor is None else 1, ticks=set(group.ticked))

    @property
    def rows(self) -> list[Member]:
        """The survivor, where there is one, and the members."""
        if self.group is None:
            return []
        return [*([self.group.survivor] if self.group.survivor else []), *self.group.members]

    @property
    def row(self) -> Member | None:
        """The marked row."""
        return self.rows[self.at] if self.rows else None

    @property
    def ticked(self) -> list[str]:
        """The keys of the ticked members, in their order."""
        return [one.key for one in (self.group.members if self.group else ()) if one.key in self.ticks]

    @property
    def goes(self) -> Member | None:
        """The concept that a typed target is for: the first ticked one, or the marked row; None of names."""
        if self.group is None or self.group.act == "add names":
            return None
        return next((one for one in self.group.members if one.key in self.ticks), self.row)

    def move(self, by: int) -> None:
        """Mark the row so many further."""
        self.at = min(max(self.at + by, 0), max(len(self.rows) - 1, 0))

    def tick(self) -> None:
        """Tick the marked row, or take its tick away; the survivor has none."""
        if self.row is not None and self.group is not None and self.row is not self.group.survivor:
            self.ticks ^= {self.row.key}

    def tick_all(self) -> None:
        """Tick all members or, where all are, none."""
        members = {one.key for one in (self.group.members if self.group else ())}
        self.ticks = set() if self.ticks == members else members

    def mark(self, number: int) -> str:
        """Mark the numbered concept as the one that stays, or take that mark away; says what was marked."""
        numbered = self._numbered
        if number > len(numbered):
            return f"there is no concept {number}"
        self.aim(None if self.target == numbered[number - 1] else numbered[number - 1])
        return f"marked: '{self.target.text}'" if self.target else "no mark any more"

    def aim(self, target: Member | None) -> None:
        """Let another concept stay; the survivor of the group is no other one."""
        survivor = self.group.survivor if self.group else None
        self.target = None if target is None or (survivor and target.key == survivor.key) else target

    def in_words(self) -> str:
        """What Enter would do."""
        group, chosen = self.group, [one for one in (self.group.members if self.group else ()) if one.key in self.ticks]
        if group is None:
            return ""
        if not chosen:
            return "Enter: nothing is ticked (Space ticks, n: not the same, s skips)"
        names = listed(_named(one) for one in chosen)
        many = len(chosen) > 1
        stays = self.target or (group.survivor if group.act == "merge" else None)
        if stays is not None:
            return f"Enter: {self._going(chosen)} will count under {_named(stays)}"
        if group.act == "add names" and group.survivor is not None:
            return f"Enter: '{group.survivor.text}' is also called {names}"
        if group.act == "rename":
            return f"Enter: {names} gets another text: '{group.text}'"
        done = {
            "accept": "are right as they stand" if many else "is right as it stands",
            "reject": "are no observations" if many else "is no observation",
            "retire": "are not used any more" if many else "is not used any more",
        }.get(group.act, "stay as they are, for good" if many else "stays as it is, for good")
        return f"Enter: {names} {done}"

    def rows_in_words(self) -> Text:
        """The rows: the survivor, and the members with their ticks, numbers and reasons."""
        lines = Text(no_wrap=True, overflow="ellipsis")
        survivor = self.group.survivor if self.group else None
        for at, one in enumerate(self.rows):
            lines.append("\n" if at else "")
            own = one is survivor
            tick = "stays" if own else "[x]" if one.key in self.ticks else "[ ]"
            number = str(at) if survivor and not own and 0 < at < 10 and one.concept_id else " "
            lines.append(f"{'>' if at == self.at else ' '} {number} {tick:<5} ", "bold" if at == self.at else "dim")
            lines.append(one.text, "reverse" if at == self.at else "")
            reason = "" if own or not one.reason else f"  {one.reason}"
            lines.append(f"  {one.mentions:,}{reason}", "dim")
        return lines

    def near_in_words(self) -> Text:
        """The concepts that the one at hand may be the same as, numbered; a number marks one."""
        if not self.near:
            return Text("nothing near it that it could be merged into (/ finds others)", style="dim")
        lines = Text.assemble(("the same as one of these?", "dim"), " (a number marks it, / finds others)")
        for number, one in enumerate(self.near, start=1):
            lines.append(f"\n{number} ", "bold").append(one.text).append(
                f"  {times(one.mentions)}, {one.status}", "dim"
            )
        return lines

    @property
    def _numbered(self) -> Sequence[Member]:
        if self.group is None or self.group.act == "add names":
            return ()
        return self.near if self.group.survivor is None else self.group.members

    def _going(self, chosen: Sequence[Member]) -> str:
        """What would go: the ticked ones but for the target and, where that is one of the group, the survivor."""
        going = [one for one in chosen if self.target is None or one.key != self.target.key]
        survivor = self.group.survivor if self.group else None
        if self.target is not None and survivor is not None and self.target in self.rows:
            going.append(survivor)
        return listed(_named(one) for one in going)


def _named(one: Member) -> str:
    return f"'{one.text}' ({times(one.mentions)})" if one.concept_id else f"'{one.text}'"
