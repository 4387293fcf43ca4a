"""The keys of a review, defined once: the terminal screen reads them here, and a test holds the browser's page to them.

A key means the same wherever one stands; none does away with a concept at once; digits only mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that keys do.

    Attributes:
        action: what it is called inside.
        keys: as Textual names them; a browser's names are `browser`.
        label: in a word or two, for a footer.
        told: what it does, in a sentence.
    """

    action: str
    keys: tuple[str, ...]
    label: str
    told: str

    @property
    def shown(self) -> str:
        """The keys as a person reads them: "j, Down"."""
        return ", ".join(_SHOWN.get(key, key) for key in self.keys)

    @property
    def browser(self) -> tuple[str, ...]:
        """The keys as `KeyboardEvent.key` has them."""
        return tuple(_BROWSER.get(key, key) for key in self.keys)


_SHOWN = {
    "down": "Down", "up": "Up", "space": "Space", "enter": "Enter", "slash": "/", "question_mark": "?",
    "pagedown": "PageDown", "pageup": "PageUp", "tab": "Tab", "escape": "Escape",
}  # fmt: skip
_BROWSER = {
    "down": "ArrowDown", "up": "ArrowUp", "space": " ", "enter": "Enter", "slash": "/", "question_mark": "?",
    "pagedown": "PageDown", "pageup": "PageUp", "tab": "Tab", "escape": "Escape",
}  # fmt: skip

KEYS: Sequence[Key] = (
    Key("take", ("enter",), "take", "Take what the first line says: what is proposed, of what is ticked."),
    Key("tick", ("space",), "tick", "Tick the marked row, or take its tick away."),
    Key("tick_all", ("t",), "all", "Tick all, or none."),
    Key("apart", ("n",), "apart", "For good: the whole group is not the same, no names of it, or stays as it is."),
    Key("reject", ("x",), "reject", "The marked row is no observation: x, and x again."),
    Key("rename", ("e",), "rename", "Give the marked row another text."),
    Key("target", ("slash",), "target", "Type another concept that it is the same as."),
    Key("skip", ("s",), "skip", "Go on without a decision."),
    Key("undo", ("u",), "undo", "Take the last step back."),
    Key("down", ("j", "down"), "down", "Mark the next row."),
    Key("up", ("k", "up"), "up", "Mark the row before."),
    Key("mark", tuple("123456789"), "target", "Mark a numbered concept as the one that stays, or take that mark away."),
    Key("page_down", ("pagedown",), "scroll", "Scroll the report sentences on."),
    Key("page_up", ("pageup",), "scroll back", "Scroll them back."),
    Key("other_side", ("tab",), "other side", "Scroll the other side's sentences from now on."),
    Key("help", ("question_mark",), "keys", "Show all keys."),
    Key("stop", ("q", "escape"), "stop", "Stop; what was decided stands."),
)

IN_FOOTER = ("take", "tick", "apart", "reject", "rename", "target", "skip", "undo", "help", "stop")
"""What a narrow screen tells of; `help` tells of all."""


def key_of(action: str) -> Key:
    """The keys of an action; KeyError if there is none of that name."""
    return {key.action: key for key in KEYS}[action]
