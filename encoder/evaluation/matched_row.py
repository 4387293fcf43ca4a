"""One prediction beside its truth, as an evaluation holds it: millions are held at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Row(Protocol):
    """What is read by its names, as a dictionary is."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of one name."""
        ...


class MatchedRow:
    """One prediction and its truth: read as a dictionary is, in a fourth of its memory.

    Args:
        told: what the query says of it.
        same: every text that was met before, to be held once.
    """

    __slots__ = (
        "contradicted", "group", "image_id", "in_split", "label", "labelled", "logit", "owner", "patient_id", "run",
        "score", "sources", "study_id", "unit", "value", "view",
    )  # fmt: skip

    def __init__(self, told: Mapping[str, Any], same: dict[Any, Any]):
        for name in ("run", "label", "image_id", "study_id", "patient_id", "owner", "in_split", "view", "group"):
            setattr(self, name, same.setdefault(told[name], told[name]))
        self.score, self.logit = told["score"], told["logit"]
        image, study = told["image_id"], told["study_id"]
        unit = f"study {study}" if image is None else f"image {image}"
        self.unit = same.setdefault(unit, unit)
        self.value: float | None = None
        self.labelled = self.contradicted = False
        self.sources: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def hear(self, source: str | None, value: float | None, *, wanted: str | None, same: dict[Any, Any]) -> None:
        """Take in what a source of labels says of it; of one that is not wanted, nothing."""
        if source is None or wanted not in (None, source):
            return
        self.labelled = True
        self.contradicted |= None not in (self.value, value) and self.value != value
        self.value = same.setdefault(value, value) if self.value is None else self.value
        sources = (*self.sources, source)
        self.sources = same.setdefault(sources, sources)
