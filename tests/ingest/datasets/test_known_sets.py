"""Each known data set comes in as it was downloaded: every id, join, view, split, label and reading is the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import ingest
from ingest.datasets.known import known_datasets
from ingest.datasets.result import DatasetResult
from kb.knowledge_base import KnowledgeBase
from tests.support.data_sets import DRAWN, EVERY, Drawn, nih

Draw = Callable[[Path], Drawn]


def taken(kb: KnowledgeBase, drawn: Drawn, **options: object) -> DatasetResult:
    return ingest.dataset(kb, drawn.root, size=32, workers=1, embed=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("draw", EVERY, ids=lambda draw: draw.__name__)
def test_a_set_is_recognised_and_all_of_it_is_stored_as_it_is(kb: KnowledgeBase, tmp_path: Path, draw: Draw) -> None:
    drawn = draw(tmp_path / "set")
    assert ingest.dataset(kb, drawn.root, dry_run=True).name == drawn.name
    assert len(kb.log()) == 1, "a dry run writes nothing"
    result = taken(kb, drawn)
    assert (result.name, result.rejected - _blank(drawn)) == (drawn.name, 0), kb.rejects()

    rows = kb.dataset("images").to_table().to_pylist()
    assert {row["image_id"]: _facts(row, drawn) for row in rows} == drawn.images
    reports = kb.dataset("reports").to_table(columns=["report_id", "study_id"]).to_pylist()
    assert {row["report_id"]: row["study_id"] for row in reports} == drawn.reports
    labels: dict[str, dict[tuple[str, str], int | None]] = {}
    for row in kb.dataset("labels").to_table().to_pylist():
        labels.setdefault(row["source"], {})[row["image_id"] or row["study_id"], row["label"]] = row["value"]
    assert labels == drawn.labels
    readings = kb.dataset("readings").to_table(columns=["reader"])["reader"].to_pylist()
    assert {reader: readings.count(reader) for reader in set(readings)} == drawn.readers
    assert set(drawn.left) <= set(result.left)

    kinds = {"images": drawn.images, "reports": drawn.reports, "labels": drawn.labels}
    assert result.commits.keys() == {kind for kind, held in kinds.items() if held}
    assert [commit.operation for commit in kb.log()].count("ingest labels") == bool(drawn.labels), "one commit a kind"
    before = len(kb.log())
    assert taken(kb, drawn).commits == {} and len(kb.log()) == before, "a second time stores nothing new"


@pytest.mark.parametrize("draw", EVERY, ids=lambda draw: draw.__name__)
def test_its_parts_meet(tmp_path: Path, draw: Draw) -> None:
    drawn = draw(tmp_path / "set")
    kb = KnowledgeBase.create(tmp_path / "k.kb")
    result = ingest.dataset(kb, drawn.root, dry_run=True)
    assert result.images.found == len(drawn.images)
    assert result.images.with_report == sum(study in drawn.reports.values() for study, *_ in drawn.images.values())
    for one in result.labels:
        assert one.here == one.units > 0, one


def _facts(row: dict[str, object], drawn: Drawn) -> tuple[object, ...]:
    attributes = {one["name"]: one["value"] for one in row["attributes"]}  # type: ignore[attr-defined]
    split = attributes.get("split")
    if drawn.images[str(row["image_id"])][3] == DRAWN and split in ("train", "validation"):
        split = DRAWN
    return row["study_id"], row["patient_id"], row["view"], split


def _blank(drawn: Drawn) -> int:
    """Rows of which nobody says what they show: that is a reject, and no negative."""
    return 1 if drawn.name == "padchest" else 0


def test_each_known_set_has_a_layout_here(tmp_path: Path) -> None:
    drawn = {draw(tmp_path / draw.__name__).name for draw in EVERY}
    assert drawn == {one.name for one in known_datasets()}


class TestAges:
    def test_the_oldest_are_taken_and_their_age_is_kept_as_given(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = taken(kb, nih(tmp_path / "set"))
        assert result.images.result is not None and result.images.result.as_given == {"age": 2}
        rows = {row["image_id"]: row for row in kb.dataset("images").to_table().to_pylist()}
        assert rows["00000001_000.png"]["age"] == 58
        odd = rows["00000002_001.png"]
        assert odd["age"] is None and {"name": "age given", "value": "414"} in odd["attributes"]
