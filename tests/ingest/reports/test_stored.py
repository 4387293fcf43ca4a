"""What an ingest knows of the reports that are stored: each by its id, whatever the hashes of ids do."""

from __future__ import annotations

from importlib import import_module

import pyarrow as pa
import pytest

from ingest.reports.stored import StoredReports
from kb.knowledge_base import KnowledgeBase
from schemas.tables import REPORTS


@pytest.fixture
def stored(kb: KnowledgeBase) -> StoredReports:
    def written(publication) -> tuple[dict[str, int], None]:
        for part, extractor in enumerate(("rules", "scispacy")):  # of several files and extractors
            rows = [
                {"report_id": f"r{part}-{n}", "source": "s", "position": "", "content_hash": f"h{part}-{n}",
                 "extractor": extractor, "sections": []}
                for n in range(200)
            ]  # fmt: skip
            publication.write("reports", [pa.RecordBatch.from_pylist(rows, REPORTS.schema)])
        return {}, None

    kb.publish("fill", written, by="t")
    return StoredReports(kb.dataset("reports"))


def test_each_report_is_found_with_its_hash_and_extractor(stored: StoredReports) -> None:
    for part, extractor in enumerate(("rules", "scispacy")):
        assert stored.get(f"r{part}-17") == (f"h{part}-17", extractor)
    assert stored.get("r2-17") is None


def test_of_many_those_that_are_stored_are_told(stored: StoredReports) -> None:
    assert stored.among(["x", "r1-0", "", "r0-199"]) == [("r1-0", "h1-0", "scispacy"), ("r0-199", "h0-199", "rules")]


def test_ids_of_one_hash_are_told_apart(kb: KnowledgeBase, stored: StoredReports, monkeypatch) -> None:
    monkeypatch.setattr(import_module("ingest.reports.stored"), "hash", len, raising=False)
    found = StoredReports(kb.dataset("reports"))
    assert found.get("r1-17") == ("h1-17", "scispacy")
    assert found.get("r9-17") is None


def test_without_a_table_nothing_is_stored() -> None:
    assert StoredReports().get("r") is None
    assert StoredReports().among(["r"]) == []
