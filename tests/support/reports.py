"""Reports for tests: three by hand, many from a seed, and all that an ingest of them leaves."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.demo import write_phantom_reports
from kb.knowledge_base import KnowledgeBase

REPORTS = [
    {"uid": "a", "findings": "Small left pleural effusion. No pneumothorax.", "impression": "Effusion."},
    {
        "uid": "b",
        "findings": "The heart is enlarged.",
        "impression": "Cardiomegaly. No effusion or pneumothorax.",
    },
    {"uid": "c", "findings": "", "impression": "Normal chest."},
]


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["uid", "findings", "impression"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_made_reports(folder: Path, reports: int) -> Path:
    path = folder / "made.csv"
    write_phantom_reports(path, reports, seed=7)
    return path


def state(kb: KnowledgeBase) -> dict[str, list[Any]]:
    """All that a knowledge base holds, in an order of its own, without what only this run can know."""
    held = {}
    for table in ("reports", "observations", "concepts", "rejects"):
        rows = kb.dataset(table).to_table().to_pylist()
        held[table] = sorted(repr({k: v for k, v in row.items() if k != "embedding"}) for row in rows)
    return held
