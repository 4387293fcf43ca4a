"""What each choice of the training's targets is worth: the same training with it and without, on patients kept aside.

    python -m bench.ablations FOLDER [ARM ...]

On phantoms, on phantoms of two views a study, and on the NIH sample of the shared folder (its label words for reports),
each with three seeds; those of NIH go with three foldings of the patients, so that each patient is tested once. What is
measured is the mean AUROC of the labels by their sentences, in the encoder's own space. A training that FOLDER holds is
not done again.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.measure import Row
from bench.results import write_results
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot import Contrast, zero_shot_heads
from encoder.training.config import TrainConfig, read_config
from encoder.training.trainer import train
from encoder.vectors.pixels import PixelReader
from ingest.demo import LABELS, draw_study, phantom_studies, write_phantom_reports
from ingest.demo.study import Study
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.statistics.auroc import components_of
from kb.statistics.means import mean_interval
from kb.vectors.embedding import Embedder, load_embedder

NIH = Path("../shared/data/nih")
SEEDS = (0, 1, 2)
PHANTOMS, SIZE = 1_600, 64
FEWEST = 10
"""Positives of a label on the test patients of each seed, for it to count."""


@dataclass(frozen=True)
class Arm:
    """One choice: what it sets, what it is held against, and on which data."""

    values: Mapping[str, Any]
    data: tuple[str, ...] = ("phantoms", "nih")
    against: Mapping[str, Any] = field(default_factory=dict)


REPORT = {"objective": "report"}
ARMS: Mapping[str, Arm] = {
    "what goes by either name is a negative": Arm({"negatives": "hierarchy"}, ("nih",)),
    "whatever is not mentioned is a negative": Arm({"negatives": "all"}, ("phantoms",)),
    "hedged mentions as positives of weight 0.5": Arm({"uncertain_weight": 0.5}, ("phantoms",)),
    "sentences beside concepts": Arm({"sentence_weight": 1.0}, ("phantoms",)),
    "the loss is a sum over concepts": Arm({"concept_loss": "sum"}),
    "clipped at 0.3": Arm({"gradient_clip": 0.3}, ("phantoms",)),
    "concepts weighted by the root of their frequency": Arm({"concept_weight": 0.5}),
    "one view of a study a step, as many images seen": Arm({"study_images": "one", "epochs": 8}, ("two views",)),
    "the mean vector of a study's views": Arm({"study_images": "mean"}, ("two views",)),
    "the sigmoid loss for reports": Arm({**REPORT, "report_loss": "sigmoid"}, ("phantoms",), against=REPORT),
}
EPOCHS = {"phantoms": 5, "two views": 4, "nih": 12}


@dataclass(frozen=True, eq=False)
class Data:
    """One study to train on and test on."""

    kb: KnowledgeBase
    truth: Mapping[str, Mapping[str, bool]]
    """What is true of each image, by label."""
    split: Mapping[str, str]
    patient: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One training, tested: the scores of each label on the test images, and how often a step was clipped."""

    images: list[str]
    scores: dict[str, list[float]]
    clipped: float
    norm: float


def phantoms(folder: Path, embedder: Embedder, seed: int, *, views: int = 1) -> Data:
    """Phantom studies, each with one picture or with several of one patient on one day."""
    count = PHANTOMS // views
    (folder / "study" / "images").mkdir(parents=True, exist_ok=True)
    write_phantom_reports(folder / "reports.csv", count)
    drawn = list(phantom_studies(count))
    rows = []
    for one in drawn:
        for view in range(views):
            name = f"{one.name}-{view}.png"
            Image.fromarray(draw_study(_again(one, view), SIZE).pixels).save(folder / "study" / "images" / name)
            rows.append(
                {
                    "image": f"images/{name}",
                    "study_id": one.study_id,
                    "patient_id": one.patient_id,
                    "view": one.view,
                    "split": _split(one.patient % 20),
                }
            )
    return _data(
        folder,
        embedder,
        reports=folder / "reports.csv",
        rows=rows,
        truth={
            row["image"]: {label: one.shows(label) for label in LABELS if label != "No Finding"}
            for row, one in zip(rows, (o for o in drawn for _ in range(views)), strict=True)
        },
        size=SIZE,
    )


def _split(number: int) -> str:
    """Many for testing, for that costs little: 9 patients in 20, as many as are trained on."""
    return "train" if number < 9 else "validation" if number < 11 else "test"


def _again(study: Study, view: int) -> Study:
    """The same patient a minute later: stood otherwise, exposed otherwise."""
    if view == 0:
        return study
    draw = random.Random(f"{study.seed} {study.number} {view}")
    build = replace(
        study.build,
        turn=draw.gauss(0, 1.8),
        shift=(draw.uniform(-0.06, 0.06), draw.uniform(-0.05, 0.05)),
        exposure=draw.gauss(0, 0.035),
        contrast=draw.uniform(0.9, 1.1),
    )
    return replace(study, build=build, seed=study.seed + 1_000 * view)


def nih(folder: Path, embedder: Embedder, seed: int) -> Data:
    """The NIH sample: a third of the patients for testing, another third for each seed, its label words for reports."""
    table = list(csv.DictReader((NIH / "labels.csv").open(encoding="utf-8")))
    owners = sorted({row["patient_id"] for row in table})
    random.Random(0).shuffle(owners)
    part = {
        owner: ("test" if n % 3 == seed else "validation" if n % 7 == 0 else "train") for n, owner in enumerate(owners)
    }
    folder.mkdir(parents=True, exist_ok=True)
    rows, reports, truth = [], [], {}
    for row in table:
        found = [label for label in row["labels"].split("|") if label != "No Finding"]
        said = " ".join(f"{label.replace('_', ' ')}." for label in found) or "Normal chest."
        reports.append(
            {"report_id": row["image"], "study_id": row["image"], "patient_id": row["patient_id"], "findings": said}
        )
        rows.append(
            {
                "image": row["image"],
                "study_id": row["image"],
                "patient_id": row["patient_id"],
                "view": row["view"],
                "split": part[row["patient_id"]],
            }
        )
        truth[row["image"]] = found
    labels = sorted({label for found in truth.values() for label in found})
    _write(folder / "reports.csv", reports)
    return _data(
        folder,
        embedder,
        reports=folder / "reports.csv",
        rows=rows,
        images=NIH / "images",
        size=SIZE,
        truth={image: {label: label in found for label in labels} for image, found in truth.items()},
    )


def _data(
    folder: Path,
    embedder: Embedder,
    *,
    reports: Path,
    rows: list[dict[str, Any]],
    truth: Any,
    size: int,
    images: Path | None = None,
) -> Data:
    _write(folder / "table.csv", rows)
    uri = folder / "k.kb"
    if uri.exists():
        kb = KnowledgeBase.open(uri)
    else:
        kb = KnowledgeBase.create(uri)
        ingest_reports(kb, [reports], embedder=lambda: embedder)
        ingest_images(
            kb, [images or folder / "study"], table=folder / "table.csv", preprocessing=Preprocessing(size), workers=1
        )
    return Data(kb, truth, {r["image"]: r["split"] for r in rows}, {r["image"]: r["patient_id"] for r in rows})


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


DATA: Mapping[str, Callable[[Path, Embedder, int], Data]] = {
    "phantoms": phantoms,
    "two views": lambda folder, embedder, seed: phantoms(folder, embedder, seed, views=2),
    "nih": nih,
}


@contextmanager
def gradient_norms() -> Iterator[list[float]]:
    """The norm of the gradient at each step, as the training clips it."""
    norms: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def noted(*arguments: Any, **options: Any) -> torch.Tensor:
        norm = clip(*arguments, **options)
        norms.append(float(norm))
        return norm

    torch.nn.utils.clip_grad_norm_ = noted
    try:
        yield norms
    finally:
        torch.nn.utils.clip_grad_norm_ = clip


def outcome(data: Data, config: TrainConfig, out: Path, embedder: Embedder) -> Outcome:
    """Train and test; what stands in `out` already is read."""
    told = Path(f"{out}.json")
    if told.exists():
        return Outcome(**json.loads(told.read_text()))
    with gradient_norms() as norms:
        result = train(data.kb, config, out, device="cpu")
    assert result is not None
    scores = {split: _scores(data, result.checkpoint, embedder, split) for split in ("validation", "test")}
    best = max(
        scores["validation"], key=lambda contrast: _mean_auroc(data, "validation", scores["validation"][contrast])
    )
    clipped = float(np.mean(np.array(norms) > config.gradient_clip))
    found = Outcome(
        _images(data, "test"),
        {k: v.tolist() for k, v in scores["test"][best].items()},
        clipped,
        float(np.median(norms)),
    )
    told.write_text(json.dumps(found.__dict__))
    return found


def _images(data: Data, split: str) -> list[str]:
    return [image for image, of in data.split.items() if of == split]


def _scores(data: Data, checkpoint: Checkpoint, embedder: Embedder, split: str) -> dict[str, dict[str, np.ndarray]]:
    """The scores of a split's images by label, for either contrast."""
    known = data.kb.dataset("images").to_table(columns=["image_id", "content_hash"]).to_pylist()
    contents = {row["image_id"]: row["content_hash"] for row in known}
    pixels = PixelReader(data.kb, checkpoint.preprocessing).take([contents[image] for image in _images(data, split)])
    tower = checkpoint.encoder.image.eval()
    with torch.inference_mode():
        vectors = np.concatenate([tower(torch.from_numpy(part)).numpy() for part in np.array_split(pixels, 8)])
    labels = sorted({label for said in data.truth.values() for label in said})
    found = {}
    contrasts: tuple[Contrast, ...] = ("absent", "none")
    for contrast in contrasts:
        heads = zero_shot_heads(
            labels, PromptSet(), "encoder", checkpoint=checkpoint, embedder=embedder, contrast=contrast
        )
        found[str(contrast)] = {head.label: vectors @ head.weights for head in heads}
    return found


def _components(data: Data, images: Sequence[str], scores: Mapping[str, Any]) -> dict[str, tuple[float, np.ndarray]]:
    """The AUROC of each label that has enough positives, and each image's share in it."""
    found = {}
    for label, values in scores.items():
        truth = np.array([data.truth[image][label] for image in images])
        if not FEWEST <= truth.sum() <= len(truth) - FEWEST:
            continue
        auroc, parts = components_of(truth, np.asarray(values, dtype=np.float64))
        found[label] = auroc, (parts - auroc) / np.where(truth, truth.sum(), (~truth).sum())
    return found


def _mean_auroc(data: Data, split: str, scores: Mapping[str, np.ndarray]) -> float:
    found = _components(data, _images(data, split), scores)
    return float(np.mean([auroc for auroc, _ in found.values()])) if found else 0.5


def compared(name: str, where: str, folder: Path, embedder: Embedder) -> Row:
    """One arm on one study: the difference of the mean AUROC, with its interval by patients."""
    arm = ARMS[name]
    differences, levels, shares, owners, told = [], [], [], [], {"arm": [], "default": []}
    for seed in SEEDS:
        place = folder / (f"{where}-{seed}" if where == "nih" else where).replace(" ", "-")
        data = _made(where, place, embedder, seed)
        base = read_config("cpu-demo").with_values(
            {"size": SIZE, "epochs": EPOCHS[where], "patience": 99, "seed": seed}
        )
        both = {}
        for side, values in (("default", arm.against), ("arm", {**arm.against, **arm.values})):
            key = "default" if not values else "-".join(f"{k}={v}" for k, v in sorted(values.items()))
            done = outcome(data, base.with_values(values), place / f"{key}-{seed}", embedder)
            both[side] = _components(data, done.images, done.scores)
            told[side].append((done.clipped, done.norm))
        labels = both["default"].keys()
        images = done.images
        difference = float(np.mean([both["arm"][label][0] - both["default"][label][0] for label in labels]))
        share = np.mean([both["arm"][label][1] - both["default"][label][1] for label in labels], axis=0)
        differences.append(difference)
        levels.append(float(np.mean([both["default"][label][0] for label in labels])))
        shares.append(share / len(SEEDS))
        owners.append([data.patient[image] for image in images])
    mean = float(np.mean(differences))
    rows, whose = np.concatenate(shares), np.concatenate(owners)
    interval = mean_interval(mean + len(rows) * rows, whose)
    assert interval is not None
    by_seed = ", ".join(f"{one:+.3f}" for one in differences)
    clips = "; ".join(
        f"{side}: {np.mean([c for c, _ in of]):.0%} of steps clipped, norm {np.mean([n for _, n in of]):.2f}"
        for side, of in told.items()
    )
    return Row(
        f"{where}: {name}",
        f"{mean:+.3f}",
        f"{interval.low:+.3f} to {interval.high:+.3f}; by seed {by_seed}",
        f"AUROC {np.mean(levels):.3f} without; {clips}",
    )


_MADE: dict[Path, Data] = {}


def _made(where: str, place: Path, embedder: Embedder, seed: int) -> Data:
    if place not in _MADE:
        _MADE[place] = DATA[where](place, embedder, seed)
    return _MADE[place]


def main(folder: Path, names: Sequence[str]) -> None:
    """Run the arms named (default: all), print and write what they came to."""
    embedder = load_embedder()
    rows = []
    order = ["sentences", "hedged", "whatever", "the loss is a sum", "what goes", "one view", "the mean", "the sigmoid", "concepts weighted", "clipped"]
    for name in names or sorted(ARMS, key=lambda n: next(i for i, o in enumerate(order) if n.startswith(o))):
        for where in ARMS[name].data:
            if where == "nih" and not NIH.exists():
                continue
            rows.append(compared(name, where, folder, embedder))
            print(rows[-1], flush=True)
    table = Table("what", "difference", "95 % interval", "against", box=None)
    for row in rows:
        table.add_row(row.what, row.value, row.spread, row.against)
    Console(width=140).print(table)
    write_results({"ablations": rows})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
