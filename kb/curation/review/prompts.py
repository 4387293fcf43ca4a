"""What the review screen asks for: another text, another target as one types, and the help over all keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from kb.curation.review.group import Member
from kb.curation.review.keys import KEYS
from kb.curation.review.shown import Shown
from kb.curation.words import times
from kb.visible import visible

LEAVE: list[BindingType] = [Binding("escape", "dismiss(None)", "leave it")]


class RenamePrompt(ModalScreen[str | None]):
    """Asks for another text; Escape leaves it as it is."""

    BINDINGS: ClassVar[list[BindingType]] = LEAVE

    def __init__(self, text: str):
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """A line to edit."""
        with Vertical():
            yield Label("Another text for it (Enter: take it, Escape: leave it)")
            yield Input(self._text, id="text")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed."""
        self.dismiss(event.value)


class TargetPrompt(ModalScreen[Member | None]):
    """Asks for a concept, by words of its text; those that a merge would refuse are not offered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *LEAVE,
        Binding("down", "move(1)", "next", priority=True),
        Binding("up", "move(-1)", "before", priority=True),
    ]

    def __init__(self, find: Callable[[str], Sequence[Member]], text: str):
        super().__init__()
        self._find = find
        self._text = text
        self._found: Sequence[Member] = ()
        self._at = 0

    def compose(self) -> ComposeResult:
        """A line to type in, and what is found."""
        with Vertical():
            yield Label(
                f"What is '{visible(self._text)}' the same as? (arrows choose, Enter: that one, Escape: none)",
                markup=False,
            )
            yield Input(placeholder="words of its text", id="text")
            yield Shown(id="found")

    def on_input_changed(self, event: Input.Changed) -> None:
        """A letter was typed."""
        self._found, self._at = self._find(event.value), 0
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed: the marked one; where nothing is found the question stays."""
        if self._found:
            self.dismiss(self._found[self._at])

    def action_move(self, by: int) -> None:
        """Mark another of those found."""
        self._at = min(max(self._at + by, 0), max(len(self._found) - 1, 0))
        self._show()

    def _show(self) -> None:
        lines = Text()
        for at, one in enumerate(self._found):
            lines.append(f"{one.text}  {times(one.mentions)}\n", "reverse" if at == self._at else "")
        if not self._found and self.query_one(Input).value.strip():
            lines.append("nothing of this side, severity and assertion has these words", "dim")
        self.query_one("#found", Shown).show(lines)


class KeysHelp(ModalScreen[None]):
    """All keys, each with what it does; any key goes back."""

    def compose(self) -> ComposeResult:
        """The table of keys."""
        with VerticalScroll():
            yield Static(Text("\n").join(_told(key.shown, key.told) for key in KEYS))

    def on_key(self, event: Key) -> None:
        """Any key goes back, and does nothing else."""
        event.stop()
        self.dismiss(None)


def _told(shown: str, told: str) -> Text:
    keys = "1 to 9" if shown.startswith("1") else shown
    return Text.assemble((f"{keys:<10}", "bold"), told)
