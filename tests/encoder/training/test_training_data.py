"""What of the reports an encoder is trained on."""

from __future__ import annotations

from pathlib import Path

from encoder.training.training_data import read_study
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.knowledge_base import KnowledgeBase
from tests.support.concepts import add_concepts
from tests.support.curated import concept_id
from tests.support.reports import write_csv
from tests.support.tables import fill

RIM, HERNIA, MASS = map(concept_id, ("zorbic rim", "hiatal hernia", "mass"))


def test_what_stands_aside_or_is_rejected_teaches_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    add_concepts(kb, ["mass"], status="rejected")
    rows = [{"uid": "s1", "findings": "Zorbic rim. Hiatal hernia. Mass.", "impression": ""}]
    picture = {"image_id": "i1", "study_id": "s1", "source": "folder", "kind": "png", "view": "PA"}
    fill(kb, images=[picture])
    ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)], IngestOptions(mapping={"id": "uid", "study": "uid"}))
    assert {RIM, HERNIA, MASS} == {*kb.vocabulary.counts()}
    assert read_study(kb, embedded=False).concept_ids == [HERNIA]
    kb.curate.accept(RIM)
    assert sorted(read_study(kb, embedded=False).concept_ids) == sorted([RIM, HERNIA])
