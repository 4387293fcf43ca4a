"""How a table of labels or scores is laid out: a column a label, a row a label, or a column that lists labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ingest.images.image_sources import COLUMNS
from ingest.labels.cell_values import Cell, cell_text
from ingest.sources.tables import TableFile
from kb.errors import UsageError

IDS = ("image", "study", "patient")
LABEL_NAMES = ("label", "finding", "pathology", "disease", "class")
LIST_NAMES = ("labels", "finding labels")
READER_NAMES = (
    *("reader", "reader id", "rad", "rad id", "radiologist", "radiologist id", "rater", "rater id"),
    *("annotator", "annotator id", "observer", "observer id"),
)
NAMELESS = "(a column without a name)"
VALUE_NAMES: Mapping[str, tuple[str, ...]] = {
    "value": ("value", "label value", "truth", "ground truth"),
    "score": ("score", "probability", "prob", "prediction", "pred", "value", "logit"),
}
NEVER_LABELS = frozenset(name for usual in COLUMNS.values() for name in usual) | {
    *("split", "fold", "height", "width"),
    *READER_NAMES,
}
"""Columns that are of the image or its reader: a sex of 0 and 1, an age of 1, a reader 1, are no labels."""

NEVER_METADATA = frozenset(name for key in IDS for name in COLUMNS[key]) | {
    name for usual in (LABEL_NAMES, LIST_NAMES, *VALUE_NAMES.values()) for name in usual
}
"""Columns that, by their names, hold another id, or labels or scores that were not asked for."""

Unit = tuple[str | None, str | None, str | None]
"""What a row is of: image, study and patient."""

ODD_SHARE = 0.05
"""Of the cells of a column, the share that may say something else: they are rejected, the column is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which column holds what; `labels` are the columns that are labels each, by the label's name.

    `unused` are the columns that are neither ids nor labels; `metadata` those of them that may say more of the unit,
    `reader` the one that says who read the image.
    """

    form: Literal["wide", "long", "list"]
    ids: Mapping[str, str]
    labels: Mapping[str, str]
    label: str | None = None
    value: str | None = None
    listed: str | None = None
    reader: str | None = None
    unused: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()


def find_layout(
    table: TableFile, what: Literal["value", "score"], cell: Cell, *, mapping: Mapping[str, str], asked: Sequence[str]
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
            "name it in columns as 'image' or 'study'",
            parameter="columns.image",
        )
    listed = columns.get("labels") or (_usual(table, LIST_NAMES) if what == "value" else None)
    label = columns.get("label") or _usual(table, LABEL_NAMES)
    value = columns.get(what) or _usual(table, VALUE_NAMES[what])
    if label is not None and value is not None and "labels" not in columns:
        return _finished(table, Layout(form="long", ids=ids, labels={}, label=label, value=value))
    if listed is not None:
        return _finished(table, Layout(form="list", ids=ids, labels={}, listed=listed))
    found = _looking_like_labels(table, set(ids.values()), cell, strict=what == "score")
    wide = asked or found
    if not wide:
        kind = "labels (1, 0, -1 or blank)" if what == "value" else "scores"
        lists = ", or in columns as 'labels' the one that lists them" if what == "value" else ""
        raise UsageError(
            f"no column of {table.path} holds {kind}: its columns are {', '.join(table.names)}; name the labels{lists}",
            parameter="wanted",
        )
    return _finished(table, Layout(form="wide", ids=ids, labels={column: column for column in wide}), found)


def _finished(table: TableFile, layout: Layout, found: Sequence[str] = ()) -> Layout:
    """`layout` with the columns that are left; those `found` to look like labels are no metadata."""
    used = {*layout.ids.values(), *layout.labels, layout.label, layout.value, layout.listed}
    left = [name for name in table.names if name not in used]
    never = {plain_name(name) for name in NEVER_METADATA}
    metadata = tuple(name for name in left if name not in found and plain_name(name) not in never and _is_name(name))
    reader = _usual(table, READER_NAMES)
    return replace(
        layout,
        reader=reader if reader in left else None,
        unused=tuple(name or NAMELESS for name in left),
        metadata=metadata,
    )


def _mapped(table: TableFile, what: str, mapping: Mapping[str, str]) -> dict[str, str]:
    known = (*IDS, "label", what, *(("labels",) if what == "value" else ()))
    if unknown := sorted(set(mapping) - set(known)):
        raise UsageError(f"columns: there is no '{unknown[0]}'; choose one of {', '.join(known)}")
    for column in mapping.values():
        if column not in table.names:
            raise UsageError(f"{table.path} has no column '{column}': its columns are {', '.join(table.names)}")
    return dict(mapping)


def _usual(table: TableFile, usual: Sequence[str]) -> str | None:
    by_name = {plain_name(name): name for name in reversed(table.names)}
    return next((by_name[plain_name(name)] for name in usual if plain_name(name) in by_name), None)


def plain_name(name: str) -> str:
    """A column's name as names are compared: in small letters, one space for any sign between."""
    return re.sub(r"[\s_\-]+", " ", name).strip().lower()


def _looking_like_labels(table: TableFile, taken: set[str], cell: Cell, *, strict: bool) -> list[str]:
    """The columns that hold labels as far as can be seen: all their cells (but for a few) are of that kind."""
    never = {plain_name(name) for name in NEVER_LABELS}
    free = [name for name in table.names if name not in taken and plain_name(name) not in never and _is_name(name)]
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
    return bool(name.strip()) and re.fullmatch(r"unnamed: [\d.]+", name.strip(), re.I) is None
