"""A report without ids: short labels stand for its images and studies, and nobody is told where anything lay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from encoder.audit.page.page import render
from encoder.audit.report.report_data import Provenance, ReportData
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_columns import is_file
from kb.privacy.short_labels import ShortLabels, ids_among

PARTS = ("source", "segments", "drift", "confounders", "slices", "errors", "examples", "provenance", "notes", "title")
"""What of a report may name an image, a study, a file or a folder."""

FILES = {"--limits": "LIMITS", "--card": "CARD", "--kb": "KB"}
"""Options of a command that name a file, and what stands in its place."""

_PICTURE = re.compile(r"data:image/[^\"')]+")


def without_ids(data: ReportData, kb: KnowledgeBase) -> ReportData:
    """The same report with short labels: the same image has the same one on the whole page.

    Raises:
        ClearKbError: the page would still hold an id, as one that the condition on its images names.
    """
    shown = _Shown(kb, data)
    images = {name: shown.image(name) for name in data.thumbnails}
    made = replace(
        data,
        **{name: shown.told(getattr(data, name)) for name in PARTS},
        thumbnails={images[name]: uri for name, uri in data.thumbnails.items()},
        heatmaps={(shown.image(name), label): uri for (name, label), uri in data.heatmaps.items()},
        with_ids=False,
    )
    made = replace(made, provenance=_placeless(made.provenance))
    if left := ids_among(kb, [_PICTURE.sub("", render(made))]):
        raise ClearKbError(
            f"the page would still hold {left:,} of the ids of {kb.uri}: a condition, a title or a report's "
            "sentence names them; leave it out"
        )
    return made


class _Shown:
    """What stands in the place of each text of one report."""

    def __init__(self, kb: KnowledgeBase, data: ReportData):
        self._labels = ShortLabels()
        units = [wrong.unit for one in data.errors for wrong in one.worst]
        images = [wrong.image for one in data.errors for wrong in one.worst if wrong.image]
        images += [one.explanation.image_id for one in data.examples]
        images += [name for found in data.slices for one in found.slices for name in (*one.images, *one.wrong)]
        images += [unit.removeprefix("image ") for unit in units if unit.startswith("image ")]
        self._exact = {name: self.image(name) for name in images}
        for unit in units:
            level, _, name = unit.partition(" ")
            self._exact[unit] = self._labels.of("study", name) if level == "study" else self.image(name)
        places = {str(kb.uri): "KB", **{name: self._labels.source(name) for name in _files_of(kb)}}
        # The longest first: a folder may be the beginning of another one.
        within = {**{name: label for name, label in self._exact.items() if len(name) > 3}, **places}
        self._within = {name: within[name] for name in sorted(within, key=len, reverse=True) if name}

    def image(self, name: str) -> str:
        """The label of an image."""
        return self._labels.of("image", name)

    def told(self, value: Any) -> Any:
        """A value with labels in the place of ids, however deep they lie in it."""
        if isinstance(value, str):
            return self._text(value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(
                value, **{one.name: self.told(getattr(value, one.name)) for one in fields(value) if one.init}
            )
        if isinstance(value, Mapping):
            return {key: self.told(one) for key, one in value.items()}
        return type(value)(map(self.told, value)) if type(value) in (tuple, list) else value

    def _text(self, text: str) -> str:
        if text in self._exact:
            return self._exact[text]
        for name, label in self._within.items():
            if name in text:
                text = text.replace(name, label)
        return text


def _files_of(kb: KnowledgeBase) -> list[str]:
    """The files and folders that the rows of a knowledge base came by."""
    found: set[str] = set()
    for table in ("images", "labels", "reports", "label_sources"):
        for batch in kb.dataset(table).to_batches(columns=["source"]):
            found.update(batch["source"].unique().to_pylist())
    return sorted(name for name in found - {None} if is_file(name))


def _placeless(provenance: Provenance) -> Provenance:
    """Provenance without the places of the knowledge base and of the files of a lab."""
    facts = tuple((name, value) for name, value in provenance.facts if name != "knowledge base")
    commands = []
    for said, words in provenance.commands:
        before = ("", *words)
        commands.append((said, tuple(FILES.get(option, word) for option, word in zip(before, words, strict=False))))
    return Provenance(facts, tuple(commands))
