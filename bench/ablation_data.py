"""What the ablations train and test on: phantoms, of one view or two a study, and the NIH sample of the shared folder.

Far more patients are kept for testing than usual, for testing costs little and the differences are small.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ingest.demo import LABELS, Study, draw_study, phantom_studies, write_phantom_reports
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder

NIH = Path("../shared/data/nih")
COUNT, SIZE = 1_600, 64
"""Phantom pictures, and pixels of a side of all pictures."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Data:
    """One study: what is true of each image by label, its split, and its patient."""

    kb: KnowledgeBase
    truth: Mapping[str, Mapping[str, bool]]
    splits: Mapping[str, str]
    patients: Mapping[str, str]

    def images(self, split: str) -> list[str]:
        """The images of a split."""
        return [image for image, of in self.splits.items() if of == split]


def phantoms(folder: Path, embedder: Embedder, seed: int) -> Data:
    """Phantom studies of one picture each, of 11 patients in 20 for testing or validation."""
    return _phantoms(folder, embedder, views=1)


def two_views(folder: Path, embedder: Embedder, seed: int) -> Data:
    """Half as many phantom studies, of two pictures each: the patient stood otherwise, and was exposed otherwise."""
    return _phantoms(folder, embedder, views=2)


def nih(folder: Path, embedder: Embedder, seed: int) -> Data:
    """The NIH sample, its label words for reports; a third of the patients is for testing, another for each seed."""
    with (NIH / "labels.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    owners = sorted({row["patient_id"] for row in table})
    random.Random(0).shuffle(owners)
    splits = {
        owner: "test" if n % 3 == seed else "validation" if n % 7 == 0 else "train" for n, owner in enumerate(owners)
    }
    found = {row["image"]: [name for name in row["labels"].split("|") if name != "No Finding"] for row in table}
    labels = sorted({label for said in found.values() for label in said})
    rows = [
        {**_whose(row["image"], row["patient_id"], row["view"]), "split": splits[row["patient_id"]]} for row in table
    ]
    reports = [
        {
            "report_id": row["image"],
            "study_id": row["study_id"],
            "patient_id": row["patient_id"],
            "findings": " ".join(f"{label.replace('_', ' ')}." for label in found[row["image"]]) or "Normal chest.",
        }
        for row in rows
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "reports.csv", reports)
    truth = {image: {label: label in said for label in labels} for image, said in found.items()}
    return _data(folder, NIH / "images", embedder, rows=rows, truth=truth)


DATA: Mapping[str, Callable[[Path, Embedder, int], Data]] = {"phantoms": phantoms, "two views": two_views, "nih": nih}


def _phantoms(folder: Path, embedder: Embedder, *, views: int) -> Data:
    (folder / "study" / "images").mkdir(parents=True, exist_ok=True)
    write_phantom_reports(folder / "reports.csv", COUNT // views)
    rows, truth = [], {}
    for study in phantom_studies(COUNT // views):
        for view in range(views):
            name = f"images/{study.name}-{view}.png"
            Image.fromarray(draw_study(_again(study, view), SIZE).pixels).save(folder / "study" / name)
            number = study.patient % 20
            split = "train" if number < 9 else "validation" if number < 11 else "test"
            rows.append({**_whose(name, study.patient_id, study.view), "study_id": study.study_id, "split": split})
            truth[name] = {label: study.shows(label) for label in LABELS if label != "No Finding"}
    return _data(folder, folder / "study", embedder, rows=rows, truth=truth)


def _again(study: Study, view: int) -> Study:
    """The same patient a minute later."""
    if view == 0:
        return study
    draw = random.Random(f"{study.seed} {study.number} {view}")
    stood = replace(
        study.build,
        turn=draw.gauss(0, 1.8),
        shift=(draw.uniform(-0.06, 0.06), draw.uniform(-0.05, 0.05)),
        exposure=draw.gauss(0, 0.035),
        contrast=draw.uniform(0.9, 1.1),
    )
    return replace(study, build=stood, seed=study.seed + 1_000 * view)


def _whose(image: str, patient: str, view: str) -> dict[str, str]:
    return {"image": image, "study_id": image, "patient_id": patient, "view": view}


def _data(
    folder: Path,
    images: Path,
    embedder: Embedder,
    *,
    rows: Sequence[Mapping[str, Any]],
    truth: dict[str, dict[str, bool]],
) -> Data:
    """The study of a folder; its knowledge base is made where there is none yet."""
    uri = folder / "study.kb"
    if uri.exists():
        kb = KnowledgeBase.open(uri)
    else:
        _write(folder / "images.csv", rows)
        kb = KnowledgeBase.create(uri)
        ingest_reports(kb, [folder / "reports.csv"], embedder=lambda: embedder)
        ingest_images(kb, [images], table=folder / "images.csv", preprocessing=Preprocessing(SIZE), workers=1)
    return Data(
        kb=kb,
        truth=truth,
        splits={row["image"]: row["split"] for row in rows},
        patients={row["image"]: row["patient_id"] for row in rows},
    )


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
