"""The images of one state as columns in one order, and what is known of each: read once, and asked many times.

The plain columns take a moment. What stands on all tables together (splits, sites, truths, outcomes) is asked of the
audit's views when it is first needed, one query at a time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from encoder.evaluation.confusion import Confusion, confusion_of
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.images.kept_pixels import KeptPixels
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import UNHURRIED
from kb.sql.session import AuditSession
from workbench.images.kept import kept

PLAIN = ["image_id", "study_id", "patient_id", "content_hash", "view", "width", "height", "sex", "age"]

TABLES = ("images", "labels", "readings", "label_names", "attributes", "runs", "predictions", "image_vectors")
"""The tables that a catalogue stands on."""

_TOLD = "SELECT image_id, split, site, view FROM images"
_TRUTHS = "SELECT unit, value, source FROM truths WHERE level = 'image' AND name = label_key($label)"
_OUTCOMES = """
SELECT image_id, owner, judged, score, truth, threshold, chosen_on, decision, source
FROM outcomes WHERE run = $run AND label = $label AND image_id IS NOT NULL
"""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The predictions of one label in one run, in the order of the images; NaN where there is none, or none is known.

    Attributes:
        score: of each image.
        truth: 1, 0 or NaN.
        above: whether the score is its operating point or more; NaN where there is none, or it helped to choose it.
        threshold: the operating point that the score is held against.
        chosen_on: by which rows that was chosen.
        source: of the labels; None where nothing speaks of any.
        confusion: what it comes to on the images that may be judged; None where none may.
    """

    score: np.ndarray
    truth: np.ndarray
    above: np.ndarray
    threshold: np.ndarray
    chosen_on: str
    source: str | None
    confusion: Confusion | None


class Catalogue:
    """The images of one state.

    Args:
        state: the knowledge base at a commit.
    """

    def __init__(self, state: KnowledgeBase):
        self.state = state
        self._lock = threading.RLock()
        self._outcomes: dict[tuple[str, str], Outcomes] = {}
        self._truths: dict[str, np.ndarray] = {}
        self._vectors: dict[str, ImageVectors] = {}
        table = state.dataset("images").to_table(columns=PLAIN).sort_by("image_id")
        self.table: pa.Table = table.combine_chunks()
        self.ids = np.array(self.table["image_id"].to_pylist(), dtype=object)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each image stands."""
        return {image: at for at, image in enumerate(self.ids)}

    @cached_property
    def pixels(self) -> KeptPixels:
        """The kept pixels."""
        return KeptPixels(self.state.storage)

    def content(self, image_id: str) -> str:
        """The hash of an image's file, by which its pixels are kept; "" where only tables speak of it."""
        at = self.place.get(image_id)
        return "" if at is None else str(self.table["content_hash"][at].as_py())

    def column(self, name: str) -> np.ndarray:
        """The split, site or view of each image; None where nobody knows."""
        with self._lock:
            found: np.ndarray = self._told[name]
            return found

    @cached_property
    def _told(self) -> dict[str, np.ndarray]:
        told = {name: np.full(len(self), None, dtype=object) for name in ("split", "site", "view")}
        for row in self._session.run(_TOLD):
            at = self.place.get(row["image_id"])
            if at is not None:
                for name, values in told.items():
                    values[at] = row[name]
        return told

    def truths(self, label: str) -> np.ndarray:
        """Whether a label is held to be there: 1, 0 or NaN where nobody knows; of several sources any that says 1."""
        with self._lock:
            if label not in self._truths:
                found = np.full(len(self), np.nan)
                for row in self._session.run(_TRUTHS, {"label": label}):
                    at = self.place.get(row["unit"])
                    if at is not None and row["value"] is not None:
                        found[at] = np.fmax(found[at], row["value"])
                self._truths[label] = found
            return self._truths[label]

    def outcomes(self, run: str, label: str) -> Outcomes:
        """The predictions of a label in a run; of several sources of labels the first by name."""
        with self._lock:
            if (run, label) not in self._outcomes:
                rows = self._session.run(_OUTCOMES, {"run": run, "label": label}).rows()
                self._outcomes[run, label] = self._in_order(rows)
            return self._outcomes[run, label]

    def _in_order(self, rows: list[dict[str, Any]]) -> Outcomes:
        source = min((row["source"] for row in rows if row["source"] is not None), default=None)
        names = ("score", "truth", "decision", "threshold")
        columns = {name: np.full(len(self), np.nan) for name in names}
        judged, owners = np.zeros(len(self), dtype=bool), np.full(len(self), "", dtype=object)
        chosen_on = "nothing"
        for row in rows:
            at = self.place.get(row["image_id"])
            if at is None or row["source"] not in (source, None):
                continue
            for name in names:
                if row[name] is not None:
                    columns[name][at] = row[name]
            judged[at], owners[at], chosen_on = bool(row["judged"]), row["owner"], row["chosen_on"]
        counted = judged & ~np.isnan(columns["truth"]) & ~np.isnan(columns["decision"])
        confusion = None
        if counted.any():
            truth, called = columns["truth"][counted] == 1, columns["decision"][counted] == 1
            confusion = confusion_of(truth, called, owners[counted])
        return Outcomes(
            score=columns["score"],
            truth=columns["truth"],
            above=columns["decision"],
            threshold=columns["threshold"],
            chosen_on=chosen_on,
            source=source,
            confusion=confusion,
        )

    def vectors(self, encoder: str) -> ImageVectors:
        """The vectors of all images by an encoder; UsageError if there are none."""
        with self._lock:
            if encoder not in self._vectors:
                self._vectors[encoder] = read_image_vectors(self.state, encoder)
            return self._vectors[encoder]

    @cached_property
    def _session(self) -> AuditSession:
        return AuditSession(self.state, UNHURRIED)


def catalogue_of(base: KnowledgeBase) -> Catalogue:
    """The images of a state, read once for as long as no table that speaks of them changes."""
    return kept(base, Catalogue, TABLES)
