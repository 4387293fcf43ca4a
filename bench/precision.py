"""Image vectors in bfloat16 beside those in float32, by autocast on this machine: how far they are the same numbers."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.measure import Row, score_row
from encoder.model.architecture import ImageArchitecture
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from encoder.training.config import read_config
from encoder.training.trainer import train
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import read_image_vectors
from encoder.vectors.precision import Precision, computing_in
from ingest.demo import LABELS, phantom_studies, write_phantom_study
from ingest.demo.drawing import draw_study
from ingest.images.images import ingest_images
from ingest.labels.labels import ingest_labels
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder

PUBLISHED = {"model_type": "dinov2", "image_size": 518, "patch_size": 14}
LARGE, SMALL, PICTURES, STUDIES, EPOCHS = 224, 96, 3, 300, 4
PROBED = LABELS[:2]


@dataclass(frozen=True)
class Parity:
    """How far vectors (n, d) are others of the same images: cosines, those about the mean, largest difference."""

    cosines: np.ndarray
    about_the_mean: np.ndarray
    largest: float

    @classmethod
    def of(cls, exact: np.ndarray, other: np.ndarray) -> Parity:
        """That of vectors and their exact ones."""
        mean = exact.mean(axis=0)
        return cls(_cosines(exact, other), _cosines(exact - mean, other - mean), float(np.abs(exact - other).max()))

    def row(self, what: str, against: str) -> Row:
        """As a line of the table: the median cosine about the mean, and its range."""
        cosine = f"cosine >= {self.cosines.min():.6f}, largest difference {self.largest:.1e}"
        low, high = self.about_the_mean.min(), self.about_the_mean.max()
        median, spread = float(np.median(self.about_the_mean)), f"{low:.6f} to {high:.6f}"
        return score_row(what, median, spread, f"{against}; {cosine}", digits=6)


def run() -> list[Row]:
    """Measure the published architecture with random weights, and a small encoder that was trained on phantoms."""
    return [_large(), *_trained()]


def _large() -> Row:
    """A ViT-B/14 at 448 px: where weights are random, all images look alike to it, and rounding counts most."""
    import torch

    from encoder.model.image_tower import ImageTower

    torch.manual_seed(0)
    tower = ImageTower(ImageArchitecture(PUBLISHED, 768, 101.48761, 83.43944)).eval()
    drawn = [draw_study(study, LARGE).pixels for study in phantom_studies(PICTURES, seed=5)]
    pixels = torch.from_numpy(np.stack(drawn))

    def vectors(precision: Precision) -> np.ndarray:
        with torch.inference_mode(), computing_in(precision, "cpu"):
            found: np.ndarray = tower(pixels).float().numpy()
        return found

    parity = Parity.of(vectors("float32"), vectors("bfloat16"))
    return parity.row(f"bfloat16, random ViT-B/14 of {LARGE} px, {PICTURES} pictures: cosine about the mean", "float32")


def _trained() -> list[Row]:
    """The encoder of cpu-demo, trained for a moment: vectors, what a probe makes of them, and batches of one."""
    with tempfile.TemporaryDirectory() as folder:
        kb = _study(Path(folder))
        values = {"epochs": EPOCHS, "patience": EPOCHS}
        made = train(kb, read_config("cpu-demo").with_values(values), Path(folder) / "encoder", device="cpu")
        assert made is not None
        alone = _encoded(kb, made.checkpoint, precision="float32", batch_size=1)
        exact, aurocs = _encoded(kb, made.checkpoint, precision="float32"), _probed(kb, made.checkpoint)
        rounded, others = _encoded(kb, made.checkpoint, precision="bfloat16"), _probed(kb, made.checkpoint)
    moved = max(abs(aurocs[label] - others[label]) for label in aurocs)
    what = f"{STUDIES} phantoms: cosine about the mean"
    told = f"float32; of {len(aurocs)} probes no AUROC moves by more than {moved:.4f}"
    return [
        Parity.of(exact, rounded).row(f"bfloat16, trained cpu-demo, {what}", told),
        Parity.of(exact, alone).row(f"float32 in batches of one, trained cpu-demo, {what}", "float32 in batches of 64"),
    ]


def _study(folder: Path) -> KnowledgeBase:
    study = write_phantom_study(folder / "study", STUDIES, size=SMALL, seed=7, workers=1)
    kb = KnowledgeBase.create(folder / "k.kb")
    ingest_reports(kb, [study.reports], embedder=load_embedder)
    ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SMALL))
    ingest_labels(kb, study.labels)
    return kb


def _encoded(kb: KnowledgeBase, checkpoint: Checkpoint, *, precision: Precision, batch_size: int = 64) -> np.ndarray:
    """The vectors of all images in a precision."""
    encode(kb, checkpoint, precision=precision, again=True, batch_size=batch_size)
    return read_image_vectors(kb, checkpoint.encoder_id).matrix


def _probed(kb: KnowledgeBase, checkpoint: Checkpoint) -> dict[str, float]:
    """The AUROC of a probe of each label on the stored vectors."""
    probed = predict_probe(kb, checkpoint, PredictOptions(run="probe", labels=PROBED, replace=True))
    return {row["label"]: row["auroc"] for row in probed.rows if row["auroc"] is not None}


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    cosines: np.ndarray = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return cosines
