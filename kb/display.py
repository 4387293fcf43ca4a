"""How data looks to a person: one description, shown by rich in a terminal and as HTML in a notebook."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from html import escape as escape_html
from typing import Any, TypeVar

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from kb.statistics.interval import Interval
from kb.visible import visible

T = TypeVar("T")

NUMBERS = (int, float)
MOST_ROWS = 50
"""Rows that a notebook or a terminal is shown of a listing; the rest is counted."""

Row = Mapping[str, Any]


def plain(value: Any) -> str:
    """A value as one cell of a table."""
    if value is None:
        return ""
    if isinstance(value, Interval):
        return str(value)
    if isinstance(value, list | tuple) and not any(isinstance(item, list | tuple | dict) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def are_numbers(values: Iterable[Any]) -> bool:
    """Whether all values that are known are numbers, and some are; what is true or false is none."""
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, NUMBERS) and not isinstance(value, bool) for value in known)


def table_of(rows: Sequence[Row], columns: Sequence[str], title: str | None = None) -> Table:
    """Rows as a rich table; numbers stand right, ids are not broken."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        number = bool(rows) and all(isinstance(row[column], NUMBERS) for row in rows)
        table.add_column(
            column.replace("_", " "),
            justify="right" if number else "left",
            no_wrap=number or column.endswith(("_id", "commit")),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(escape(visible(plain(row[column]))) for column in columns))
    return table


def facts_of(facts: Iterable[tuple[str, str]]) -> Table:
    """Names and values (rich markup) in two columns, as a rich table."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(visible(name), visible(value))
    return table


def html_table(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """Rows as an HTML table."""
    head = "".join(f"<th>{escape_html(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape_html(plain(row[column]))}</td>" for column in columns) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Listing(list[T]):
    """A list of plain rows or dataclasses that shows itself as a table."""

    def __init__(self, items: Iterable[T], columns: Sequence[str]):
        super().__init__(items)
        self.columns = tuple(columns)

    def rows(self) -> list[dict[str, Any]]:
        """The items as plain data."""
        return [_as_row(item) for item in self]

    def __rich__(self) -> RenderableType:
        table, more = table_of(self._shown(), self.columns), self._more()
        return Group(table, more) if more else table

    def _repr_html_(self) -> str:
        more = self._more()
        return html_table(self._shown(), self.columns) + (f"<p>{escape_html(more)}</p>" if more else "")

    def _shown(self) -> list[dict[str, Any]]:
        return [{column: _cell(item, column) for column in self.columns} for item in self[:MOST_ROWS]]

    def _more(self) -> str | None:
        return f"the first {MOST_ROWS} of {len(self):,}" if len(self) > MOST_ROWS else None


def listing_of(items: Iterable[T], kind: type) -> Listing[T]:
    """A listing of dataclasses that shows all of their fields, also where there is none of them."""
    return Listing(items, [one.name for one in fields(kind)])


class FactSheet(ABC):
    """Something that shows itself as names and values."""

    __slots__ = ()

    @abstractmethod
    def facts(self) -> list[tuple[str, str]]:
        """The names and values, in plain text; what is empty is left out."""

    def __rich__(self) -> Table:
        return facts_of((name, escape(value)) for name, value in self.facts() if value)

    def _repr_html_(self) -> str:
        rows = [{"": name, "value": value} for name, value in self.facts() if value]
        return html_table(rows, ("", "value"))


def _cell(item: Any, column: str) -> Any:
    """What an item shows in one column: its attribute, which may know how it is written, else its plain data."""
    value = None if isinstance(item, Mapping) else getattr(item, column, None)
    return _as_row(item).get(column) if value is None or callable(value) else value


def _as_row(item: Any) -> dict[str, Any]:
    if hasattr(item, "to_dict"):
        return dict(item.to_dict())
    return asdict(item) if is_dataclass(item) and not isinstance(item, type) else dict(item)
