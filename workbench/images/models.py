"""What is heavy and read once: embedders, encoders, and what explains the predictions of a run.

Each is made when it is first asked for, by the thread that asks; others that ask for the same wait. An explainer is
used by one thread at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from encoder.explanation.explanation import Explainer
from encoder.explanation.grouped import GroupedExplainer
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck import Bottleneck
from encoder.prediction.concept_directions import concept_directions
from encoder.prediction.intervention import bottlenecks_of
from encoder.prediction.runs import Run, read_run
from encoder.vectors.encoders import StoredEncoder, find_checkpoint, known_encoders
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_stored_embedder
from workbench.images.kept import kept

_EMBEDDERS: dict[str, Embedder] = {}
_CHECKPOINTS: dict[str, Checkpoint] = {}
_LOADING = threading.RLock()

MOST_VECTORS = 64
"""Image vectors that are kept for sliders: those of the images that are looked at."""


def embedder_of(base: KnowledgeBase) -> Embedder:
    """The vocabulary's embedder, loaded once a process."""
    info = base.require_embedder()
    with _LOADING:
        if info.embedder_id not in _EMBEDDERS:
            _EMBEDDERS[info.embedder_id] = load_stored_embedder(info)
        return _EMBEDDERS[info.embedder_id]


def encoders_of(base: KnowledgeBase) -> list[StoredEncoder]:
    """The encoders whose vectors are here, those with a text side first."""
    return sorted(known_encoders(base), key=lambda one: (one.without_concepts, one.encoder))


@dataclass(frozen=True, eq=False)
class Sliders:
    """One bottleneck with all that its prediction of an image is made of: answered without reading anything.

    Attributes:
        bottleneck: of the label.
        vectors: of its concepts, (k, d), in their order.
    """

    bottleneck: Bottleneck
    vectors: np.ndarray

    def standard(self, image: np.ndarray) -> np.ndarray:
        """The standardised scores of its concepts in an image, (k,): 0 is what the mean training image has."""
        means = np.array([one.mean for one in self.bottleneck.concepts])
        deviations = np.array([max(one.deviation, 1e-12) for one in self.bottleneck.concepts])
        found: np.ndarray = (self.vectors @ np.asarray(image, np.float64) - means) / deviations
        return found

    def logit(self, standard: np.ndarray) -> float:
        """The logit for standardised scores, (k,)."""
        weights = np.array([one.weight for one in self.bottleneck.concepts])
        return float(self.bottleneck.bias + weights @ standard)


@dataclass(eq=False)
class Explainers:
    """What explains the runs of one state."""

    base: KnowledgeBase
    _made: dict[str, tuple[GroupedExplainer, threading.RLock]] = field(default_factory=dict)
    _sliders: dict[tuple[str, str], Sliders] = field(default_factory=dict)
    _vectors: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    _making: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def of(self, run: str) -> Iterator[GroupedExplainer]:
        """What explains a run, for one thread at a time; UsageError if nothing can, with the reason."""
        base = self.base
        with self._making:
            if run not in self._made:
                checkpoint = _checkpoint(base, read_run(base, run).encoder)
                self._made[run] = GroupedExplainer(Explainer(base, checkpoint, run)), threading.RLock()
            explainer, lock = self._made[run]
        with lock:
            yield explainer

    def sliders(self, run: str, label: str) -> Sliders:
        """The bottleneck of a label; UsageError if the run is none, or it has no concept with a weight."""
        with self._making:
            if (run, label) not in self._sliders:
                self._sliders[run, label] = self._read_sliders(read_run(self.base, run), label)
            return self._sliders[run, label]

    def vector(self, image_id: str, run: str) -> np.ndarray:
        """The vector of an image by the encoder of a run, (d,); the last ones are kept."""
        with self._making:
            if (image_id, run) not in self._vectors:
                read = read_image_vectors(self.base, read_run(self.base, run).encoder, [image_id])
                while len(self._vectors) >= MOST_VECTORS:
                    self._vectors.pop(next(iter(self._vectors)))
                self._vectors[image_id, run] = read.matrix[0]
            return self._vectors[image_id, run]

    def _read_sliders(self, run: Run, label: str) -> Sliders:
        base, name = self.base, run.head(label).label
        found = next(one for one in bottlenecks_of(run) if one.label == name)
        if not found.concepts:
            raise UsageError(f"the bottleneck of {label} in run '{run.name}' has no concept with a weight")
        at = base.at(run.vocabulary_commit) if run.vocabulary_commit else base
        space = concept_directions(at, _checkpoint(base, run.encoder))
        vectors = [np.asarray(space.vectors[space.place(one.concept_id)], np.float64) for one in found.concepts]
        return Sliders(found, np.stack(vectors))


TABLES = (
    *("concepts", "observations", "reports", "images", "image_vectors", "labels", "readings", "label_names"),
    *("attributes", "predictions", "encoders"),
)
"""The tables that explanations stand on: labels and splits by all that tells them.

Of the runs none: each intervention that is kept is a commit to them, and a run that is made anew has other predictions.
"""


def explainers_of(base: KnowledgeBase) -> Explainers:
    """What explains the runs of a state, kept for as long as no table that it stands on changes."""
    return kept(base, Explainers, TABLES)


def _checkpoint(base: KnowledgeBase, encoder: str) -> Checkpoint:
    with _LOADING:
        if encoder not in _CHECKPOINTS:
            _CHECKPOINTS[encoder] = find_checkpoint(base, encoder)
        return _CHECKPOINTS[encoder]
