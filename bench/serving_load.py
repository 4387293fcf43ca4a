"""`clear-kb serve` under load: 20 readers, 2 curators, an ingest beside them for a minute; nothing lost or doubled."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Row, waits_row
from kb.knowledge_base import KnowledgeBase
from tests.support.paths import ROOT
from tests.support.served import served
from tests.support.serving_load import load

SECONDS, READERS, CURATORS = 60.0, 20, 2
FINDINGS = ("pneumothorax", "effusion", "consolidation", "nodule", "mass", "edema", "atelectasis", "opacity")
WORDS = ("small", "moderate", "large", "mild", "severe", "tiny")
SIDES = ("left", "right", "bilateral")


def run() -> list[Row]:
    """Serve a knowledge base that is mined for it, and load it."""
    with tempfile.TemporaryDirectory() as folder:
        uri = Path(folder) / "served.kb"
        _ingest(_written(Path(folder) / "first.csv", 0, 1_000), uri).wait()
        base = KnowledgeBase.open(uri)
        concepts = [one["concept_id"] for one in base.vocabulary.list(limit=2_000) if one["status"] == "candidate"]
        more = _written(Path(folder) / "more.csv", 1_000, 3_000)
        with served(uri) as address:
            beside = _ingest(more, uri)
            found = load(address, concepts, seconds=SECONDS, readers=READERS, curators=CURATORS)
            ingested = beside.wait() == 0
        after = KnowledgeBase.open(uri)
        told = [one for one in after.changes() if one.act == "accept"]
        accepted = [one.concept_ids[0] for one in told]
        lost = len(set(found.accepted) - set(accepted))
        doubled = len(accepted) - len(set(accepted))
        who = f"{READERS} readers, {CURATORS} curators, one ingest"
        return [
            waits_row("a page", found.pages, who),
            waits_row("a query of SQL", found.queries, who),
            waits_row("an act", found.acts, who),
            Row(
                "acts that were lost or doubled",
                f"{lost + doubled} of {len(found.accepted):,}",
                f"{lost} lost, {doubled} doubled; {len(found.failed)} answers failed; "
                f"the ingest beside {'was done' if ingested else 'failed'}",
                "0",
                number=lost + doubled,
                better="lower",
            ),
        ]


def _written(path: Path, first: int, last: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["report_id", "patient_id", "findings"])
        for number in range(first, last):
            side, word = SIDES[number % 3], WORDS[number // 3 % 6]
            table.writerow([f"r{number}", f"p{number}", f"There is a {word} {side} {FINDINGS[number // 18 % 8]}."])
    return path


def _ingest(reports: Path, uri: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cli", "ingest", "reports", str(reports), "--kb", str(uri), "--quiet"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
