"""The labels that a user asks for: by their names in the file, in another spelling, or by the name of a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kb.errors import UsageError
from kb.language.label_names import plain_label
from kb.language.labels import labels_of


class Asked:
    """What is wanted of a table; nothing named: all."""

    def __init__(self, names: Sequence[str]) -> None:
        self._single = [name for name in names if labels_of(name) is None]
        self._listed = [label for name in names for label in labels_of(name) or ()]
        self._exact = {*self._single, *self._listed}
        self._plain = {plain_label(name) for name in self._exact}

    def wants(self, name: str) -> bool:
        """Whether a label of the file is wanted."""
        return not self._exact or name in self._exact or plain_label(name) in self._plain

    def among(self, columns: Iterable[str]) -> list[str]:
        """Those of the columns that are asked for; none where nothing is."""
        return [name for name in columns if name and self.wants(name)] if self._exact else []

    def require(self, known: Sequence[str], where: str) -> tuple[str, ...]:
        """Refuse a label that is not there (UsageError); of a named list, only if none is: else tell which."""
        plain = {plain_label(name) for name in known}
        missing = [name for name in self._exact if plain_label(name) not in plain]
        single = [name for name in self._single if name in missing]
        if single or (missing and len(missing) == len(self._exact)):
            name = (single or sorted(missing))[0]
            raise UsageError(f"{where} has no label '{name}': it has {', '.join(sorted(known)) or 'none'}")
        return tuple(name for name in self._listed if name in missing)
