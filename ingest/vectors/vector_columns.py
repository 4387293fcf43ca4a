"""Which columns of a table hold vectors: one of lists, or one a dimension, called alike but for a number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kb.errors import UsageError

USUAL = ("vector", "embedding", "feature", "features", "vectors", "embeddings", "emb", "representation")
"""What a column of whole vectors is usually called."""

FEWEST = 2
"""Columns of one name but for a number that are taken for the dimensions of a vector."""

_NUMBERED = re.compile(r"(.*?)(\d+)")


def find_vector_columns(
    names: Sequence[str], lists: Iterable[str], taken: str, *, column: str | None, where: str
) -> list[str]:
    """The column of vectors, or those of their dimensions in their order.

    Args:
        names: the columns.
        lists: those of them that may hold lists.
        taken: the column of ids.
        column: what the user named: a column, or "feat_*" for all of that name and a number.
        where: the table, for the message.

    Raises:
        UsageError: there are none, or several could be meant.
    """
    if column is not None and column in names:
        return [column]
    groups = _groups(name for name in names if name != taken)
    if column is not None:
        stem = column.removesuffix("*")
        if stem in groups and column.endswith("*"):
            return groups[stem]
        raise UsageError(f"{where} has no column '{column}', {_shown(names)}", parameter="columns.vector")
    free = [name for name in lists if name != taken]
    usual = [name for name in free if name.lower() in USUAL]
    if len(usual or free) == 1:
        return usual or free
    if not (usual or free) and len(groups) == 1:
        return next(iter(groups.values()))
    several = usual or free or [f"{stem}*" for stem in groups]
    if several:
        raise UsageError(
            f"{where} has several columns of vectors ({', '.join(several)}): name one in columns as 'vector'",
            parameter="columns.vector",
        )
    raise UsageError(
        f"{where} has no column of lists of numbers, nor columns of one name and a number, {_shown(names)}: name them "
        "in columns as 'vector'",
        parameter="columns.vector",
    )


def _groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Columns that are called alike but for a number, counted on from 0 or 1, by what they share."""
    numbered: dict[str, dict[int, str]] = {}
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            numbered.setdefault(match[1], {})[int(match[2])] = name
    return {
        stem: [found[number] for number in sorted(found)]
        for stem, found in numbered.items()
        if len(found) >= FEWEST and min(found) <= 1 and max(found) - min(found) == len(found) - 1
    }


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8:,} more" if len(names) > 8 else ""
    return f"but {', '.join(names[:8])}{more}"
