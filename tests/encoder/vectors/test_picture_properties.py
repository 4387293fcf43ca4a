"""Properties of stored pictures: measured once, kept by content, without the bands that make a square of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoder.vectors.picture_properties import TABLE, Shape, read_properties
from ingest.images.images import ingest_images
from kb.images.preprocessing import Preprocessing
from kb.images.properties import Properties
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent
from schemas.tables import TABLES


@pytest.fixture
def pictures(tmp_path: Path) -> KnowledgeBase:
    return three_pictures(tmp_path)


def three_pictures(tmp_path: Path) -> KnowledgeBase:
    """Three pictures twice as high as wide, each brighter than the last."""
    draw = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        pixels = np.clip(60 + 50 * number + 8 * draw.standard_normal((128, 64)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"i{number}.png")
    base = KnowledgeBase.create(tmp_path / "study.kb", by="tester")
    ingest_images(base, [tmp_path / "pictures"], preprocessing=Preprocessing(64), workers=1)
    return base


def shapes(base: KnowledgeBase) -> dict[str, Shape]:
    rows = base.dataset("images").to_table(columns=["image_id", "content_hash", "width", "height"]).to_pylist()
    return {row["image_id"]: Shape(row["content_hash"], row["width"], row["height"]) for row in rows}


def measured(base: KnowledgeBase) -> dict[str, Properties]:
    found, notes = read_properties(base, list(shapes(base).values()), Silent())
    assert notes == []
    return {image: found[shape.content_hash] for image, shape in shapes(base).items()}


def test_they_are_of_the_picture_and_not_of_the_bands_beside_it(pictures: KnowledgeBase) -> None:
    found = measured(pictures)
    assert [round(found[f"i{number}.png"].brightness, -1) for number in range(3)] == [60, 110, 160]
    assert all(one.dark_border == 0 for one in found.values())


def test_a_second_reading_measures_nothing(pictures: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measured(pictures)
    assert pictures.storage.dataset(TABLE).count_rows() == 3

    def refuse(*_: object) -> None:
        raise AssertionError("it is measured again")

    monkeypatch.setattr("encoder.vectors.picture_properties.properties_of", refuse)
    again = measured(pictures)
    assert again["i1.png"].sharpness == pytest.approx(first["i1.png"].sharpness)


def test_a_knowledge_base_from_before_the_table_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr("kb.store.storage.TABLES", [table for table in TABLES if table.name != TABLE])
        pictures = three_pictures(tmp_path)
    assert not pictures.storage.has(TABLE)
    assert len(measured(pictures)) == 3 and pictures.storage.has(TABLE)


def test_pictures_that_are_not_stored_are_counted(pictures: KnowledgeBase) -> None:
    known = list(shapes(pictures).values())
    found, notes = read_properties(pictures, [*known, Shape("elsewhere", 10, 10)], Silent())
    assert len(found) == 3 and notes == ["1 of 4 pictures are not stored at 64 pixels"]
    found, notes = read_properties(pictures, [Shape("elsewhere", 10, 10)], Silent())
    assert not found and "no picture is stored" in notes[0]
