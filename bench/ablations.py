"""What each choice of the training's targets is worth: the same training with it and without, on patients kept aside.

    python -m bench.ablations FOLDER [ARM ...]

Each training is done with three seeds. What is measured is the mean AUROC of the labels by their sentences, in the
encoder's own space, with or without contrast as the validation patients have it. A training that FOLDER holds is not
done again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.ablation_data import DATA, NIH, SIZE, Data
from bench.measure import Row
from bench.results import write_results
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot import Contrast, zero_shot_heads
from encoder.training.config import TrainConfig, read_config
from encoder.training.trainer import train
from encoder.vectors.pixels import PixelReader
from kb.statistics.auroc import components_of
from kb.statistics.means import mean_interval
from kb.vectors.embedding import Embedder, load_embedder

SEEDS = (0, 1, 2)
EPOCHS = {"phantoms": 5, "two views": 4, "nih": 12}
FEWEST = 10
"""Images of either truth of a label on the test patients of a seed, for it to count."""

CONTRASTS: tuple[Contrast, ...] = ("absent", "none")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One choice: what it sets, what both sides set beside the default, and on which data."""

    values: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    data: tuple[str, ...] = ("phantoms",)


ARMS: Mapping[str, Arm] = {
    "the sigmoid loss for reports": Arm(values={"report_loss": "sigmoid"}, beside={"objective": "report"}),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One training, tested: the scores of the test images by label, and what its gradients were like."""

    scores: dict[str, list[float]]
    clipped: float
    norm: float


@dataclass(frozen=True, eq=False)
class Judged:
    """One label on one set of test images: the AUROC, and each image's share in how far it may be off."""

    auroc: float
    shares: np.ndarray


def outcome(data: Data, config: TrainConfig, out: Path, embedder: Embedder) -> Outcome:
    """Train and test; what stands beside `out` already is read."""
    told = Path(f"{out}.json")  # a suffix would begin at the point of a number
    if not told.exists():
        result = train(data.kb, config, out, device="cpu")
        assert result is not None
        steps = [epoch.steps for epoch in result.epochs if epoch.steps]
        found = Outcome(
            scores=_test_scores(data, result.checkpoint, embedder),
            clipped=float(np.mean([step.clipped for step in steps])),
            norm=float(np.mean([step.gradient_norm for step in steps])),
        )
        told.write_text(json.dumps(asdict(found)))
    return Outcome(**json.loads(told.read_text()))


def _test_scores(data: Data, checkpoint: Checkpoint, embedder: Embedder) -> dict[str, list[float]]:
    """The scores of the test images, by the contrast that does better on the validation images."""

    def level(contrast: Contrast) -> float:
        judged = _judged(data, "validation", _scores(data, checkpoint, embedder, "validation", contrast))
        return float(np.mean([one.auroc for one in judged.values()]))

    return _scores(data, checkpoint, embedder, "test", max(CONTRASTS, key=level))


def _scores(
    data: Data, checkpoint: Checkpoint, embedder: Embedder, split: str, contrast: Contrast
) -> dict[str, list[float]]:
    import torch

    known = data.kb.dataset("images").to_table(columns=["image_id", "content_hash"]).to_pylist()
    contents = {row["image_id"]: row["content_hash"] for row in known}
    pixels = PixelReader(data.kb, checkpoint.preprocessing).take([contents[image] for image in data.images(split)])
    tower = checkpoint.encoder.image.eval()
    with torch.inference_mode():
        vectors = np.concatenate([tower(torch.from_numpy(part)).numpy() for part in np.array_split(pixels, 8)])
    labels = sorted(next(iter(data.truth.values())))
    heads = zero_shot_heads(labels, PromptSet(), "encoder", checkpoint=checkpoint, embedder=embedder, contrast=contrast)
    return {head.label: (vectors @ head.weights).tolist() for head in heads}


def _judged(data: Data, split: str, scores: Mapping[str, Sequence[float]]) -> dict[str, Judged]:
    """Each label that has enough images of either truth."""
    found = {}
    for label, values in scores.items():
        truth = np.array([data.truth[image][label] for image in data.images(split)])
        if FEWEST <= truth.sum() <= len(truth) - FEWEST:
            auroc, parts = components_of(truth, np.asarray(values, dtype=np.float64))
            found[label] = Judged(auroc, (parts - auroc) / np.where(truth, truth.sum(), (~truth).sum()))
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Pair:
    """One seed's training without a choice and with it, on the same test images."""

    data: Data
    without: Outcome
    within: Outcome

    def difference(self) -> tuple[float, np.ndarray]:
        """How much higher the mean AUROC is with the choice, and each image's share in how far that may be off."""
        without, within = (_judged(self.data, "test", one.scores) for one in (self.without, self.within))
        mean = float(np.mean([within[label].auroc - without[label].auroc for label in without]))
        return mean, np.mean([within[label].shares - without[label].shares for label in without], axis=0)

    def level(self) -> float:
        """The mean AUROC without the choice."""
        return float(np.mean([one.auroc for one in _judged(self.data, "test", self.without.scores).values()]))

    def patients(self) -> list[str]:
        """Whose the test images are."""
        return [self.data.patients[image] for image in self.data.images("test")]


def compared(name: str, where: str, folder: Path, embedder: Embedder) -> Row:
    """One choice on one study: the difference of the mean AUROC, with its paired intervals by patients and by seeds.

    The patients' says how far other patients would move it, with these weights; the seeds', how far another training.
    """
    pairs = [_pair(ARMS[name], where, folder, seed, embedder) for seed in SEEDS]
    differences, shares = zip(*(pair.difference() for pair in pairs), strict=True)
    mean, owners = float(np.mean(differences)), np.concatenate([pair.patients() for pair in pairs])
    by_patients = mean_interval(mean + len(owners) * np.concatenate(shares) / len(SEEDS), owners)
    assert by_patients is not None
    ends = ((by_patients.low, by_patients.high), by_seeds(differences))
    told = [
        f"AUROC {np.mean([pair.level() for pair in pairs]):.3f} without",
        f"without: {_steps([pair.without for pair in pairs])}",
        f"with: {_steps([pair.within for pair in pairs])}",
    ]
    spread = "; ".join(f"{low:+.3f} to {high:+.3f}" for low, high in ends)
    return Row(f"{where}: {name}", f"{mean:+.3f}", spread, "; ".join(told))


def _pair(arm: Arm, where: str, folder: Path, seed: int, embedder: Embedder) -> Pair:
    place = folder / (f"nih-{seed}" if where == "nih" else where.replace(" ", "-"))
    data = DATA[where](place, embedder, seed)
    base = {"size": SIZE, "epochs": EPOCHS[where], "patience": 99, "seed": seed}

    def with_values(values: Mapping[str, Any]) -> Outcome:
        key = "-".join(f"{key}={value}" for key, value in sorted(values.items())) or "default"
        config = read_config("cpu-demo").with_values({**base, **values})
        return outcome(data, config, place / f"{key}-{seed}", embedder)

    return Pair(data=data, without=with_values(arm.beside), within=with_values({**arm.beside, **arm.values}))


def by_seeds(differences: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of a mean over a few seeds, by the exact t: `kb.statistics` has that of more patients."""
    from scipy import stats

    reach = stats.t.ppf(0.975, len(differences) - 1) * np.std(differences, ddof=1) / len(differences) ** 0.5
    return float(np.mean(differences) - reach), float(np.mean(differences) + reach)


def _steps(outcomes: Sequence[Outcome]) -> str:
    clipped, norm = (np.mean([getattr(one, name) for one in outcomes]) for name in ("clipped", "norm"))
    return f"{clipped:.0%} of steps clipped, norm {norm:.2f}"


def main(folder: Path, names: Sequence[str]) -> None:
    """Measure the arms named (default: all), print them as they come, and write them."""
    embedder, rows = load_embedder(), []
    for name in names or ARMS:
        for where in ARMS[name].data:
            if where != "nih" or NIH.exists():
                rows.append(compared(name, where, folder, embedder))
                print(rows[-1], flush=True)
    write_results({"ablations": rows})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
