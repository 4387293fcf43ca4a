"""A small mined vocabulary with reports, images of their studies and a label: what the pages of the workbench show."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import ingest
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.tables import fill

TOLD = (
    ("Small left pleural effusion. No pneumothorax.", "Left effusion."),
    ("The heart is enlarged. Possible right basilar atelectasis.", "Cardiomegaly. No pleural effusion."),
    ("Large right pleural effusion. Healed left rib fracture.", "No pneumothorax."),
    ("Left rib fracture. Chest tube in place.", "No pneumothorax. Cardiomegaly."),
    ("Clear lungs. No pneumothorax. No pleural effusion.", "Normal chest."),
)
"""Findings and impression of each report."""

DOUBLED = (
    ("There is a wide fracture. There is a widened fracture.", "Wide fracture."),
    ("There is a broadened fracture.", "There is a flat nodule."),
    ("There is a flattened nodule. There is a flat nodule.", "There is a wide fracture."),
    ("There is an irregular mass.", "There is an uneven mass. There is an irregular mass."),
)
"""Reports that say three things in seven wordings, which the mining keeps apart."""


def concept_id(text: str) -> str:
    """The id of the concept that a text means."""
    return read_query(text).concept_id


def doubled_in(folder: Path) -> KnowledgeBase:
    """A vocabulary in which three concepts stand more than once; none is put aside."""
    base = mined_in(folder, DOUBLED)
    aside = base.vocabulary.list(status="aside")
    base.curate.accept(*(row["concept_id"] for row in aside), by="tester")
    return base


def mined_in(folder: Path, told: Sequence[tuple[str, str]] = TOLD) -> KnowledgeBase:
    """The vocabulary of some reports, not embedded; the first study has an image whose pixels are kept."""
    path = folder / "reports.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "study_id", "patient_id", "findings", "impression"])
        for number, sections in enumerate(told, 1):
            writer.writerow([f"r{number}", f"s{number}", f"p{number}", *sections])
    base = KnowledgeBase.create(folder / "mined.kb", by="tester")
    ingest.reports(base, [path], embed=False, workers=1, by="tester")
    content = blake2b(b"black").hexdigest()
    image = {"image_id": "i1", "study_id": "s1", "patient_id": "p1", "kind": "png", "content_hash": content}
    label = {"image_id": "i1", "label": "Pneumothorax", "value": 0, "source": "test"}
    fill(base, images=[image], labels=[label])
    _keep_pixels(base, content)
    return KnowledgeBase.open(base.uri)


def _keep_pixels(base: KnowledgeBase, content: str) -> None:
    row = {"key": content, "content_hash": content, "preprocessing": "test", "size": 8, "pixels": bytes(64)}
    base.storage.append("pixels", [row])
