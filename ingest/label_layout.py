"""How a table of labels or scores is laid out: a column a label, a row a label, or a column that lists labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.image_sources import COLUMNS
from ingest.label_cells import Cell, cell_text
from ingest.tables import TableFile
from kb.errors import UsageError

IDS = ("image", "study", "patient")
LABEL_NAMES = ("label", "finding", "pathology", "disease", "class")
LIST_NAMES = ("labels", "finding labels")
VALUE_NAMES: Mapping[str, tuple[str, ...]] = {
    "value": ("value", "label value", "truth", "ground truth"),
    "score": ("score", "probability", "prob", "prediction", "pred", "value", "logit"),
}
NEVER_LABELS = frozenset(name for usual in COLUMNS.values() for name in usual) | {"split", "fold", "height", "width"}
"""Columns that are of the image: a sex of 0 and 1, an age of 1, are no labels."""

ODD_SHARE = 0.05
"""Of the cells of a column, the share that may say something else: they are rejected, the column is taken."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds what; `labels` are the columns that are labels each, by the label's name."""

    form: Literal["wide", "long", "list"]
    ids: Mapping[str, str]
    labels: Mapping[str, str]
    label: str | None = None
    value: str | None = None
    listed: str | None = None
    unused: tuple[str, ...] = ()


def find_layout(
    table: TableFile, what: Literal["value", "score"], cell: Cell, mapping: Mapping[str, str], asked: Sequence[str]
) -> Layout:
    """The layout of `table`, whose cells are read by `cell`.

    Args:
        table: the file.
        what: what it holds for a label: a "value", or a "score".
        cell: reads one cell.
        mapping: image, study, patient, label, labels (a column that lists them) or `what`, to a column.
        asked: labels that the user named: their columns are taken, whatever they hold.

    Raises:
        UsageError: no column says which image or study a row is of, or none holds labels.
    """
    columns = _mapped(table, what, mapping)
    ids = {key: column for key in IDS if (column := columns.get(key) or _usual(table, COLUMNS[key])) is not None}
    if "image" not in ids and "study" not in ids:
        raise UsageError(
            f"{table.path} has no column of images or studies ({', '.join(table.names)}): "
            "name it with --map image=COLUMN or --map study=COLUMN"
        )
    listed = columns.get("labels") or (_usual(table, LIST_NAMES) if what == "value" else None)
    label = columns.get("label") or _usual(table, LABEL_NAMES)
    value = columns.get(what) or _usual(table, VALUE_NAMES[what])
    if label is not None and value is not None and "labels" not in columns:
        return _finished(table, Layout("long", ids, {}, label, value))
    if listed is not None:
        return _finished(table, Layout("list", ids, {}, listed=listed))
    wide = _wide(table, set(ids.values()), cell, asked, strict=what == "score")
    if not wide:
        kind = "labels (1, 0, -1 or blank)" if what == "value" else "scores"
        lists = ", or a column that lists them with --map labels=COLUMN" if what == "value" else ""
        raise UsageError(
            f"no column of {table.path} holds {kind}: its columns are {', '.join(table.names)}; "
            f"name them with --labels A,B{lists}"
        )
    return _finished(table, Layout("wide", ids, {column: column for column in wide}))


def _finished(table: TableFile, layout: Layout) -> Layout:
    used = {*layout.ids.values(), *layout.labels, layout.label, layout.value, layout.listed}
    unused = tuple(name or "(a column without a name)" for name in table.names if name not in used)
    return Layout(layout.form, layout.ids, layout.labels, layout.label, layout.value, layout.listed, unused)


def _mapped(table: TableFile, what: str, mapping: Mapping[str, str]) -> dict[str, str]:
    known = (*IDS, "label", what, *(("labels",) if what == "value" else ()))
    if unknown := sorted(set(mapping) - set(known)):
        raise UsageError(f"--map {unknown[0]}=...: choose one of {', '.join(known)}")
    for column in mapping.values():
        if column not in table.names:
            raise UsageError(f"{table.path} has no column '{column}': its columns are {', '.join(table.names)}")
    return dict(mapping)


def _usual(table: TableFile, usual: Sequence[str]) -> str | None:
    by_name = {_plain(name): name for name in reversed(table.names)}
    return next((by_name[_plain(name)] for name in usual if _plain(name) in by_name), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", " ", name).strip().lower()


def _wide(table: TableFile, taken: set[str], cell: Cell, asked: Sequence[str], *, strict: bool) -> list[str]:
    """The columns that hold labels: those asked for, else those whose cells (but for a few) are of that kind."""
    if missing := [name for name in asked if name not in table.names]:
        raise UsageError(f"{table.path} has no label '{missing[0]}': its columns are {', '.join(table.names)}")
    if asked:
        return list(asked)
    never = {_plain(name) for name in NEVER_LABELS}
    free = [name for name in table.names if name not in taken and _plain(name) not in never and _is_name(name)]
    told, odd, counting = dict.fromkeys(free, 0), dict.fromkeys(free, 0), dict.fromkeys(free, True)
    beyond = dict.fromkeys(free, 0.0)
    for row in table:
        for name in free if row.error is None else ():
            if not cell_text(row.cells.get(name)):
                continue
            told[name] += 1
            try:
                number = cell(row.cells[name])
            except ValueError:
                odd[name] += 1
                continue
            if number is not None:
                counting[name] = counting[name] and number == int(number)
                beyond[name] = max(beyond[name], abs(number))
    # Whole numbers above 1 are years, pixels or counts: scores they are not.
    scores = [
        name for name in free if not strict or (not (counting[name] and beyond[name] > 1) and beyond[name] <= 100)
    ]
    return [name for name in scores if told[name] > odd[name] and odd[name] <= ODD_SHARE * told[name]]


def _is_name(name: str) -> bool:
    """Whether a column has a name of its own: pandas writes its row numbers without one."""
    return bool(name) and re.fullmatch(r"unnamed: \d+", name, re.I) is None
