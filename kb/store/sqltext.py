"""Values in SQL text: the one place where a filter for Lance or DuckDB is quoted."""

from __future__ import annotations

from collections.abc import Iterable


def literal(value: str) -> str:
    """A text as a SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """Texts as a SQL list of string literals, for `column IN (...)`."""
    return "(" + ", ".join(map(literal, values)) + ")"
