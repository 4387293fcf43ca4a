"""The tables of what stands under what, checked: names that nobody knows, circles, labels that have no line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from kb.language.grammar.cues import numbered_rows
from kb.language.wider_terms import parts

Fault = tuple[int, str, str]
"""Its line (0: of none), the phrase and the reason."""


def check_wider(
    text: str, *, labels: Collection[str], places: Collection[str] = (), groups: bool = False
) -> Iterator[Fault]:
    """The faults of one such table, a row that is missing among them.

    Args:
        text: of the table.
        labels: that need a line each: those of the lexicon's table.
        places: that the third cell may name.
        groups: whether a line may be of no label, if others stand under it.
    """
    rows = [(line, cells[0].strip(), [parts(cell) for cell in cells[1:]]) for line, cells in numbered_rows(text)]
    lines: dict[str, int] = {}
    above = {wider for _, _, cells in rows for wider in (cells[0] if cells else ())}
    for line, label, cells in rows:
        if label in lines:
            yield line, label, f"line {lines[label]} says what it stands under"
        lines.setdefault(label, line)
        if label not in labels and not (groups and label in above):
            yield line, label, "it is no label of the lexicon, and nothing stands under it"
        for place in cells[1] if len(cells) > 1 else ():
            if place not in places:
                yield line, label, f"'{place}' is no label of anatomy.tsv"
    for line, label, cells in rows:
        for wider in cells[0] if cells else ():
            if wider not in lines:
                yield line, label, f"'{wider}' has no line of its own"
    for label in labels:
        if label not in lines:
            yield 0, label, "no line says what it stands under"
    if circle := _circle({label: cells[0] if cells else () for _, label, cells in rows}):
        yield lines.get(circle[0], 0), circle[0], f"a circle: {' < '.join(circle)}"


def _circle(direct: dict[str, tuple[str, ...]]) -> list[str]:
    try:
        TopologicalSorter(direct).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
