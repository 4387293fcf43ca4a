"""What an audit can be asked, told from the definitions: the views with their columns, and the functions."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from kb.errors import UsageError
from kb.sql.messages import near_names
from kb.sql.views import Views
from schemas.sql.audit_views import FUNCTIONS, View, all_views, macros, vector_relations


def relations() -> dict[str, View]:
    """What a query reads rows from by name: the views, and the vectors of an encoder."""
    return {**all_views(), **vector_relations()}


def schema_rows(name: str | None = None) -> list[dict[str, Any]]:
    """The views, or one of them, as plain data.

    Raises:
        UsageError: there is no view of that name.
    """
    if name is not None and name.lower() not in relations():
        near = near_names(name, relations())
        raise UsageError(f"there is no view '{name}': " + (f"did you mean {near}?" if near else ", ".join(relations())))
    return [_as_data(view) for view in relations().values() if name is None or view.name == name.lower()]


def schema_text(name: str | None = None) -> str:
    """The views, or one of them, in short: for a terminal."""
    lines: list[str] = []
    for row in schema_rows(name):
        lines += [row["relation"], *textwrap.wrap(row["about"], 100, initial_indent="  ", subsequent_indent="  ")]
        width = max(len(column["column"]) for column in row["columns"]) + 2
        for column in row["columns"]:
            indent = " " * (4 + width)
            words = f"    {column['column']:<{width}}{column['what']}"
            lines += textwrap.wrap(words, 110, subsequent_indent=indent, drop_whitespace=True) or [words]
        lines += textwrap.wrap(row["notes"], 100, initial_indent="  ", subsequent_indent="  ")
        lines.append("")
    if name is None:
        lines += ["functions", *(f"    {call}: {about}" for call, about in functions()), ""]
    return "\n".join(lines)


def functions() -> list[tuple[str, str]]:
    """The functions that queries may call beside those of DuckDB, each with what it gives."""
    text = "\n".join((*(macros(name) for name in FUNCTIONS), macros()))
    found: list[tuple[str, str]] = []
    for comment, call in re.findall(r"((?:^--[^\n]*\n)*)^CREATE MACRO (\w+\([^)]*\))", text, re.M):
        words = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
        about = words.removeprefix(f"{call}: ")
        found.append((call, about or found[-1][1]))  # one comment may stand before several
    return found


def column_types(session: Views, relation: str) -> dict[str, str]:
    """The columns of a relation in their order, each with DuckDB's type."""
    found = session.run(f"DESCRIBE SELECT * FROM {relation}").rows()
    return {row["column_name"]: row["column_type"].replace("FLOAT[1]", "FLOAT[d]") for row in found}


def _as_data(view: View) -> dict[str, Any]:
    columns = [{"column": name, "what": what} for name, what in view.columns.items()]
    kind = "view" if view.sql else "vectors"
    return {"relation": view.name, "kind": kind, "about": view.about, "columns": columns, "notes": view.notes}
