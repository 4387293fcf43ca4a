"""The tables of what stands under what, checked: names that nobody knows, circles, labels that have no line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from kb.language.grammar.cues import numbered_rows
from kb.language.lexicon import parts

Fault = tuple[int, str, str]
"""Its line (0: of none), the phrase and the reason."""


def check_wider(
    text: str, *, labels: Collection[str], places: Collection[str] | None = None, groups: bool = False
) -> Iterator[Fault]:
    """The faults of one such table, a row that is missing among them.

    Args:
        text: of the table.
        labels: that need a line each: those of the lexicon's table.
        places: that the third cell may name; None: it names wider terms, as the second does.
        groups: whether a line may be of no label, if others stand under it.
    """
    cells_of = [
        (line, cells[0].strip(), [parts(cell) for cell in [*cells[1:], "", ""][:2]])
        for line, cells in numbered_rows(text)
    ]
    rows = [
        (line, label, first if places is not None else (*first, *second)) for line, label, (first, second) in cells_of
    ]
    lines: dict[str, int] = {}
    above = {wider for _, _, cell in rows for wider in cell}
    for line, label, (_, where) in cells_of:
        if label in lines:
            yield line, label, f"line {lines[label]} says what it stands under"
        lines.setdefault(label, line)
        if label not in labels and not (groups and label in above):
            yield line, label, "it is no label of the lexicon, and nothing stands under it"
        for place in where if places is not None else ():
            if place not in (places or ()):
                yield line, label, f"'{place}' is no label of anatomy.tsv"
    for line, label, cell in rows:
        for wider in cell:
            if wider not in lines:
                yield line, label, f"'{wider}' has no line of its own"
    for label in labels:
        if label not in lines:
            yield 0, label, "no line says what it stands under"
    if circle := _circle({label: cell for _, label, cell in rows}):
        yield lines.get(circle[0], 0), circle[0], f"a circle: {' < '.join(circle)}"


def _circle(direct: dict[str, tuple[str, ...]]) -> list[str]:
    try:
        TopologicalSorter(direct).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
