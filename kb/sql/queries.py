"""The library of named queries: one file a query under `schemas/sql/queries`, with what it tells and its parameters.

    run_query(session, "calibration", {"run": "ours", "bins": 5}).rows()

They are plain SQL over the documented views, and run in the same sandbox as any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from kb.errors import UsageError
from kb.images.patient_split import PARTS
from kb.sql.messages import near_names
from kb.sql.result import Result
from kb.sql.session import AuditSession

JUDGED = "judged"
"""What SQL calls the part of the rows that a query is over if nothing is said."""

Kind = Literal["text", "int", "float"]
_PARAMETER = re.compile(r"^(\w+) (text|int|float)(?: = ([^:]+))?: (.+)$")
_NUMBERS: Mapping[str, type] = {"int": int, "float": float}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a named query may be told.

    Attributes:
        name: `$name` in its SQL.
        kind: text, int or float.
        default: if nothing is said; None: all.
        about: what it means.
    """

    name: str
    kind: str
    default: str | int | float | None
    about: str

    def read(self, value: Any) -> str | int | float | None:
        """A value as it is bound; UsageError if it is of another kind."""
        if value is None or self.kind == "text":
            return None if value is None else str(value)
        try:
            number: int | float = _NUMBERS[self.kind](value)
        except (TypeError, ValueError) as error:
            wanted = "a whole number" if self.kind == "int" else "a number"
            raise UsageError(f"{self.name} = {value}: {wanted} was expected") from error
        return number

    def __str__(self) -> str:
        return self.name if self.default is None else f"{self.name}={self.default}"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query of the library.

    Attributes:
        name: what it is called.
        about: what it tells.
        parameters: what it may be told, in their order.
        notes: what else is to be known of it.
        sql: over the documented views.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    notes: str
    sql: str

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A value for every parameter: what is given, else its default.

        Raises:
            UsageError: it has no such parameter, or a value is of another kind, or no part of the rows.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                near = near_names(name, known)
                hint = f" (did you mean {near}?)" if near else ""
                raise UsageError(f"{self.name} has no parameter '{name}'{hint}: it takes {', '.join(known)}")
        read = {name: known[name].read(value) for name, value in given.items()}
        if read.get("split") not in (None, JUDGED, *PARTS):
            raise UsageError(f"split = {read['split']}: one of {', '.join(PARTS)} was expected")
        return {name: parameter.default for name, parameter in known.items()} | read


@cache
def all_queries() -> dict[str, NamedQuery]:
    """Every named query by its name."""
    folder = files("schemas") / "sql" / "queries"
    names = sorted(entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return {name: _read(name, (folder / f"{name}.sql").read_text(encoding="utf-8")) for name in names}


def find_query(name: str) -> NamedQuery:
    """The query of that name; UsageError names those that there are."""
    wanted = name.strip().lower().replace("-", "_")
    if wanted in all_queries():
        return all_queries()[wanted]
    near = near_names(wanted, all_queries())
    words = f"did you mean {near}?" if near else f"there are {', '.join(all_queries())}"
    raise UsageError(f"there is no named query '{name}': {words}")


def run_query(session: AuditSession, name: str, given: Mapping[str, Any] | None = None) -> Result:
    """Run a named query.

    Args:
        session: the views of a knowledge base.
        name: of the query.
        given: values for some of its parameters; what is not given, or None, is its default.

    Raises:
        UsageError: there is no such query, or it has no such parameter.
        ClearKbError: it took more time or memory than it may.
    """
    query = find_query(name)
    return session.query(
        query.sql, query.values({key: value for key, value in (given or {}).items() if value is not None})
    )


def _read(name: str, text: str) -> NamedQuery:
    comments: list[str] = []
    lines = text.splitlines()
    while lines and lines[0].startswith("--"):
        comments.append(lines.pop(0).removeprefix("--").strip())
    about, _, rest = "\n".join(comments).partition("\n\n")
    told, _, notes = rest.partition("\n\n")
    parameters = tuple(_parameter(name, line) for line in told.splitlines())
    return NamedQuery(name, " ".join(about.split()), parameters, " ".join(notes.split()), "\n".join(lines).strip())


def _parameter(query: str, line: str) -> Parameter:
    found = _PARAMETER.match(line)
    if found is None:
        raise ValueError(f"schemas/sql/queries/{query}.sql: '{line}' is no parameter: NAME KIND = DEFAULT: MEANING")
    name, kind, default, about = found.groups()
    plain = Parameter(name, kind, None, about)
    return Parameter(name, kind, plain.read(default.strip()) if default is not None else None, about)
