"""Short labels in the place of ids: "image 17", the same one for the same image as long as these labels are used."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from kb.privacy.id_columns import is_file
from kb.vocabulary.query import Tables

Kind = Literal["image", "study", "patient", "report", "source"]

SHORTEST = 6
"""Letters of an id from which on it is looked for among the words of a text: a shorter one is met by chance."""

ID_COLUMNS: dict[str, Kind] = {
    "image_id": "image",
    "study_id": "study",
    "patient_id": "patient",
    "report_id": "report",
}

_WORDS = re.compile(r"[^\s<>\"'(),;&=]+")


class ShortLabels:
    """Labels of one page or one file: numbered in the order in which the ids are met."""

    def __init__(self) -> None:
        self._met: dict[Kind, dict[str, str]] = {}

    def of(self, kind: Kind, name: str) -> str:
        """The label of an id."""
        met = self._met.setdefault(kind, {})
        if name not in met:
            met[name] = f"{kind} {len(met) + 1}"
        return met[name]

    def source(self, name: str) -> str:
        """The label of a source that is a file or a folder; the name of one that a person has named."""
        return self.of("source", name) if is_file(name) else name

    def owner(self, name: str) -> str:
        """The label of whom rows are kept together by: of the patient, study or image that has been met."""
        kinds: tuple[Kind, ...] = ("patient", "study", "image")
        known = next((met for kind in kinds if (met := self._met.get(kind, {}).get(name)) is not None), None)
        return known or self.of("patient", name)


def ids_among(state: Tables, texts: Iterable[str]) -> int:
    """How many words of some texts are ids that a state holds, of those that are long enough not to be so by chance."""
    words = {word.rstrip(".:") for text in texts for word in _WORDS.findall(text) if len(word) >= SHORTEST}
    found: set[str] = set()
    for table in ("reports", "images", "labels", "predictions"):
        dataset = state.dataset(table)
        for column in [name for name in ID_COLUMNS if name in dataset.schema.names]:
            for batch in dataset.to_batches(columns=[column]):
                found.update(words.intersection(batch[column].unique().to_pylist()))
    return len(found)
