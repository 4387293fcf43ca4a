"""What the templates show: tables, charts and sentences, as plain data without markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

NOTHING = Markup("")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of more than a text: what stands small beneath it, and whether it is weighty."""

    text: str
    under: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row heads it. Columns stand right as numbers do, but for the first and `texts`.

    `name` and `foot` are as those of a chart.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    texts: Sequence[int] = ()
    name: str = ""
    foot: Markup = NOTHING


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its caption, and its numbers as a table beneath.

    Attributes:
        svg: the drawing.
        caption: what it shows, in words.
        numbers: as a table beneath it.
        name: what it is called on its page.
        points: what is drawn, a row each.
        foot: what a page that can be asked says beneath it: where its points are had. A page that stands alone says
            nothing.
    """

    svg: Markup
    caption: str
    numbers: Table | None = None
    name: str = ""
    points: Sequence[Mapping[str, Any]] = ()
    foot: Markup = NOTHING


class Said(NamedTuple):
    """A sentence of which a part is weighty."""

    before: str
    strong: str = ""
    after: str = ""


class Picture(NamedTuple):
    """An image of the study with what stands beneath it, and where it leads, if anywhere."""

    uri: str
    image: str
    under: str = ""
    link: str = ""
