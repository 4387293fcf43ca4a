"""lance-ray, for those who go on with Ray Data: it reads a table of a commit as the commit has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.engines.ray_cluster import joined
from kb.knowledge_base import KnowledgeBase
from tests.support.reports import REPORTS, write_csv


@pytest.mark.soak
def test_a_table_of_a_commit_is_read_into_ray_data_as_it_stands(kb: KnowledgeBase, tmp_path: Path) -> None:
    lance_ray = pytest.importorskip("lance_ray")
    ingest_reports(kb, [write_csv(tmp_path / "two.csv", REPORTS[:2])], IngestOptions())
    before = kb.dataset("reports")
    ingest_reports(kb, [write_csv(tmp_path / "third.csv", REPORTS[2:])], IngestOptions())
    assert kb.dataset("reports").count_rows() == 3
    with joined(None, 2):
        read = lance_ray.read_lance(kb.storage.location("reports"), dataset_options={"version": before.version})
        found = sorted(row["report_id"] for row in read.take_all())
    assert found == sorted(before.to_table()["report_id"].to_pylist()) == ["a", "b"]
