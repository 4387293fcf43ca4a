"""The macro `known_labels`: what a label is compared as, so that two names of one finding meet in every query.

It holds the table of label names that comes with the program, and before it the lines that the knowledge base keeps of
its users' own.
"""

from __future__ import annotations

from kb.language.labels import LabelEntry, LabelNames, bundled_labels
from kb.store.sqltext import literal
from kb.store.state import State


def label_names_of(state: State) -> LabelNames:
    """The table of label names of a state: the bundled one, after what its users have told."""
    rows = state.dataset("label_names").to_table().to_pylist()
    told = [LabelEntry(row["label"], *map(tuple, (row[name] for name in _LISTS))) for row in rows]
    return bundled_labels().with_entries(told) if told else bundled_labels()


def known_labels_macro(names: LabelNames) -> str:
    """The statement that defines the macro `known_labels`, which `label_key` looks names up in."""
    others = {name: key for name, key in names.keys.items() if name != key}
    entries = ", ".join(f"{literal(name)}: {literal(key)}" for name, key in sorted(others.items()))
    return f"CREATE MACRO known_labels() AS MAP {{{entries}}};"


_LISTS = ("names", "findings", "wider", "present", "absent")
