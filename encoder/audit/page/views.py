"""What the templates show: tables, charts and sentences, as plain data without markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of more than a text: what stands small beneath it, and whether it is weighty."""

    text: str
    under: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row heads it. Columns stand right as numbers do, but for the first and `texts`."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    texts: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its caption, and its numbers as a table beneath."""

    svg: Markup
    caption: str
    numbers: Table | None = None


class Said(NamedTuple):
    """A sentence of which a part is weighty."""

    before: str
    strong: str = ""
    after: str = ""


class Picture(NamedTuple):
    """An image of the study with what stands beneath it."""

    uri: str
    image: str
    under: str = ""
