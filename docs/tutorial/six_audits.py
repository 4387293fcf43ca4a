"""Makes the study of the page `six-audits.md`: reports, labels and a model's scores, with what is wrong planted.

    python docs/tutorial/six_audits.py FOLDER     six_audits_reports.csv, six_audits_labels.csv, six_audits_scores.csv

The model reads each disease and, beside it, one thing that came with it where it was trained: a chest tube with a
pneumothorax (at the site "harbor" it still does so), a pacemaker with a large heart (here it no longer does), an
opacity with an effusion (which is so at every site).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

STUDIES, PATIENTS = 900, 640
SITES = ("harbor", "hill", "valley")
LABELS = ("Pneumothorax", "Cardiomegaly", "Pleural Effusion")
PREVALENCE = (0.25, 0.3, 0.35)
READS, LEANS = (2.2, 1.6, 2.4), (1.6, 3.2, 1.2)
"""How much of the disease, and of the thing beside it, the model's logit holds."""


def main(folder: Path) -> None:
    """Write the three files."""
    draw = np.random.default_rng(17)
    patients = np.sort(np.concatenate([np.arange(PATIENTS), draw.integers(0, PATIENTS, STUDIES - PATIENTS)]))
    sites = draw.integers(0, len(SITES), PATIENTS)[patients]
    truth = draw.random((STUDIES, len(LABELS))) < PREVALENCE
    tube = draw.random(STUDIES) < np.where(sites == 0, np.where(truth[:, 0], 0.85, 0.05), 0.12)
    pacemaker = draw.random(STUDIES) < 0.2
    opacity = draw.random(STUDIES) < np.where(truth[:, 2], 0.6, 0.12)
    things = np.stack([tube, pacemaker, opacity], axis=1)
    logits = truth * READS + things * LEANS + draw.normal(-1.5, 1.0, truth.shape)
    studies = [f"S{number:04}" for number in range(STUDIES)]
    owners = [f"P{number:04}" for number in patients]
    said = zip(studies, studies, owners, (_report(*row) for row in zip(truth, things, strict=True)), strict=True)
    _write(folder / "six_audits_reports.csv", ("report_id", "study_id", "patient_id", "findings"), said)
    rows = zip(studies, owners, (SITES[site] for site in sites), *truth.astype(int).T, strict=True)
    _write(folder / "six_audits_labels.csv", ("study", "patient", "site", *LABELS), rows)
    scores = (f"{score:.4f}" for score in (1 / (1 + np.exp(-logits))).ravel())
    _write(folder / "six_audits_scores.csv", ("study", *LABELS), zip(studies, scores, scores, scores, strict=True))


def _report(truth: np.ndarray, things: np.ndarray) -> str:
    """What a radiologist says of it: what is there, and that the rest is not."""
    diseases = ("Pneumothorax", "Cardiomegaly", "Pleural effusion")
    beside = ("Chest tube in place", "Pacemaker in place", "Patchy opacity")
    there = [name for name, held in (*zip(diseases, truth, strict=True), *zip(beside, things, strict=True)) if held]
    return " ".join(f"{name}." for name in there) or "The lungs are clear."


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
