"""The published zero-shot against its definition, in plain torch and float64, on 20,000 concepts and 200 pictures.

Nothing of it is learned: the weights, the embeddings and the labels are made up, and what is measured is how far two
ways to compute the same lie apart; beside it, how far they do if texts are merged, or images encoded in bfloat16.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.large_vocabulary import large_vocabulary, word_vectors
from bench.measure import Row

TEXTS, IMAGES, DIMENSION = 20_000, 200, 384


def run() -> list[Row]:
    """Import a made release verbatim and merged, predict with either, and hold both against the definition."""
    from encoder.release.importing import import_release
    from ingest.images.images import ingest_images
    from ingest.labels.labels import ingest_labels
    from kb.images.preprocessing import Preprocessing
    from kb.knowledge_base import KnowledgeBase
    from tests.support.made_release import LABELS, SIZE, published_scores, read_labels, write_release, write_study

    with tempfile.TemporaryDirectory() as name:
        folder, texts = Path(name), large_vocabulary(TEXTS)
        sentences = [said for label in LABELS for said in (label.lower(), f"no {label.lower()}")]
        vectors = word_vectors([*texts, *sentences], DIMENSION)
        embedder = _Known(dict(zip([*texts, *sentences], vectors, strict=True)))
        state = write_release(folder / "release", texts, vectors[:TEXTS])
        paths = write_study(folder / "images", IMAGES)
        checkpoint = import_release(
            folder / "release" / "best_model.pt",
            folder / "encoder",
            folder / "release" / "merges.txt",
            preprocessing=Preprocessing(SIZE, "pad", "lanczos"),
        )
        tokenizer: Any = checkpoint.encoder.tokenizer
        expected = published_scores(
            state,
            paths,
            texts=texts,
            vectors=vectors[:TEXTS],
            embed=embedder.embed,
            tokens=lambda said: [encoded.ids for encoded in tokenizer.encode_batch(list(said))],
        ).numpy()
        labels = read_labels(folder / "labels.csv")
        truth = np.array([[labels[label][path.name] for label in LABELS] for path in paths])
        rows = []
        for verbatim in (True, False):
            kb = KnowledgeBase.create(folder / f"{verbatim}.kb", by="bench")
            kb.import_clear(
                folder / "release" / "mimic_concepts.csv",
                folder / "release" / f"concept_embeddings_{TEXTS}.pt",
                embedder="bench",
                verbatim=verbatim,
            )
            ingest_images(kb, [folder / "images"], preprocessing=checkpoint.preprocessing, workers=1)
            ingest_labels(kb, folder / "labels.csv")
            concepts = kb.dataset("concepts").count_rows()
            for precision in ("float32", "bfloat16") if verbatim else ("float32",):
                found = _predicted(kb, checkpoint, embedder, precision, [path.name for path in paths])
                what = f"{'verbatim' if verbatim else 'merged'}, {precision}"
                rows.append(_row(what, found, expected, truth, concepts))
        return rows


class _Known:
    """An embedder of texts whose vectors are at hand."""

    def __init__(self, vectors: dict[str, np.ndarray]):
        from kb.vectors.embedding import EmbedderInfo

        self.info = EmbedderInfo(name="bench", revision="unknown", dimension=DIMENSION)
        self._vectors = vectors

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vectors[text] for text in texts])

    def embed_query(self, text: str) -> np.ndarray:
        return self._vectors[text]


def _predicted(kb: Any, checkpoint: Any, embedder: Any, precision: str, names: Sequence[str]) -> np.ndarray:
    """The stored scores of `predict zero-shot --like published`, (images, labels); bfloat16 as a GPU encodes."""
    from encoder.prediction.predicting import PredictOptions
    from encoder.prediction.prompts import PromptSet
    from encoder.prediction.runs import read_run
    from encoder.prediction.zero_shot_run import predict_zero_shot
    from tests.support.made_release import LABELS

    if precision == "bfloat16":
        return _rounded_scores(kb, checkpoint, read_run(kb, "float32").heads, names)
    predict_zero_shot(
        kb,
        checkpoint,
        PromptSet(),
        options=PredictOptions(run=precision),
        embedder=lambda: embedder,
        like="published",
        encode_first=True,
    )
    rows = kb.dataset("predictions").to_table().to_pylist()
    known = {(row["image_id"], row["label"]): row["score"] for row in rows}
    return np.array([[known[name, label] for label in LABELS] for name in names])


def _rounded_scores(kb: Any, checkpoint: Any, heads: Any, names: Sequence[str]) -> np.ndarray:
    """The same heads over image vectors of bfloat16 autocast."""
    import torch

    from encoder.prediction.head import scores
    from encoder.prediction.view import view_of
    from encoder.space.concept_space import open_space
    from encoder.vectors.pixels import PixelReader
    from tests.support.made_release import LABELS

    contents = {row["image_id"]: row["content_hash"] for row in kb.dataset("images").to_table().to_pylist()}
    pixels = PixelReader(kb, checkpoint.preprocessing).take([contents[name] for name in names])
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = checkpoint.encoder.image(torch.from_numpy(pixels)).float()
    vectors = torch.nn.functional.normalize(vectors, dim=1).numpy()
    space = open_space(kb, checkpoint, weighting="each")
    ordered = [next(head for head in heads if head.label == label) for label in LABELS]
    return scores(view_of("llm", vectors, space.projector).logits(ordered))


def _row(what: str, found: np.ndarray, expected: np.ndarray, truth: np.ndarray, concepts: int) -> Row:
    from kb.statistics.ranking import Ranking

    columns = range(truth.shape[1])
    aurocs = [
        abs(Ranking(truth[:, c], found[:, c]).auroc - Ranking(truth[:, c], expected[:, c]).auroc) for c in columns
    ]
    apart = float(np.abs(found - expected).max())
    return Row(
        f"published zero-shot: {what}",
        f"|score| {apart:.1e}",
        f"|AUROC| {max(aurocs):.1e}; {concepts:,} concepts",
        f"the definition: {IMAGES} images, {truth.shape[1]} labels, scores over {np.ptp(expected, axis=0).min():.1e}",
        number=apart,
        better="lower",
    )
