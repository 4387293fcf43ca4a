"""`images search`: by a sentence, a concept or a likeness, in either space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoder.explanation.image_search import ImageSearch, search_images
from encoder.prediction.ground_truth import read_truth
from encoder.vectors.encoders import find_encoder
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError


def found(shapes, query: str, encoder: str = "concepts", **values: object) -> ImageSearch:
    stored = find_encoder(shapes.now(), getattr(shapes, encoder).encoder_id)
    return search_images(shapes.now(), stored, query, embedder=lambda: shapes.embedder, **values)


@pytest.mark.parametrize("encoder", ["concepts", "report"])
def test_a_sentence_finds_images_of_it(shapes, encoder: str) -> None:
    hits = found(shapes, "there is a left pleural effusion", encoder, kind="text", k=20)
    assert hits.kind == "text" and len(hits.hits) == 20
    assert [hit.similarity for hit in hits.hits] == sorted((hit.similarity for hit in hits.hits), reverse=True)
    kb = shapes.now()
    images = read_image_vectors(kb, shapes.concepts.encoder_id)
    effusion = dict(zip(images.image_ids, read_truth(kb, images, ["pleural effusion"])[:, 0], strict=True))
    if encoder == "concepts":
        assert np.mean([effusion[hit.image_id] for hit in hits.hits]) > 1.5 * np.mean(list(effusion.values()))


@pytest.mark.parametrize("space", ["encoder", "llm"])
def test_a_concept_and_an_image_are_known_for_what_they_are(shapes, space: str) -> None:
    assert found(shapes, "left nodule", space=space, k=3).kind == "concept"
    near = found(shapes, "im0007.png", space=space, k=5)
    assert near.kind == "image" and "im0007.png" not in {hit.image_id for hit in near.hits}
    assert found(shapes, "left nodule", kind="text", space=space, k=3).kind == "text"


def test_a_likeness_is_the_nearest_vector(shapes) -> None:
    images = read_image_vectors(shapes.now(), shapes.concepts.encoder_id)
    near = found(shapes, "im0007.png", k=1).hits[0]
    cosines = images.matrix @ images.matrix[images.image_ids.index("im0007.png")]
    cosines[images.image_ids.index("im0007.png")] = -2
    assert near.image_id == images.image_ids[int(np.argmax(cosines))]
    assert near.similarity == pytest.approx(float(cosines.max()), abs=1e-5)


def test_what_is_not_there_is_said(shapes) -> None:
    with pytest.raises(UsageError, match=r"no\.png: no such image"):
        found(shapes, "no.png", kind="image")
    with pytest.raises(UsageError, match="no concept in use 'purple'"):
        found(shapes, "purple", kind="concept")


@pytest.mark.soak
def test_the_command_writes_a_contact_sheet(shapes, tmp_path: Path, cli: Callable, cli_json: Callable) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder)
    told = cli_json("images", "search", "im0003.png", *where, "--k", 5)
    assert told["kind"] == "image" and len(told["images"]) == 5
    done = cli("images", "search", "left nodule", *where, "--sheet", "s.png")
    assert "concept: left nodule" in done.stdout
    assert (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"
