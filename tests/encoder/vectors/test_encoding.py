"""`clear-kb encode`: every image once, as the tower sees it, taken up where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.training.trainer import train
from encoder.vectors import encoding
from encoder.vectors.encoders import find_checkpoint
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import read_image_vectors
from encoder.vectors.pixels import PixelReader
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import CONFIG, SIZE, shapes_study


@pytest.fixture
def fresh(tmp_path: Path, tiny_model: Path) -> KnowledgeBase:
    return shapes_study(tmp_path / "s", str(tiny_model), count=30)


def test_vectors_are_those_of_the_tower(fresh: KnowledgeBase, shapes) -> None:
    result = encode(fresh, shapes.concepts, batch_size=7)
    assert (result.images, result.encoded, result.known) == (30, 30, 0)
    found = read_image_vectors(fresh, shapes.concepts.encoder_id)
    rows = {row["image_id"]: row["content_hash"] for row in fresh.dataset("images").to_table().to_pylist()}
    pixels = PixelReader(fresh, Preprocessing(SIZE)).take([rows[image_id] for image_id in found.image_ids])
    with torch.no_grad():
        expected = shapes.concepts.encoder.image(torch.from_numpy(pixels)).numpy()
    assert found.matrix == pytest.approx(expected, abs=1e-5)
    assert np.linalg.norm(found.matrix, axis=1) == pytest.approx(np.ones(30), abs=1e-5)
    assert found.splits[:10] == ["train"] * 6 + ["validation"] * 2 + ["test"] * 2


def test_again_there_is_nothing_new_and_the_history_is_as_it_was(fresh: KnowledgeBase, shapes) -> None:
    encode(fresh, shapes.concepts)
    before = fresh.commit.commit_id
    result = encode(fresh, shapes.concepts)
    assert (result.encoded, result.known, result.commit) == (0, 30, None)
    assert fresh.at("HEAD").commit.commit_id == before


def test_an_interrupted_encoding_keeps_what_it_committed(fresh: KnowledgeBase, shapes, monkeypatch) -> None:
    monkeypatch.setattr(encoding, "COMMIT_EVERY", 10)

    class Stops:
        def stage(self, name: str, total: int | None) -> None: ...

        def advance(self, done: int, items: int) -> None:
            if done > 15:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(fresh, shapes.concepts, batch_size=5, watcher=Stops())
    result = encode(fresh, shapes.concepts, batch_size=5)
    assert (result.encoded, result.known) == (20, 10)
    assert len(read_image_vectors(fresh, shapes.concepts.encoder_id)) == 30


def test_some_images_another_layer_and_a_dry_run(fresh: KnowledgeBase, shapes) -> None:
    some = encode(fresh, shapes.concepts, where="image_id < 'im0010'", dry_run=True)
    assert (some.images, some.encoded, some.commit) == (10, 10, None)
    encode(fresh, shapes.concepts, where="image_id < 'im0010'")
    assert encode(fresh, shapes.concepts).encoded == 20
    encode(fresh, shapes.concepts, layer="backbone")
    assert read_image_vectors(fresh, shapes.concepts.encoder_id + ":backbone").matrix.shape == (30, 32)
    assert find_checkpoint(fresh).encoder_id == shapes.concepts.encoder_id


def test_what_cannot_be_encoded_says_what_to_do(kb: KnowledgeBase, fresh: KnowledgeBase, shapes, tmp_path) -> None:
    with pytest.raises(UsageError, match="there are no images"):
        encode(kb, shapes.concepts)
    with pytest.raises(UsageError, match=r"^where "):
        encode(fresh, shapes.concepts, where="no such column = 1")
    with pytest.raises(UsageError, match="which encoder"):
        find_checkpoint(fresh)
    with pytest.raises(UsageError, match="no image has a vector"):
        read_image_vectors(fresh, shapes.concepts.encoder_id)
    encode(fresh, shapes.concepts)
    with pytest.raises(UsageError, match=r"nothing\.png: no such image"):
        read_image_vectors(fresh, shapes.concepts.encoder_id, ["nothing.png"])


@pytest.mark.soak
def test_pixels_of_another_size_are_missed_before_the_work_begins(fresh: KnowledgeBase, tmp_path: Path, shapes) -> None:
    other = shapes_study(tmp_path / "o", shapes.embedder, count=40, seed=1)
    made = train(other, CONFIG.with_values({"epochs": 1, "fit": "pad"}), tmp_path / "e", device="cpu")
    assert made is not None
    made.checkpoint.facts.preprocessing["size"] = 48
    with pytest.raises(UsageError, match=r"\(48 pixels, pad, bicubic\)"):
        encode(fresh, made.checkpoint)


def test_the_command(fresh: KnowledgeBase, shapes, cli: Callable, cli_json: Callable) -> None:
    where = ("--kb", fresh.uri)
    assert "encoded" in cli("encode", "--encoder", shapes.concepts.folder, *where).stdout
    told = cli_json("encode", *where)
    assert (told["images"], told["encoded"], told["known"]) == (30, 0, 30)
    assert "is no checkpoint" in cli("encode", "--encoder", ".", *where, code=2).stderr
