"""Disputed statements on a terminal screen: the sentence as each extractor reads it, and a key for every decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer

from kb.curation.disputes import Dispute, Reading
from kb.curation.review.dispute_session import DisputeSession
from kb.curation.review.shown import Shown
from kb.errors import ClearKbError

SHOWN = ("certainty", "temporality", "laterality", "severity")


class DisputeApp(App[None]):
    """Walks a session of disputed statements; the footer says what each key does."""

    TITLE = "clear-kb disputes"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { background: $primary; color: $text; padding: 0 1; }
    #readings { padding: 0 1; }
    #said { padding: 0 1; color: $text-muted; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "keep(1)", "keep 1"),
        Binding("2", "keep(2)", "keep 2"),
        Binding("0", "keep(0)", "neither"),
        Binding("s,space", "skip", "skip"),
        Binding("u", "undo", "undo"),
        Binding("q,escape", "quit", "stop"),
        Binding("ctrl+c", "quit", show=False),
    ]

    def __init__(self, session: DisputeSession):
        super().__init__()
        self.session = session
        self._said = ""

    def compose(self) -> ComposeResult:
        """Head line, the readings, what was said last, and the keys."""
        yield Shown(id="head")
        with VerticalScroll(can_focus=False):
            yield Shown(id="readings")
        yield Shown(id="said")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """The screen is there: show the first item."""
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys the item at hand takes."""
        item = self.session.item
        if item is None:
            return action in ("undo", "quit")
        return action != "keep" or parameters[0] in range(len(item.readings) + 1)

    def action_keep(self, number: int) -> None:
        """0-2: keep that reading, or neither."""
        self._do(lambda: self.session.keep(number))

    def action_skip(self) -> None:
        """S: not now."""
        self._do(self.session.skip)

    def action_undo(self) -> None:
        """U: the last step is taken back."""
        self._do(self.session.undo)

    def _do(self, act: Callable[[], str | None]) -> None:
        try:
            self._said = act() or ""
        except ClearKbError as error:
            self._said = str(error)
        self._show()

    def _show(self) -> None:
        session, item = self.session, self.session.item
        place = f"{min(session.at + 1, len(session.items)):,} of {len(session.items):,}"
        head = Text.assemble(("disputed", "bold"), f"  {place}  decided {session.decided:,}")
        shown: RenderableType = Text("That was the last one: u takes the last step back, q stops.")
        if item is not None:
            head.append(f"  {item.kind}  {item.report_id}, {item.section}", "italic")
            shown = Group(*(_reading(number, one, item) for number, one in enumerate(item.readings, start=1)))
        # Texts of reports hold brackets: they are shown as Text, never read as markup.
        self.query_one("#head", Shown).show(head)
        self.query_one("#readings", Shown).show(shown)
        self.query_one("#said", Shown).show(Text(self._said))
        self.refresh_bindings()


def _reading(number: int, one: Reading, item: Dispute) -> Text:
    """A reading: who reads it so, what it is, and the sentence with its words standing out."""
    facts = ", ".join(f"{name} {getattr(one, name)}" for name in SHOWN if getattr(one, name) != "none")
    told = Text.assemble(
        (f"\n{number}  {one.by}: {one.assertion}", "bold"), f"  {one.concept}\n", (f"   {facts}\n", "dim")
    )
    if item.sentence is None:
        return told.append(f"   {one.text}  (report texts are not stored)\n")
    sentence = Text(item.sentence)
    for start, end in one.spans:
        sentence.stylize("bold reverse", start, end)
    return told.append("   ").append_text(sentence).append("\n")
