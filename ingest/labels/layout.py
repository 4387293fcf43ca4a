"""How a table of labels or scores is laid out: a column a label, a row a label, lists of labels, boxes or masks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ingest.images.image_sources import COLUMNS
from ingest.labels.boxes import NO_BOXES, BoxColumns, find_boxes
from ingest.labels.cell_values import Cell, cell_text
from ingest.labels.choices import Choices
from ingest.labels.columns import Column, TableColumns
from ingest.sources.metadata import names_report_text
from kb.errors import UsageError
from kb.language.labels import bundled_labels

Form = Literal["wide", "long", "list", "marks"]

IDS = ("image", "study", "patient")
LABEL_NAMES = (
    *("label", "finding", "pathology", "disease", "class", "class name", "label name", "finding label"),
    *("finding name", "category", "category name"),
)
LIST_NAMES = ("labels", "finding labels", "label list", "syms", "pathologies")
NESTED_NAMES = ("findings", "annotations", "objects")
"""Columns that list labels where their cells are lists or objects: "findings" is a text as well."""

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
    *("split", "fold", "height", "width", "class id", "label id", "category id", "finding id"),
    *READER_NAMES,
}
"""Columns that are of the image or its reader: a sex of 0 and 1, an age of 1, a class 1, are no labels."""

NEVER_METADATA = frozenset(name for key in IDS for name in COLUMNS[key]) | {
    *("class id", "label id", "category id", "finding id", "label group"),
    *(name for usual in (LABEL_NAMES, LIST_NAMES, NESTED_NAMES, *VALUE_NAMES.values()) for name in usual),
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
    `reader` the one that says who read the image, `boxes` those that say where in the picture a label is.
    """

    form: Form
    ids: Mapping[str, str]
    labels: Mapping[str, str]
    label: str | None = None
    value: str | None = None
    listed: str | None = None
    reader: str | None = None
    boxes: BoxColumns = NO_BOXES
    unused: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()


def find_layout(
    table: TableColumns, what: Literal["value", "score"], cell: Cell, *, choices: Choices, asked: Sequence[str]
) -> Layout:
    """The layout of `table`, whose cells are read by `cell`.

    Args:
        table: the file.
        what: what it holds for a label: a "value", or a "score".
        cell: reads one cell.
        choices: which column holds image, study, patient, label, labels (a list) or `what`, and who read.
        asked: labels that the user named: their columns are taken, whatever they hold.

    Raises:
        UsageError: no column says which image or study a row is of, or none holds labels.
    """
    columns = _mapped(table, what, choices.mapping)
    # Whoever names the column of studies means labels of studies: "image" may hold what kind of picture it is.
    guessed = [key for key in IDS if key not in columns and not (key == "image" and "study" in columns)]
    usual = {key: _usual(table, COLUMNS[key]) for key in guessed}
    ids = {key: column for key in IDS if (column := columns.get(key) or usual.get(key)) is not None}
    if "image" not in ids and "study" not in ids:
        raise UsageError(
            f"{table.file.path} has no column of images or studies ({', '.join(table.names)}): "
            "name it in columns as 'image' or 'study'",
            parameter="columns.image",
        )
    if "image" not in columns and _names_no_images(table, ids):
        del ids["image"]
    boxes = find_boxes([name for name in table.names if name not in ids.values()]) if what == "value" else NO_BOXES
    found = _looking_like_labels(table, {*ids.values(), *boxes.used}, cell, strict=what == "score")
    if choices.blank == "negative":
        found += _blank_labels(table, {*ids.values(), *boxes.used, *found})
    layout = _of_columns(table, what, columns, ids, wide=list(asked) or found, boxes=boxes, asked=bool(asked))
    if layout.form == "wide" and not layout.labels:
        raise UsageError(_no_labels(table, what), parameter="wanted")
    found = found if layout.form == "wide" else []
    # Who made a run is no reader of it.
    reader = _reader(table, choices) if what == "value" else None
    return _finished(table, layout, found, reader)


def _names_no_images(table: TableColumns, ids: Mapping[str, str]) -> bool:
    """Whether the column that is called as images are cannot hold their ids: a study has one image at least."""
    if "image" not in ids or "study" not in ids:
        return False
    images, studies = table.columns[ids["image"]], table.columns[ids["study"]]
    return all(map(cell_text, images.cells)) and len(images.cells) < len(studies.cells)


def _of_columns(
    table: TableColumns,
    what: str,
    columns: Mapping[str, str],
    ids: Mapping[str, str],
    *,
    wide: Sequence[str],
    boxes: BoxColumns,
    asked: bool,
) -> Layout:
    """The layout by the columns that were named, else by their usual names, else by what they hold."""
    label, value = (
        columns.get("label") or _usual(table, LABEL_NAMES),
        columns.get(what) or _usual(table, VALUE_NAMES[what]),
    )
    common = Layout(form="wide", ids=ids, labels={}, boxes=boxes)
    if label is not None and value is not None and "labels" not in columns:
        return replace(common, form="long", label=label, value=value)
    listed = columns.get("labels") or (_listing(table, columns, label, wide, asked) if what == "value" else None)
    if listed is not None:
        return replace(common, form="list", listed=listed)
    if boxes and not wide:
        return replace(common, form="marks")
    return replace(common, labels={column: column for column in wide})


def _listing(
    table: TableColumns, columns: Mapping[str, str], label: str | None, wide: Sequence[str], asked: bool
) -> str | None:
    """The column that lists labels: one of the usual names, or one that names a label a row and says no value."""
    if (listed := _usual(table, LIST_NAMES)) is not None:
        return listed
    nested = _usual(table, NESTED_NAMES)
    if nested is not None and _is_nested(table.columns[nested]):
        return nested
    if label is None or asked or label in wide:
        return None
    # Beside columns of 1 and 0, a column that is called "class" may be of anything.
    return label if "label" in columns or not wide else None


def _is_nested(column: Column) -> bool:
    told = [cell for cell in column.cells if cell_text(cell)]
    return bool(told) and all(isinstance(cell, list | dict) or str(cell).strip()[:1] in "[{" for cell in told)


def _no_labels(table: TableColumns, what: str) -> str:
    kind = "labels (1, 0, -1 or blank)" if what == "value" else "scores"
    lists = ", or in columns as 'labels' the one that lists them" if what == "value" else ""
    return (
        f"no column of {table.file.path} holds {kind}: its columns are {', '.join(table.names)}; name the labels{lists}"
    )


def _reader(table: TableColumns, choices: Choices) -> str | None:
    """The column that says who read: the one that was named, else by its usual names."""
    if choices.readers is not None and choices.readers not in table.names:
        raise UsageError(
            f"{table.file.path} has no column '{choices.readers}' of readers: its columns are {', '.join(table.names)}"
        )
    return choices.readers or _usual(table, READER_NAMES)


def _finished(table: TableColumns, layout: Layout, found: Sequence[str], reader: str | None) -> Layout:
    """`layout` with the columns that are left; those `found` to look like labels are no metadata."""
    used = {*layout.ids.values(), *layout.labels, layout.label, layout.value, layout.listed, *layout.boxes.used}
    left = [name for name in table.names if name not in used]
    never = {plain_name(name) for name in NEVER_METADATA}
    metadata = tuple(
        name
        for name in left
        if name not in found
        and plain_name(name) not in never
        and _is_name(name)
        and not names_report_text(name)
        and not _is_nested(table.columns[name])
    )
    return replace(
        layout,
        reader=reader if reader in left else None,
        unused=tuple(name or NAMELESS for name in left),
        metadata=tuple(name for name in metadata if name != reader),
    )


def _mapped(table: TableColumns, what: str, mapping: Mapping[str, str]) -> dict[str, str]:
    known = (*IDS, "label", what, *(("labels",) if what == "value" else ()))
    if unknown := sorted(set(mapping) - set(known)):
        raise UsageError(f"columns: there is no '{unknown[0]}'; choose one of {', '.join(known)}")
    for column in mapping.values():
        if column not in table.names:
            raise UsageError(f"{table.file.path} has no column '{column}': its columns are {', '.join(table.names)}")
    return dict(mapping)


def _usual(table: TableColumns, usual: Sequence[str]) -> str | None:
    by_name = {_squeezed(name): name for name in reversed(table.names)}
    return next((by_name[_squeezed(name)] for name in usual if _squeezed(name) in by_name), None)


def _squeezed(name: str) -> str:
    """A usual name without spaces: "ImageID" is "image_id"."""
    return plain_name(name).replace(" ", "")


def plain_name(name: str) -> str:
    """A column's name as names are compared: in small letters, one space for any sign between."""
    return re.sub(r"[\s_\-]+", " ", name).strip().lower()


def _looking_like_labels(table: TableColumns, taken: set[str], cell: Cell, *, strict: bool) -> list[str]:
    """The columns that hold labels as far as can be seen: all their cells (but for a few) are of that kind."""
    never = {plain_name(name) for name in NEVER_LABELS}
    free = [name for name in table.names if name not in taken and plain_name(name) not in never and _is_name(name)]
    return [name for name in free if _holds_labels(table.columns[name], cell, strict=strict)]


def _blank_labels(table: TableColumns, taken: set[str]) -> list[str]:
    """Columns named as labels are that say nothing at all: where a blank is negative, they say something."""
    names = bundled_labels()
    return [
        name
        for name in table.names
        if name not in taken and names.entry(name) is not None and not any(map(cell_text, table.columns[name].cells))
    ]


def _holds_labels(column: Column, cell: Cell, *, strict: bool) -> bool:
    counts = column.counts()
    told = sum(int(counts[at]) for at, one in enumerate(column.cells) if cell_text(one))
    read = column.read(cell)
    odd = sum(int(counts[at]) for at in read.reasons)
    if told <= odd or odd > ODD_SHARE * told:
        return False
    numbers = np.array([value for value in read.values if value is not None], float)
    if not strict or not len(numbers):
        return True
    # Whole numbers above 1 are years, pixels or counts: scores they are not.
    highest = float(np.abs(numbers).max())
    return not (highest > 1 and bool((numbers == np.rint(numbers)).all())) and highest <= 100


def _is_name(name: str) -> bool:
    """Whether a column has a name of its own: pandas writes its row numbers without one."""
    return bool(name.strip()) and re.fullmatch(r"unnamed: [\d.]+", name.strip(), re.I) is None
