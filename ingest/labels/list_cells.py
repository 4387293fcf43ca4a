"""Cells that list labels: `a|b`, JSON and Python lists, and objects of findings with their boxes."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.labels.cell_values import cell_text, label_value, short
from ingest.sources.cells import unstorable
from kb.reading.json_text import read_json
from kb.reading.unreadable import Unreadable, require_shallow

LABEL_KEYS = ("labels", "label", "class_name", "class", "name", "finding", "syms", "sym")
"""How an object that stands for one finding names its labels."""

BOX_KEYS = ("boxes", "box", "bbox", "bboxes")
LONGEST = 100_000
"""Characters of a cell that is read as a list: Python's parser takes memory for each."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Listed:
    """The labels that a cell lists, in its order, and the boxes that it gives for them; `[]` lists none."""

    stated: tuple[str, ...]
    boxes: tuple[tuple[str, Box], ...] = ()


def read_list(cell: Any, split_on: str) -> Listed | None:
    """What a cell lists; None where it is blank, which is not `[]`.

    Python lists are read as literals: nothing is evaluated. A name's own blanks at its ends are no part of it.

    Raises:
        ValueError: it begins as a list and is none, or a name in it cannot be stored.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if not cell_text(text):
            return None
        cell = _literal(text) if text[:1] in "[({" and text[-1:] in "])}" else text.split(split_on)
    elif cell is None or cell != cell:
        return None
    names: list[str] = []
    boxes: list[tuple[str, Box]] = []
    for name, box in _members(cell):
        if reason := unstorable(name, "the name of a label"):
            raise ValueError(reason)
        if cell_text(name):
            name = " ".join(name.split())
            names += [name] if box is None else []
            boxes += [(name, box)] if box is not None else []
    return Listed(tuple(names), tuple(boxes))


def _literal(text: str) -> Any:
    """The list that a text writes down in JSON or Python."""
    if len(text) > LONGEST:
        raise ValueError(f"a list of {len(text):,} characters is too long to be read")
    try:
        return read_json(text)
    except Unreadable:
        pass
    try:
        found = ast.literal_eval(text)
        require_shallow(found)
        return _strings(text) if _joined(found, text) else found
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, tokenize.TokenError):
        raise ValueError(f"'{short(text)}' is no list that can be read") from None


def _joined(found: Any, text: str) -> bool:
    """Whether Python has made one string of two that stand side by side: numpy writes lists without commas."""
    strings = [name for name, box in _members(found) if box is None]
    return len(_strings(text)) > len(strings) and isinstance(found, list)


def _strings(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text.replace("\n", " ")).readline)
    return [ast.literal_eval(token.string) for token in tokens if token.type == tokenize.STRING]


def _members(found: Any) -> Iterator[tuple[str, Box | None]]:
    """The labels of a list, of lists in it, of objects in it; each with its box, where it has one."""
    if isinstance(found, Mapping):
        yield from _of_object(found)
    elif isinstance(found, list | tuple | set | frozenset):
        for member in found:
            yield from _members(member)
    elif found is not None and found == found:
        yield str(found), None


def _of_object(found: Mapping[Any, Any]) -> Iterator[tuple[str, Box | None]]:
    """An object names its labels, or is a mapping of labels to 1 and 0; others, such as a sentence, list nothing."""
    key = next((key for key in LABEL_KEYS if found.get(key) is not None), None)
    if key is None:
        try:
            yield from [(str(name), None) for name, value in found.items() if label_value(value) == 1]
        except ValueError:
            return
        return
    names = [name for name, _ in _members(found[key])]
    boxes = [box for box_key in BOX_KEYS for box in read_boxes(found.get(box_key))]
    for name in names:
        yield name, None
        yield from ((name, box) for box in boxes)


def read_boxes(cell: Any) -> list[Box]:
    """The boxes of a cell: four numbers, or a list of such."""
    if isinstance(cell, str):
        try:
            cell = _literal(cell.strip()) if cell_text(cell) else None
        except ValueError:
            return []
    if not isinstance(cell, list | tuple) or not cell:
        return []
    if all(isinstance(number, int | float) and not isinstance(number, bool) for number in cell):
        return [tuple(map(float, cell))] if len(cell) == 4 else []  # type: ignore[list-item]
    return [box for member in cell for box in read_boxes(member)]
