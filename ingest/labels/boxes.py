"""Columns of boxes and masks: they say that a label holds where they stand, and where in the picture it does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.labels.cell_values import cell_text, score_value, short
from ingest.labels.columns import TableColumns
from ingest.labels.list_cells import Box, read_boxes

CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("left", "top", "right", "bottom"))
SIZES = (("x", "y", "width", "height"), ("x", "y", "w", "h"))
LISTS = ("boxes", "bbox", "bboxes", "box")
MASKS = ("encodedpixels", "rle", "mask rle", "rle mask")
NO_MASK = "-1"
"""What SIIM writes where there is none."""


@dataclass(frozen=True, slots=True)
class BoxColumns:
    """The columns of boxes (four, or one that holds lists) or of a mask; `sizes`: the last two are width and height."""

    boxes: tuple[str, ...] = ()
    sizes: bool = False
    mask: str | None = None

    @property
    def used(self) -> frozenset[str]:
        """The names of the columns."""
        return frozenset((*self.boxes, *([self.mask] if self.mask is not None else [])))

    def __bool__(self) -> bool:
        return bool(self.boxes or self.mask)


NO_BOXES = BoxColumns()


def find_boxes(names: Sequence[str]) -> BoxColumns:
    """The columns of boxes and masks, by their usual names; NIH's are called "Bbox [x", "y", "w" and "h]"."""
    plain = {_plain(name): name for name in reversed(names)}
    mask = next((plain[_plain(name)] for name in MASKS if _plain(name) in plain), None)
    for usual, sizes in (*((c, False) for c in CORNERS), *((s, True) for s in SIZES)):
        if all(name in plain for name in usual):
            return BoxColumns(tuple(plain[name] for name in usual), sizes, mask)
    listed = next((plain[name] for name in LISTS if name in plain), None)
    return BoxColumns((listed,) if listed is not None else (), False, mask)


def read_marks(table: TableColumns, columns: BoxColumns) -> np.ndarray:
    """Whether each row marks anything: a box or a mask that is not blank."""
    marks = np.zeros(len(table), bool)
    for name in columns.boxes:
        column = table.columns[name]
        marks |= np.array([bool(cell_text(cell)) for cell in column.cells], bool)[column.codes]
    if columns.mask is not None:
        column = table.columns[columns.mask]
        marks |= np.array([_is_mask(cell) for cell in column.cells], bool)[column.codes]
    return marks


def _is_mask(cell: object) -> bool:
    text = cell_text(cell)
    if text in ("", NO_MASK):
        return False
    if re.fullmatch(r"\d+ \d+(?: \d+ \d+)*", " ".join(text.split())):
        return True
    raise ValueError(f"'{short(cell)}' is no mask: runs of pixels (start and length), or -1 for none, were expected")


def boxes_of(table: TableColumns, columns: BoxColumns, rows: np.ndarray) -> list[list[Box]]:
    """The boxes of some rows, as left, top, right and bottom; what is no number is no box."""
    if not columns.boxes:
        return [[] for _ in rows]
    if len(columns.boxes) == 1:
        column = table.columns[columns.boxes[0]]
        read = {code: read_boxes(column.cells[code]) for code in set(column.codes[rows].tolist())}
        return [read[code] for code in column.codes[rows].tolist()]
    numbers = np.stack([_numbers(table, name)[rows] for name in columns.boxes], axis=1)
    if columns.sizes:
        numbers[:, 2:] += numbers[:, :2]
    return [[] if np.isnan(box).any() else [tuple(box.tolist())] for box in numbers]


def _numbers(table: TableColumns, name: str) -> np.ndarray:
    read = table.columns[name].read(score_value)
    return np.array([np.nan if value is None else value for value in read.values], float)[read.codes]


def in_words(boxes: Sequence[Box]) -> str:
    """Boxes as the text of an attribute: "left top right bottom", a semicolon between two."""
    return "; ".join(" ".join(f"{number:g}" for number in box) for box in dict.fromkeys(boxes))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("bbox") or re.sub(r"[^a-z0-9]", "", name.lower())
