"""The model card: what a model is for, as its makers state it; nothing in it is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encoder.audit.report.settings import check_names, read_settings
from kb.errors import UsageError

FIELDS: Mapping[str, str] = {
    "name": "Name",
    "version": "Version",
    "intended_use": "Intended use",
    "not_for": "Not for",
    "training_data": "Training data",
    "limits": "Known limits",
    "contact": "Contact",
}
"""What a card may state, and how it is called on the page."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What its makers state of a model, by the names in `FIELDS`: of each some texts.

    Attributes:
        stated: the texts; a name that is missing is not stated.
    """

    stated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """What is not stated, as it is called on the page."""
        return [said for name, said in FIELDS.items() if name not in self.stated]


def read_card(path: str | Path) -> ModelCard:
    """The card in a file.

    Raises:
        UsageError: there is no such file, or it holds another name, or something that is no text.
    """
    told = read_settings(Path(path))
    check_names(str(path), told, FIELDS)
    return ModelCard({name: _texts(f"{path}: {name}", told[name]) for name in FIELDS if told.get(name) is not None})


def _texts(where: str, value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    if not entries or any(isinstance(one, list | dict) or not str(one).strip() for one in entries):
        raise UsageError(f"{where}: a text was expected, or a list of texts")
    return tuple(str(one).strip() for one in entries)
