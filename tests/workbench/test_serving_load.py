"""Readers, curators and an ingest at one real server: every act that was told as done is in the log, once."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kb.knowledge_base import KnowledgeBase
from tests.support.paths import ROOT
from tests.support.served import served
from tests.support.serving_load import load


def _ingest(uri: Path, first: int, last: int) -> subprocess.Popen[bytes]:
    path = uri.with_name(f"{first}.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["report_id", "patient_id", "findings"])
        for number in range(first, last):
            size, side = ("small", "large", "moderate")[number % 3], ("left", "right")[number // 3 % 2]
            what = ("effusion", "pneumothorax", "nodule", "mass")[number // 6 % 4]
            table.writerow([f"r{number}", f"p{number}", f"There is a {size} {side} {what}."])
    command = [sys.executable, "-m", "cli", "ingest", "reports", str(path), "--kb", str(uri), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment)


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_under_load(tmp_path: Path) -> None:
    uri = tmp_path / "served.kb"
    assert _ingest(uri, 0, 48).wait() == 0
    concepts = [one["concept_id"] for one in KnowledgeBase.open(uri).vocabulary.list(limit=200)]
    with served(uri) as address:
        beside = _ingest(uri, 48, 96)
        found = load(address, concepts, seconds=5, readers=4, curators=2)
        assert beside.wait() == 0
    base = KnowledgeBase.open(uri)
    logged = Counter(one for change in base.changes() if change.act == "accept" for one in change.concept_ids)
    assert found.failed == []
    assert found.pages and found.accepted
    assert set(found.accepted) <= set(logged), "none is lost"
    assert max(logged.values()) == 1, "none is done twice"
    assert base.status().reports == 96
