"""Lists of labels by name, such as "chexpert5": plain data, `label_lists.tsv`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files


@cache
def _lists() -> dict[str, tuple[str, ...]]:
    text = (files("kb.language.labels") / "label_lists.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: tuple(labels.split("|")) for name, labels in lines[1:]}


def list_names() -> tuple[str, ...]:
    """What the lists are called."""
    return tuple(_lists())


def labels_of(name: str) -> tuple[str, ...] | None:
    """The labels of a list; None if nothing is called so."""
    return _lists().get(name.strip().lower().replace("-", "").replace("_", ""))


def with_lists(names: Sequence[str]) -> tuple[str, ...]:
    """Labels as they were named, with those of a list in the place of its name, each once."""
    return tuple(dict.fromkeys(label for name in names for label in labels_of(name) or (name,)))
