"""What of the reports an encoder is trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.training.training_data import read_study
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.concepts import add_concepts
from tests.support.curated import concept_id
from tests.support.reports import write_csv
from tests.support.tables import fill

RIM, HERNIA, MASS = map(concept_id, ("velvet rim", "hiatal hernia", "mass"))


@pytest.mark.soak
def test_what_stands_aside_or_is_rejected_teaches_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    add_concepts(kb, ["mass"], status="rejected")
    rows = [{"uid": "s1", "findings": "Velvet rim. Hiatal hernia. Mass.", "impression": ""}]
    picture = {"image_id": "i1", "study_id": "s1", "source": "folder", "kind": "png", "view": "PA"}
    fill(kb, images=[picture])
    ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)], IngestOptions(mapping={"id": "uid", "study": "uid"}))
    assert {RIM, HERNIA, MASS} == {*kb.vocabulary.counts()}
    assert read_study(kb, embedded=False).concept_ids == [HERNIA]
    kb.curate.accept(RIM)
    assert sorted(read_study(kb, embedded=False).concept_ids) == sorted([RIM, HERNIA])


@pytest.mark.soak
def test_where_and_views_choose_and_what_they_leave_out_is_counted(kb: KnowledgeBase, tmp_path: Path) -> None:
    views = {"i1": "PA", "i2": "PA", "i3": "lateral", "i4": "AP"}
    about = {"i1": ("F", 30), "i2": ("M", 70), "i3": ("F", 40), "i4": ("F", 50)}
    rows = [{"uid": name, "findings": "Mass.", "impression": ""} for name in views]
    common = {"source": "folder", "kind": "png"}
    fill(
        kb,
        images=[
            {"image_id": name, "study_id": name, "view": view, "sex": about[name][0], "age": about[name][1], **common}
            for name, view in views.items()
        ],
    )
    ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)], IngestOptions(mapping={"id": "uid", "study": "uid"}))
    found = read_study(kb, embedded=False, where="sex = 'F' -- women")
    assert [example.image_id for example in found.examples] == ["i1", "i4"]
    assert found.left_out == {"lateral": 1, "not where sex = 'F' -- women": 1}
    assert read_study(kb, embedded=False, where="age > 20").left_out == {"lateral": 1}
    with pytest.raises(UsageError, match="3 not where age > 90 are left out"):
        read_study(kb, embedded=False, where="age > 90")
    with pytest.raises(UsageError, match=r"(?s)where colour = 1: .*the columns are those of the images"):
        read_study(kb, embedded=False, where="colour = 1")
