"""A report for people who may not know whose images these are: labels stand in the place of ids, and no report is told.

The same image has the same label on the whole page, and another on the next. What ids may stand in besides, the name of
a source or of a label, a condition or a model card, is looked through before the page is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from encoder.audit.page.page import render
from encoder.audit.report.report_data import Provenance, ReportData, Wrong
from kb.display import Listing
from kb.errors import UsageError
from kb.privacy.short_labels import Kind, ShortLabels, ids_among
from kb.vocabulary.query import Tables

IMAGES = frozenset({"image_id", "image", "images", "wrong"})
"""The fields of a report that hold ids of images, where they hold texts."""

UNTOLD = "not told here"


def without_ids(data: ReportData) -> ReportData:
    """The same report with short labels ("image 17") in the place of ids, and without the sentences of reports."""
    found = _Labelled()
    shown: ReportData = found.all_of(data, "")
    return replace(
        shown,
        thumbnails={found.image(name): uri for name, uri in data.thumbnails.items()},
        heatmaps={(found.image(name), label): uri for (name, label), uri in data.heatmaps.items()},
        provenance=found.provenance(data.provenance),
        with_evidence=False,
        ids_left_out=True,
    )


def refuse_ids(state: Tables, data: ReportData) -> None:
    """Refuse a report that still tells ids of the knowledge base, six letters long or more (UsageError)."""
    if found := ids_among(state, [render(data)]):
        raise UsageError(
            f"the page would still tell {found:,} ids: in the name of a label or of a source, in a value of an "
            "attribute, a condition, a title or a model card; nothing was written"
        )


class _Labelled:
    """What a report holds, with labels in the place of ids: those that one page has met."""

    def __init__(self) -> None:
        self._labels = ShortLabels()

    def image(self, name: str) -> str:
        return self._labels.of("image", name)

    def all_of(self, value: Any, name: str) -> Any:
        """A value that stands in a field of that name, and all that it holds."""
        if isinstance(value, str):
            return self.image(value) if name in IMAGES else self.source(value) if name == "source" else value
        if name == "evidence":
            return ()
        if isinstance(value, Wrong):
            value = replace(value, unit=self._unit(value.unit))
        if is_dataclass(value) and not isinstance(value, type):
            held = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
            told = {of: self.all_of(one, of) for of, one in held.items()}
            changed = {of: one for of, one in told.items() if one is not held[of]}
            return replace(value, **changed) if changed else value
        if isinstance(value, Listing):
            return Listing([self.all_of(one, name) for one in value], value.columns)
        if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
            return type(value)(self.all_of(one, name) for one in value)
        if isinstance(value, Mapping):
            return {of: self.all_of(one, name) for of, one in value.items()}
        return value

    def source(self, text: str) -> str:
        """A text, with a label in the place of the name of a file at its end."""
        before, _, last = text.rpartition(" ")
        label = self._labels.source(last)
        return text if label == last else f"{before} {label}".strip()

    def provenance(self, found: Provenance) -> Provenance:
        """Where it comes from, without where that lies: the commands name no knowledge base."""
        place = dict(found.facts).get("knowledge base")
        facts = [(name, UNTOLD if value == place else self.source(value)) for name, value in found.facts]
        commands = [
            (said, tuple("KB" if word == place else self.source(word) for word in words))
            for said, words in found.commands
        ]
        return Provenance(tuple(facts), tuple(commands))

    def _unit(self, unit: str) -> str:
        level, _, name = unit.partition(" ")
        kind: Kind = "study" if level == "study" else "image"
        return self._labels.of(kind, name)
