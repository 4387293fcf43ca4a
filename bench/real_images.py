"""An encoder on real radiographs beside a frozen ImageNet backbone, on patients that neither has seen, three seeds.

The NIH sample of the shared folder (708 images, label words as reports). Each seed splits its patients anew and trains
anew. Frozen: EfficientNet-lite0 with its ImageNet weights, which a package of the index carries, at 224 pixels and a
linear probe. All of it goes through the command line, as a person would.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.lite0 import lite0_folder
from bench.measure import Row, score_row
from kb.knowledge_base import KnowledgeBase
from kb.sql.session import AuditSession
from kb.statistics.ranking import Ranking

NIH = Path("../shared/data/nih")
LABELS = ("Pneumonia", "Infiltration", "Atelectasis", "Edema", "Effusion")
SEEDS = (0, 1, 2)
SHARES = (0.6, 0.15)
"""Of the patients: to train on, to choose by; the others are tested on."""
DRAWS = 1_000
SCRATCH = ("--set", "size=128", "--set", "epochs=30", "--set", "patience=30")
STARTED = ("--set", "size=128", "--set", "epochs=12", "--set", "patience=12", "--set", "learning_rate=1e-3")
TRAININGS: Mapping[str, tuple[str, ...]] = {"scratch": SCRATCH, "started": STARTED}
"""What each training is told beside `cpu-demo`; "started" begins with the weights of ImageNet."""

METHODS = ("zero-shot", "probe")


@dataclass(frozen=True)
class Judged:
    """One seed's test images: whose they are, their truth, and their scores by run, each (n, labels)."""

    patients: np.ndarray
    truth: np.ndarray
    scores: Mapping[str, np.ndarray]


def run() -> list[Row]:
    """The mean AUROC of each way over the seeds, and how far it is from the frozen one's; nothing without images."""
    if not NIH.exists():
        return []
    return rows_of([_judged(seed, TRAININGS) for seed in SEEDS])


def rows_of(seeds: Sequence[Judged]) -> list[Row]:
    """The rows of what several seeds came to."""
    values = {name: [_mean_auroc(one.truth, one.scores[name]) for one in seeds] for name in seeds[0].scores}
    images = " + ".join(str(len(one.truth)) for one in seeds)
    rows = []
    for name, found in values.items():
        low, high = _interval(seeds, name)
        told = ", ".join(f"{value:.3f}" for value in found)
        against = "the baseline" if name == "frozen probe" else _difference(seeds, name, "frozen probe")
        what = f"NIH, {images} fresh images: mean AUROC of {len(LABELS)} labels, {name}"
        rows.append(score_row(what, float(np.mean(found)), f"{low:.3f} to {high:.3f}; by seed {told}", against))
    return rows


def _judged(seed: int, trainings: Mapping[str, tuple[str, ...]]) -> Judged:
    with tempfile.TemporaryDirectory() as folder:
        kb = str(Path(folder) / "nih.kb")
        table, reports = _tables(Path(folder), seed)
        _clear_kb("ingest", "reports", reports, "--kb", kb)
        for size in (128, 224):
            _clear_kb("ingest", "images", NIH / "images", "--table", table, "--size", size, "--kb", kb)
        _clear_kb("ingest", "labels", table, "--map", "labels=labels", "--kb", kb)
        for name, values in trainings.items():
            begun = ("--set", f"backbone={lite0_folder()}") if name == "started" else ()
            encoder = Path(folder) / name
            config = ("--config", "cpu-demo", "--seed", seed, "--views", "all")
            _clear_kb("train", *config, *values, *begun, "--out", encoder, "--kb", kb)
            _clear_kb("encode", "--encoder", encoder, "--kb", kb)
            for method in METHODS:
                named = ("--run", f"{name} {method}", *_wanted())
                _clear_kb("predict", method, *named, "--encoder", encoder, "--views", "all", "--kb", kb)
        found = json.loads(_clear_kb("encode", "--backbone", lite0_folder(), "--format", "json", "--kb", kb))
        frozen = ("--run", "frozen probe", *_wanted(), "--encoder", found["encoder"], "--views", "all")
        _clear_kb("predict", "probe", *frozen, "--kb", kb)
        names = [f"{name} {method}" for name in trainings for method in METHODS]
        return _read(KnowledgeBase.open(kb), [*names, "frozen probe"])


def _wanted() -> list[str]:
    return [argument for label in LABELS for argument in ("--label", label)]


def _tables(folder: Path, seed: int) -> tuple[Path, Path]:
    """A table of images with the split of this seed, and reports that say the label words."""
    with (NIH / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    patients = sorted({row["patient_id"] for row in rows})
    order = np.random.default_rng(seed).permutation(len(patients)) / len(patients)
    split = {
        patient: "train" if at < SHARES[0] else "validation" if at < sum(SHARES) else "test"
        for patient, at in zip(patients, order, strict=True)
    }
    table, reports = folder / "images.csv", folder / "reports.csv"
    columns = ["image", "study", "patient_id", "view", "split", "labels"]
    told = [{**row, "study": Path(row["image"]).stem, "split": split[row["patient_id"]]} for row in rows]
    _write(table, columns, told)
    said = [
        {"id": row["study"], "study": row["study"], "patient": row["patient_id"], "findings": _words(row["labels"])}
        for row in told
    ]
    _write(reports, ["id", "study", "patient", "findings"], said)
    return table, reports


def _words(labels: str) -> str:
    """ "Effusion|Mass" as a report would say it."""
    if labels == "No Finding":
        return "No acute cardiopulmonary abnormality."
    return " ".join(f"{label.replace('_', ' ')}." for label in labels.split("|"))


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _clear_kb(*arguments: object) -> str:
    command = [sys.executable, "-c", "from bench.lite0 import timm_here; timm_here(); from cli import main; main()"]
    done = subprocess.run(
        [*command, *map(str, arguments), "--quiet"],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"clear-kb {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def _interval(seeds: Sequence[Judged], name: str) -> tuple[float, float]:
    drawn = _resampled(seeds, lambda one, rows: _mean_auroc(one.truth[rows], one.scores[name][rows]))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _difference(seeds: Sequence[Judged], name: str, other: str) -> str:
    """How much better than another run, with the interval of the paired difference."""

    def apart(one: Judged, rows: np.ndarray) -> float:
        found, baseline = (_mean_auroc(one.truth[rows], one.scores[run][rows]) for run in (name, other))
        return found - baseline

    drawn = _resampled(seeds, apart)
    middle = np.mean([apart(one, np.arange(len(one.truth))) for one in seeds])
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return f"{middle:+.3f} ({low:+.3f} to {high:+.3f}) against {other}"


def _resampled(seeds: Sequence[Judged], value: Callable[[Judged, np.ndarray], float]) -> np.ndarray:
    """The mean of a value over the seeds, over draws of patients: one that several seeds test on is drawn for all."""
    patients = sorted({patient for one in seeds for patient in one.patients})
    number = {patient: at for at, patient in enumerate(patients)}
    owners = [np.array([number[patient] for patient in one.patients]) for one in seeds]
    dice = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(dice.integers(len(patients), size=len(patients)), minlength=len(patients))
        parts = [value(one, np.repeat(np.arange(len(own)), times[own])) for one, own in zip(seeds, owners, strict=True)]
        drawn.append(np.mean(parts))
    return np.array(drawn)


def _mean_auroc(truth: np.ndarray, scores: np.ndarray) -> float:
    """The mean over the labels, NaN where a draw lost one of them."""
    return float(np.mean([Ranking(truth[:, n] == 1, scores[:, n]).auroc for n in range(truth.shape[1])]))


def _read(kb: KnowledgeBase, runs: Sequence[str]) -> Judged:
    sql = "SELECT run, image_id, owner, label, rank_by, truth FROM outcomes WHERE split = 'test' AND judged"
    with AuditSession(kb) as session:
        rows = session.query(sql).arrow().to_pylist()
    images = sorted({row["image_id"] for row in rows})
    at = {image: number for number, image in enumerate(images)}
    owners = {row["image_id"]: row["owner"] for row in rows}
    truth = np.full((len(images), len(LABELS)), np.nan)
    scores = {name: np.full(truth.shape, np.nan) for name in runs}
    for row in rows:
        place = at[row["image_id"]], LABELS.index(row["label"])
        truth[place], scores[row["run"]][place] = row["truth"], row["rank_by"]
    if np.isnan(truth).any() or any(np.isnan(one).any() for one in scores.values()):
        raise RuntimeError("a run has not scored every test image, or a truth is missing")
    return Judged(np.array([owners[image] for image in images]), truth, scores)
