"""The published zero-shot, exactly: against its definition, and with everything that would make it another told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.face import predict_zero_shot
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.predicting import PredictResult
from encoder.prediction.prompts import Prompts, PromptSet
from encoder.prediction.runs import read_run
from encoder.release.importing import import_release
from encoder.space.concept_space import open_space
from encoder.vectors.encoding import encode
from ingest.images.images import ingest_images
from ingest.labels.labels import ingest_labels
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.made_release import (
    LABELS,
    SIZE,
    auroc,
    bank_texts,
    published_scores,
    read_labels,
    write_release,
    write_study,
)

TEXTS, IMAGES = 200, 40


@dataclass
class Reproduced:
    """A made release in a knowledge base, and what its definition gives."""

    folder: Path
    checkpoint: Checkpoint
    embedder: Embedder
    expected: torch.Tensor
    truth: dict[str, dict[str, int]]
    images: list[str]
    texts: list[str]

    @property
    def kb(self) -> KnowledgeBase:
        return KnowledgeBase.open(self.folder / "bank.kb")

    def predict(self, run: str, **options: Any) -> PredictResult:
        return predict_zero_shot(self.kb, run=run, encoder=str(self.checkpoint.folder), **options)

    def stored(self, run: str) -> torch.Tensor:
        """The stored scores of a run, as `expected` has them."""
        rows = self.kb.dataset("predictions").to_table(filter=f"run = '{run}'").to_pylist()
        known = {(row["image_id"], row["label"]): row["score"] for row in rows}
        return torch.tensor([[known[image, label] for label in LABELS] for image in self.images], dtype=torch.double)


def import_bank(kb: KnowledgeBase, release: Path, embedder: Embedder, **options: Any) -> None:
    kb.import_clear(
        release / "mimic_concepts.csv",
        release / f"concept_embeddings_{TEXTS}.pt",
        embedder=embedder.info.name,
        **options,
    )


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Reproduced:
    folder = tmp_path_factory.mktemp("release")
    embedder, texts = load_embedder(str(tiny_model)), bank_texts(TEXTS)
    vectors = embedder.embed(texts)
    state = write_release(folder / "release", texts, vectors)
    paths = write_study(folder / "images", IMAGES)
    checkpoint = import_release(
        folder / "release" / "best_model.pt",
        folder / "clear",
        folder / "release" / "merges.txt",
        preprocessing=Preprocessing(SIZE, "pad", "lanczos"),
    )
    kb = KnowledgeBase.create(folder / "bank.kb", by="tester")
    import_bank(kb, folder / "release", embedder, verbatim=True)
    ingest_images(kb, [folder / "images"], preprocessing=checkpoint.preprocessing, workers=1)
    ingest_labels(kb, folder / "labels.csv")
    encode(kb, checkpoint)
    tokenizer: Any = checkpoint.encoder.tokenizer
    expected = published_scores(
        state,
        paths,
        texts=texts,
        vectors=vectors,
        embed=embedder.embed,
        tokens=lambda texts: [encoded.ids for encoded in tokenizer.encode_batch(list(texts))],
    )
    names = [path.name for path in paths]
    return Reproduced(folder, checkpoint, embedder, expected, read_labels(folder / "labels.csv"), names, texts)


def test_scores_and_auroc_are_those_of_the_definition(release: Reproduced) -> None:
    result = release.predict("published", like="published")
    stored = release.stored("published")
    assert float((stored - release.expected).abs().max()) < 1e-5
    assert float(release.expected.std(dim=0).min()) > 1e-4  # else anything would agree
    told = {row["label"]: row["auroc"] for row in result.rows}
    for column, label in enumerate(LABELS):
        truth = torch.tensor([release.truth[label][image] for image in release.images])
        assert told[label] == pytest.approx(auroc(release.expected[:, column], truth), abs=1e-9)
    assert not [note for note in result.notes if "not the published scores" in note]


def test_every_setting_stands_in_the_run_and_its_explanation_adds_up(release: Reproduced) -> None:
    release.predict("told", like="published")
    run = read_run(release.kb, "told")
    assert (run.space, run.weighting) == ("llm", "each")
    assert {name: run.parameters[name] for name in ("like", "contrast", "weights", "calibrated")} == {
        "like": "published",
        "contrast": "absent",
        "weights": "each",
        "calibrated": [],
    }
    assert run.parameters["prompts"]["No Finding"] == {"present": ["no finding"], "absent": ["no no finding"]}
    assert run.parameters["prompts"]["Lung_Opacity"]["present"] == ["lung_opacity"]
    assert {(head.scale, head.bias) for head in run.heads} == {(1.0, 0.0)}


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"space": "encoder"}, "space llm, and space encoder"),
        ({"contrast": "none"}, "contrast absent, and contrast none"),
        ({"weights": "finding"}, "weights each, and weights finding"),
        ({"prompts": PromptSet(labels={"Edema": Prompts(("a",), ("b",))})}, "sentences of its own"),
    ],
)
def test_what_contradicts_it_is_refused(release: Reproduced, option: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        release.predict("refused", like="published", **option)
    release.predict("agreed", like="published", space="llm", contrast="absent", weights="each", replace=True)


def test_texts_that_were_merged_are_told_at_the_prediction(release: Reproduced) -> None:
    kb = KnowledgeBase.create(release.folder / "merged.kb", by="tester")
    import_bank(kb, release.folder / "release", release.embedder)
    ingest_images(kb, [release.folder / "images"], preprocessing=release.checkpoint.preprocessing, workers=1)
    encode(kb, release.checkpoint)
    result = predict_zero_shot(
        kb, run="merged", encoder=str(release.checkpoint.folder), like="published", labels=["Edema"]
    )
    counted = kb.dataset("concepts").count_rows()
    assert counted < TEXTS
    (note,) = [note for note in result.notes if "not the published scores" in note]
    assert note.startswith(f"{counted:,} of the bank's texts count, of at least 1")


def test_an_imported_encoder_reads_as_published_where_nothing_can_choose_and_says_so_first(release: Reproduced) -> None:
    said: list[str] = []
    result = release.predict("default", labels=["Hernia"], say=said.append)
    assert (result.run.space, result.run.parameters["contrast"]) == ("llm", "absent")
    assert said[0] == result.notes[0]
    assert "space llm, contrast absent as published, for this encoder is imported; nothing chose" in said[0]


@pytest.mark.soak
def test_other_embeddings_leave_what_the_text_tower_read(release: Reproduced, monkeypatch: pytest.MonkeyPatch) -> None:
    """To encode all concepts is hours of the real bank."""
    release.predict("first", like="published", replace=True)
    read: list[int] = []
    inner = release.checkpoint.encoder.text_vectors
    monkeypatch.setattr(
        type(release.checkpoint.encoder),
        "text_vectors",
        lambda _, texts, *more: read.append(len(texts)) or inner(texts),
    )
    kb = KnowledgeBase.create(release.folder / "turned.kb", by="tester")
    import_bank(kb, release.folder / "release", release.embedder, verbatim=True)
    open_space(kb, release.checkpoint)
    assert sum(read) == 0
    embed_concepts(kb, _Turned(release.embedder))
    turned = open_space(kb, release.checkpoint).projector.matrix
    assert sum(read) == 0
    assert turned[::-1] == pytest.approx(open_space(release.kb, release.checkpoint).projector.matrix, abs=1e-4)


class _Turned:
    """Another embedder of the same texts: the first one's vectors, the numbers in reverse."""

    def __init__(self, inner: Embedder):
        self._inner = inner
        self.info = replace(inner.info, name="turned", revision="1")

    def embed(self, texts: list[str]) -> np.ndarray:
        return self._inner.embed(texts)[:, ::-1].copy()

    def embed_query(self, text: str) -> np.ndarray:
        return self._inner.embed_query(text)[::-1].copy()
