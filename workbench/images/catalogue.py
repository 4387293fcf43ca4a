"""The images of one state as columns in one order, and what is known of each: read once, and asked many times.

The plain columns take a moment. What stands on all tables together (splits, sites, truths) is asked of the audit's
views when it is first needed; so is what stands on operating points, by a session of its own, for they are computed
once for all runs, and that takes a while where there are many predictions.
"""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.errors import UsageError
from kb.images.kept_pixels import KeptPixels
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from workbench.images.kept import kept
from workbench.images.outcomes import (
    OF_IMAGE,
    OF_LABEL,
    Outcomes,
    Prediction,
    Truths,
    outcomes_in,
    predictions_in,
    truths_in,
)

PLAIN = ["image_id", "study_id", "patient_id", "content_hash", "view", "width", "height", "sex", "age"]

TABLES = (
    *("images", "reports", "labels", "readings", "label_names", "attributes"),
    *("runs", "predictions", "image_vectors", "encoders"),
)
"""The tables that a catalogue stands on: reports tell whose a study is, and so its split."""

_TOLD = "SELECT image_id, split, site, view FROM images"
_TRUTHS = """
SELECT unit AS image_id, arg_min(value, source) AS value, min(source) AS source FROM truths
WHERE level = 'image' AND name = label_key($label) AND value IS NOT NULL GROUP BY unit
"""


class Catalogue:
    """The images of one state.

    Args:
        base: the knowledge base at a commit.
    """

    def __init__(self, base: KnowledgeBase):
        self.base = base
        self.table: pa.Table = base.dataset("images").to_table(columns=PLAIN).sort_by("image_id").combine_chunks()
        self.ids = np.array(self.table["image_id"].to_pylist(), dtype=object)
        self._plainly, self._at_points, self._reading = (threading.RLock() for _ in range(3))
        self._outcomes: dict[tuple[str, str], Outcomes] = {}
        self._truths: dict[str, Truths] = {}
        self._vectors: dict[str, ImageVectors] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each image stands."""
        return {image: at for at, image in enumerate(self.ids)}

    def places(self, image_ids: pa.ChunkedArray) -> np.ndarray:
        """Where some images stand, (n,); -1 for those that are none of these."""
        found = pc.fill_null(pc.index_in(image_ids, value_set=self.table["image_id"].combine_chunks()), -1)
        return np.asarray(found.to_numpy())

    @cached_property
    def pixels(self) -> KeptPixels:
        """The kept pixels."""
        return KeptPixels(self.base.storage)

    def at(self, image_id: str) -> int:
        """Where an image stands; UsageError if there is none of that id."""
        if image_id not in self.place:
            raise UsageError(f"there is no image {image_id} in {self.base.uri}")
        return self.place[image_id]

    def content(self, image_id: str) -> str:
        """The hash of an image's file, by which its pixels are kept; "" where only tables speak of it."""
        at = self.place.get(image_id)
        return "" if at is None else str(self.table["content_hash"][at].as_py())

    def column(self, name: str) -> np.ndarray:
        """The split, site or view of each image; None where nobody knows."""
        with self._plainly:
            return self._told[name]

    @cached_property
    def _told(self) -> dict[str, np.ndarray]:
        rows = self._views.run(_TOLD).arrow()
        places = self.places(rows["image_id"])
        told = {}
        for name in ("split", "site", "view"):
            told[name] = np.full(len(self), None, dtype=object)
            told[name][places[places >= 0]] = np.array(rows[name].to_pylist(), dtype=object)[places >= 0]
        return told

    def truths(self, label: str) -> Truths:
        """Whether a label is held to be there; of several sources the first by name that knows it of an image."""
        with self._plainly:
            if label not in self._truths:
                rows = self._views.run(_TRUTHS, {"label": label}).arrow()
                self._truths[label] = truths_in(rows, self.places(rows["image_id"]), len(self))
            return self._truths[label]

    def outcomes(self, run: str, label: str) -> Outcomes:
        """The predictions of a label in a run, beside `truths`."""
        with self._at_points:
            if (run, label) not in self._outcomes:
                rows = self._cut_views.run(OF_LABEL, {"run": run, "label": label}).arrow()
                self._outcomes[run, label] = outcomes_in(rows, self.places(rows["image_id"]), len(self))
            return self._outcomes[run, label]

    def predictions(self, image_id: str) -> list[Prediction]:
        """What every run says of every label of an image, by label and run; UsageError if there is no such image."""
        self.at(image_id)
        with self._at_points:
            return predictions_in(self._cut_views.run(OF_IMAGE, {"image": image_id}).rows())

    def vectors(self, encoder: str) -> ImageVectors:
        """The vectors of all images by an encoder; UsageError if there are none."""
        with self._reading:
            if encoder not in self._vectors:
                self._vectors[encoder] = read_image_vectors(self.base, encoder)
            return self._vectors[encoder]

    @cached_property
    def _views(self) -> Views:
        return Views(self.base)

    @cached_property
    def _cut_views(self) -> Views:
        return Views(self.base)


def catalogue_of(base: KnowledgeBase) -> Catalogue:
    """The images of a state, read once for as long as no table that speaks of them changes."""
    return kept(base, Catalogue, TABLES)
