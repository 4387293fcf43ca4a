"""A review under way: where it stands in its queue, what each decision does, and how the last one is undone.

Nothing is kept but the place in the queue: a decision is committed before the next item is shown, so a review that
stops half-way has lost nothing, and one that begins again meets only what is still undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kb.curation.change import Change
from kb.curation.curator import ActOptions, Curator
from kb.curation.review.queue import Item
from kb.errors import UsageError
from kb.store.state import State
from kb.vocabulary.concept import Concept
from kb.vocabulary.vocabulary import Vocabulary
from schemas.terms import IN_USE

NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One place passed: where in the queue, what was done there, and the change that it made, if any."""

    at: int
    told: str
    change: Change | None


@dataclass(kw_only=True)
class ReviewSession:
    """Walks `items`; every method that decides gives the change that it made and goes on to the next open item.

    They raise UsageError if a decision makes no sense; the session then stays where it is.
    """

    state: State
    items: Sequence[Item]
    by: str | None = None
    at: int = -1
    steps: list[Step] = field(default_factory=list)
    _shown: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._go_on()

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary as it is now."""
        return Vocabulary(self.state)

    @property
    def curate(self) -> Curator:
        """The acts of curation on it."""
        return Curator(self.state)

    @property
    def item(self) -> Item | None:
        """What is to be decided now; None at the end."""
        return self.items[self.at] if self.at < len(self.items) else None

    @property
    def decided(self) -> int:
        """How many changes this session made that still stand."""
        return sum(step.change is not None for step in self.steps)

    def concept(self) -> Concept:
        """The concept of the item."""
        return self.vocabulary.get(self._now().concept_id)

    def other(self) -> Concept | None:
        """The concept that it may be the same as, where the item has one."""
        item = self._now()
        return None if item.other_id is None else self.vocabulary.get(item.other_id)

    def neighbours(self) -> list[Concept]:
        """The concepts nearest to the item's, by their vectors or, where it has none, of the same finding."""
        return self.vocabulary.neighbours(self._now().concept_id, NEIGHBOURS)

    def accept(self) -> Change | None:
        """What is suggested is right: the name is added, the two are kept apart, the concept is accepted."""
        item, who = self._now(), self._who()
        if item.name is not None:
            name = item.name
            return self._decide(
                f"added the name '{name}'", lambda curate: curate.add_synonyms(item.concept_id, name, **who)
            )
        if item.other_id is not None:
            other = item.other_id
            return self._decide("kept the two apart", lambda curate: curate.keep_apart(item.concept_id, other, **who))
        return self._decide("accepted", lambda curate: curate.accept(item.concept_id, **who))

    def reject(self) -> Change | None:
        """The concept is none: mined again it stays rejected. Of two it is the second one."""
        item = self._now()
        if item.name is not None:
            raise UsageError("a name is added or passed over, not rejected")
        who = self._who()
        return self._decide("rejected", lambda curate: curate.reject(item.other_id or item.concept_id, **who))

    def merge(self, other_id: str | None = None, *, swapped: bool = False) -> Change | None:
        """Merge the concept and the other of its pair, or one of its neighbours: see `direction` for which one stays.

        A concept alone that stays is shown again: it is still to be decided on.
        """
        item = self._now()
        other = other_id or item.other_id
        if other is None:
            raise UsageError("merge with which one? choose a neighbour by its number")
        source, survivor = self.direction(other, swapped=swapped)
        who = self._who()
        if (shown := self._find(other)) is not None:
            who["expect"] = {**self._shown, other: shown.status}
        change = self.curate.merge(source, into=survivor, **who)
        stays = item.other_id is None and survivor == item.concept_id
        return self._stay("merged", change) if stays else self._passed("merged", change)

    def direction(self, other_id: str, *, swapped: bool = False) -> tuple[str, str]:
        """Which of the concept and `other_id` a merge retires, and which one stays: the one with more mentions.

        Of equally many the first of a pair stays, or the neighbour that was chosen; one that is put aside never does.
        `swapped` is the other way round.
        """
        item = self._now()
        if self.concept().status == "aside":
            return (other_id, item.concept_id) if swapped else (item.concept_id, other_id)
        counts = self.vocabulary.counts([item.concept_id, other_id])
        own, others = (counts[of].mentions if of in counts else 0 for of in (item.concept_id, other_id))
        own_stays = own > others or (own == others and other_id == item.other_id)
        return (other_id, item.concept_id) if own_stays != swapped else (item.concept_id, other_id)

    def rename(self, text: str) -> Change | None:
        """Give the concept another text; it stays to be decided on."""
        item = self._now()
        change = self.curate.rename(item.concept_id, text, **self._who())
        return None if change is None else self._stay(f"renamed to '{text}'", change)

    def skip(self) -> None:
        """Go on without a decision."""
        self._now()
        self.steps.append(Step(self.at, "skipped", None))
        self._go_on()

    def undo(self) -> str:
        """Take the last step back: its change is reverted by a new one, and its item is shown again; tells what."""
        if not self.steps:
            raise UsageError("there is nothing to undo in this session")
        step = self.steps.pop()
        self.at = step.at
        if step.change is not None:
            try:
                self.curate.revert(step.change.change_id, by=self.by)
            except UsageError as error:  # others built on it; the steps before it can still be undone
                return f"not undone: {error}"
        return f"undone: {step.told}"

    def _decide(self, told: str, act: Callable[[Curator], Change | None]) -> Change | None:
        return self._passed(told, act(self.curate))

    def _passed(self, told: str, change: Change | None) -> Change | None:
        """The item is decided on: go on to the next one."""
        self.steps.append(Step(self.at, told, change))
        self._go_on()
        return change

    def _stay(self, told: str, change: Change | None) -> Change | None:
        """Something was done, and the item is still to be decided on."""
        self.steps.append(Step(self.at, told, change))
        self.look()
        return change

    def _who(self) -> ActOptions:
        """Who decides, and what was shown: another curator's decision meanwhile is not overturned unseen."""
        return {"by": self.by, "expect": dict(self._shown)}

    def _now(self) -> Item:
        if self.item is None:
            raise UsageError("the queue is at its end")
        return self.item

    def _go_on(self) -> None:
        """On to the next item that is still open: another curator, or an earlier step, may have settled some."""
        self.at += 1
        while self.item is not None and not self._open(self.item):
            self.at += 1
        self.look()

    def refresh(self) -> None:
        """Look at the item again as it stands now, or go on where others have settled it."""
        self.state.follow()
        if self.item is not None and not self._open(self.item):
            self._go_on()
        self.look()

    def look(self) -> None:
        """Remember how the item's concepts stand, as they are shown now."""
        item = self.item
        shown = [] if item is None else [self._find(concept_id) for concept_id in (item.concept_id, item.other_id)]
        self._shown = {concept.concept_id: concept.status for concept in shown if concept is not None}

    def _find(self, concept_id: str | None) -> Concept | None:
        """A concept, or None if it was taken away."""
        try:
            return None if concept_id is None else self.vocabulary.get(concept_id)
        except UsageError:
            return None

    def _open(self, item: Item) -> bool:
        concept = self._find(item.concept_id)
        if concept is None or concept.status not in (*IN_USE, "aside"):
            return False
        if item.name is not None:
            return item.name not in concept.synonyms
        if item.other_id is not None:
            other = self._find(item.other_id)
            return item.other_id not in concept.distinct_from and other is not None and other.status in IN_USE
        return concept.status in ("candidate", "aside")
