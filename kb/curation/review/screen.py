"""The review on a terminal screen: the concept, its evidence and neighbours, and a key for every decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Label, Static

from kb.curation.change import Change
from kb.curation.review.queue import Item
from kb.curation.review.review_session import ReviewSession
from kb.display import facts_of
from kb.errors import ClearKbError
from kb.vocabulary.concept import Concept, Counts, Evidence

EVIDENCE = 5
HIDDEN = ("normal form", "source")
TAKEN_BY = {
    "accept": ("single",),
    "keep_apart": ("pair",),
    "add_name": ("name",),
    "reject": ("single",),
    "reject_other": ("pair",),
    "merge": ("single", "pair"),
    "merge_swapped": ("single", "pair"),
    "mark": ("single",),
}
"""Which kinds of items take a key: a concept alone, a pair that may be one, or a name for a concept."""


class RenameScreen(ModalScreen[str | None]):
    """Asks for another text; Escape leaves it as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "leave it")]

    def __init__(self, text: str):
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """A line to edit."""
        yield Label("Another text for it (Enter: take it, Escape: leave it)")
        yield Input(self._text, id="text")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed."""
        self.dismiss(event.value)


class ReviewApp(App[None]):
    """Walks a review session; the footer says what each key does."""

    TITLE = "clear-kb review"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { background: $primary; color: $text; padding: 0 1; }
    #left, #right { width: 1fr; padding: 0 1; border: round $surface-lighten-2; }
    #said { padding: 0 1; color: $text-muted; height: auto; }
    RenameScreen { align: center middle; }
    RenameScreen Input { width: 80; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "accept"),
        Binding("a", "keep_apart", "apart"),
        Binding("a", "add_name", "add name"),
        Binding("r", "reject", "reject"),
        Binding("r", "reject_other", "reject right"),
        Binding("m", "merge", "merge"),
        Binding("x", "merge_swapped", "merge swapped"),
        Binding("e", "rename", "rename"),
        Binding("s,space", "skip", "skip"),
        Binding("u", "undo", "undo"),
        Binding("q,escape", "quit", "stop"),
        Binding("ctrl+c", "quit", show=False),
        *(Binding(str(n), f"mark({n})", show=False) for n in range(1, 10)),
    ]

    def __init__(self, session: ReviewSession, queue: str):
        super().__init__()
        self.session = session
        self._queue = queue
        self._said = ""
        self._near: list[Concept] = []
        self._mentions: dict[str, int] = {}
        self._marked: str | None = None
        self._item: Item | None = None

    def compose(self) -> ComposeResult:
        """Head line, the two concepts side by side, what was said last, and the keys."""
        yield Static(id="head")
        with Horizontal():
            with VerticalScroll(id="left", can_focus=False):
                yield Static(id="concept")
            with VerticalScroll(id="right", can_focus=False):
                yield Static(id="beside")
        yield Static(id="said")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """The screen is there: show the first item."""
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys the item at hand takes."""
        item = self.session.item
        if item is None:
            return action in ("undo", "quit")
        kind = "pair" if item.other_id is not None else "name" if item.name is not None else "single"
        return kind in TAKEN_BY.get(action, (kind,))

    def action_accept(self) -> None:
        """A: what is suggested is right."""
        self._decide(lambda: self.session.accept())

    action_keep_apart = action_add_name = action_accept

    def action_reject(self) -> None:
        """R: it is no concept."""
        self._decide(lambda: self.session.reject())

    action_reject_other = action_reject

    def action_merge(self) -> None:
        """M: the two are one, and the one with more mentions stays; of neighbours it is the marked one."""
        self._merge(swapped=False)

    def action_merge_swapped(self) -> None:
        """X: the two are one, and the one with fewer mentions stays."""
        self._merge(swapped=True)

    def action_mark(self, number: int) -> None:
        """1-9: mark that neighbour for `m` and `x`, and nothing else; the same number again takes the mark away."""
        if number > len(self._near):
            self._said = f"there is no neighbour {number}"
        else:
            chosen = self._near[number - 1]
            self._marked = None if self._marked == chosen.concept_id else chosen.concept_id
            self._said = f"marked: {self._merge_in_words(chosen)}" if self._marked else "no neighbour is marked"
            self.query_one("#beside", Static).update(self._neighbours())
        self.query_one("#said", Static).update(Text(self._said))

    def _merge(self, *, swapped: bool) -> None:
        item = self.session.item
        if item is not None and item.other_id is None and self._marked is None:
            self._said = f"merge it with which one? a number marks a neighbour, then {'x' if swapped else 'm'}"
            self._show()
            return
        self._decide(lambda: self.session.merge(self._marked, swapped=swapped))

    def action_rename(self) -> None:
        """E: another text."""

        def renamed(text: str | None) -> None:
            if text is not None:
                self._decide(lambda: self.session.rename(text))

        self.push_screen(RenameScreen(self.session.concept().text), renamed)

    def action_skip(self) -> None:
        """S: not now."""
        self._decide(lambda: self.session.skip())

    def action_undo(self) -> None:
        """U: the last step is taken back."""
        try:
            self._said = self.session.undo()
        except ClearKbError as error:
            self._said = str(error)
        self._show()

    def _decide(self, act: Callable[[], Change | None]) -> None:
        """Carry a decision out and say what was done, or why it could not be."""
        steps = len(self.session.steps)
        try:
            change = act()
            self._marked = None
            found = self.session.steps[-1].told if len(self.session.steps) > steps else "it is so already"
            self._said = found if change is None else f"{found}: {change.line()}"
        except ClearKbError as error:
            self._said = str(error)
            self.session.refresh()
        self._show()

    def _show(self) -> None:
        session, item = self.session, self.session.item
        place = f"{min(session.at + 1, len(session.items)):,} of {len(session.items):,}"
        head = Text.assemble((self._queue, "bold"), f"  {place}  decided {session.decided:,}")
        concept: RenderableType = Text("That was the last one: u takes the last step back, q stops.")
        beside: RenderableType = Text()
        self._near, self._mentions = [], {}
        if item is not self._item:  # a mark is of the item that it was made on
            self._item, self._marked = item, None
        if item is not None:
            head.append(f"  {item.reason}", "italic")
            concept, beside = self._sheet(session.concept()), self._beside()
        # Texts of reports hold brackets: they are shown as Text, never read as markup.
        self.query_one("#head", Static).update(head)
        self.query_one("#concept", Static).update(concept)
        self.query_one("#beside", Static).update(beside)
        self.query_one("#said", Static).update(Text(self._said))
        self.refresh_bindings()

    def _beside(self) -> RenderableType:
        """The other of a pair, the name that is suggested, or the neighbours."""
        item, other = self.session.item, self.session.other()
        if other is not None:
            return Group(Text(self._merge_in_words(other), style="bold"), Text(""), self._sheet(other))
        if item is not None and item.name is not None:
            return Text.assemble(("is this another name of it?", "bold"), f"\n\n  {item.name}")
        self._near = self.session.neighbours()
        if all(near.concept_id != self._marked for near in self._near):  # another curator retired it
            self._marked = None
        counts = self.session.vocabulary.counts([near.concept_id for near in self._near])
        self._mentions = {of: count.mentions for of, count in counts.items()}
        return self._neighbours()

    def _neighbours(self) -> RenderableType:
        """The neighbours with their numbers; the marked one stands out."""
        found = Text.assemble(("neighbours", "bold"), " (a number marks one, then m: the two are one)\n")
        for number, near in enumerate(self._near, start=1):
            marked = near.concept_id == self._marked
            found.append(f"\n{number}{'>' if marked else ' '}", "bold").append(near.text, "reverse" if marked else "")
            found.append(f"  {near.status}, {self._mentions.get(near.concept_id, 0):,} mentions", "dim")
        return found

    def _merge_in_words(self, other: Concept) -> str:
        """What `m` would do, in words."""
        concept = self.session.concept()
        texts = {concept.concept_id: concept.text, other.concept_id: other.text}
        counts = self.session.vocabulary.counts([*texts])
        gone, stays = (
            f"'{texts[of]}' ({counts.get(of, Counts()).mentions:,} mentions)"
            for of in self.session.direction(other.concept_id)
        )
        return f"m merges {gone} into {stays}, x the other way round"

    def _sheet(self, concept: Concept) -> RenderableType:
        vocabulary = self.session.vocabulary
        counts = vocabulary.counts([concept.concept_id]).get(concept.concept_id, Counts())
        facts = [(name, escape(value)) for name, value in concept.facts() if name not in HIDDEN]
        facts.append(("mentions", f"{counts.mentions:,} in {counts.reports:,} reports"))
        sentences = [_sentence(mention) for mention in vocabulary.evidence(concept.concept_id, EVIDENCE)]
        return Group(facts_of(facts), Text(""), *sentences)


def _sentence(mention: Evidence) -> Text:
    """A report sentence with the mention in it standing out."""
    if mention.sentence is None:
        return Text(f"{mention.text}  (report texts are not stored)")
    text = Text(mention.sentence)
    for start, end in mention.spans:
        text.stylize("bold reverse", start, end)
    return Text(f"{mention.report_id} ", style="dim").append_text(text)
