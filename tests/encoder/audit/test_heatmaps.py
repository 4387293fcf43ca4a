"""`audit heatmaps`: heat maps held against the boxes that came with labels."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from encoder.audit.heatmaps import audit_heatmaps, boxed_labels
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from ingest.labels.labels import ingest_labels
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import Shapes


def test_maps_of_an_effusion_fall_on_the_base_where_it_was_drawn(shapes: Shapes, tmp_path: Path) -> None:
    shutil.copytree(shapes.kb.uri, tmp_path / "copy.kb")
    kb = KnowledgeBase.open(tmp_path / "copy.kb")
    predict_probe(kb, shapes.concepts, PredictOptions(run="h"))
    with pytest.raises(UsageError, match="labels with boxes: none"):
        audit_heatmaps(kb, "h", encoder=str(shapes.concepts.folder))
    labels = kb.dataset("labels").to_table(filter="value = 1").to_pylist()
    where = {"pleural effusion": (0, 23, 32, 32), "nodule": (0, 0, 32, 32)}
    with (tmp_path / "boxes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", "label", "x_min", "y_min", "x_max", "y_max"])
        writer.writerows([row["image_id"], row["label"], *where[row["label"]]] for row in labels)
    ingest_labels(kb, tmp_path / "boxes.csv", source="reader")
    assert boxed_labels(kb) == ["nodule", "pleural effusion"]
    found = audit_heatmaps(kb, "h", encoder=str(shapes.concepts.folder), most=12)
    rows = {row.label: row for row in found.rows}
    everywhere, base = rows["nodule"], rows["pleural effusion"]
    assert (everywhere.hit, everywhere.area, everywhere.hit_low) == (1.0, 1.0, None)
    assert base.split == "test" and base.images == 12 < base.boxed and base.patients <= 12
    assert base.area == pytest.approx(9 / 32) and base.hit >= 0.6
    assert base.hit_low is None or base.hit_low <= base.hit <= base.hit_high
