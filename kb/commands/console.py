"""The terminal, as every command writes to it: nothing that stands in data makes it do anything (`kb.visible`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from kb.visible import ACTED_ON, visible, visible_text


class SafeConsole(Console):
    """A console of rich that writes out what a terminal would act on, whatever it is told to print.

    Styles are its own, and stay: only text is looked at. What is printed as it is, is looked at before it is laid out;
    what comes to light only then, inside another renderable, is looked at there.
    """

    def print(self, *objects: Any, **how: Any) -> None:
        """Print, as rich does."""
        super().print(*map(_shown, objects), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of a renderable."""
        for segment in super().render(renderable, options):
            hidden = segment.control is None and ACTED_ON.search(segment.text) is not None
            yield Segment(visible(segment.text), segment.style) if hidden else segment


def _shown(one: Any) -> Any:
    return visible_text(one) if isinstance(one, str) or hasattr(one, "plain") else one


class _Shown:
    """Standard output where it is a terminal: text goes through `visible`."""

    def write(self, text: str) -> int:
        """Write some text."""
        return sys.stdout.write(visible(text))


def data_stream() -> TextIO:
    """Standard output for data: as it is where another program reads it, written out where a person does."""
    return cast(TextIO, _Shown()) if sys.stdout.isatty() else sys.stdout
