"""What a description says of a row: a column, or a text with columns in braces ("{PatientID}/{AccessionNumber}")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.sources.cells import identifier
from kb.errors import UsageError

OR_NONE = " or none"
"""What stands after a column that a table may lack."""

_BRACED = re.compile(r"\{([^{}]+)\}")


def told(cells: Mapping[str, Any], expression: str | None, known: Mapping[str, str | None] | None = None) -> str | None:
    """What an expression comes to in a row; None where a column that it names is blank.

    Args:
        cells: the row.
        expression: a column, or a text with columns in braces.
        known: what may stand in braces beside the columns: what the row was found to be of ("{study}").

    Raises:
        ValueError: a cell holds no id.
    """
    if expression is None:
        return None
    named = _BRACED.findall(expression)
    if not named:
        return identifier(cells, expression)
    parts = {name: identifier(cells, name) if name in cells else (known or {}).get(name) for name in named}
    if any(part is None for part in parts.values()):
        return None
    return _BRACED.sub(lambda match: parts[match[1]] or "", expression)


def columns_there(
    where: str, names: Sequence[str], expressions: Sequence[str], known: Sequence[str] = ()
) -> tuple[str, ...]:
    """Those expressions that a table can answer: a column that may be missing is "Sex or none".

    Args:
        where: the table, for the message.
        names: its columns.
        expressions: columns, or texts with columns in braces.
        known: what may stand in braces beside the columns.

    Raises:
        UsageError: a column is not there that has to be; the message names it.
    """
    found = []
    for expression in expressions:
        plain = expression.removesuffix(OR_NONE) if expression not in names else expression
        missing = [name for name in _BRACED.findall(plain) or [plain] if name not in names and name not in known]
        if not missing:
            found.append(plain)
        elif plain == expression:
            raise UsageError(f"{where} has no column '{missing[0]}': its columns are {', '.join(names)}")
    return tuple(found)


def column_there(where: str, names: Sequence[str], expression: str | None, known: Sequence[str] = ()) -> str | None:
    """The expression, if the table can answer it; see `columns_there`."""
    return next(iter(columns_there(where, names, [expression] if expression is not None else [], known)), None)


def each_of(cells: Mapping[str, Any], columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """A row as one row for each of the things that some of its columns list; as it is where none lists any.

    Raises:
        ValueError: the lists are not equally long, so that nobody knows what belongs together.
    """
    lists = {name: cells[name] for name in columns if isinstance(cells.get(name), list)}
    if not lists:
        yield cells
        return
    sizes = {name: len(one) for name, one in lists.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"columns list unequally many: {', '.join(f'{name} {size}' for name, size in sizes.items())}")
    for at in range(next(iter(sizes.values()))):
        yield {**cells, **{name: one[at] for name, one in lists.items()}}
