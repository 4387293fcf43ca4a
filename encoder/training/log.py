"""The numbers of a training, kept in the knowledge base's table `training_metrics` as it goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from encoder.training.tracking.step_means import StepMeans
from kb.knowledge_base import KnowledgeBase


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochResult:
    """One epoch: its losses, the mean AUROC of the validation concepts, its rate, its speed, and whether it is best.

    `steps` tells what its steps were like; None where none of them is known any more.
    """

    epoch: int
    step: int
    loss: float
    validation_loss: float
    validation_auroc: float | None
    learning_rate: float
    images_per_second: float
    best: bool
    steps: StepMeans | None

    def to_dict(self) -> dict[str, Any]:
        """The epoch as plain data, for JSON."""
        record = asdict(self)
        return {**record, **(record.pop("steps") or {})}


class TrainingLog:
    """The rows of one training; the same configuration at the same commit is the same training."""

    def __init__(self, kb: KnowledgeBase, made_for: Mapping[str, Any]):
        self._storage = kb.storage
        self.made_for = dict(made_for)
        said = json.dumps(self.made_for, sort_keys=True)
        self.training = "M" + blake2b(said.encode(), digest_size=6).hexdigest()

    def begin(self, epoch: int) -> None:
        """Forget the rows of epochs after `epoch`, which will be run (again)."""
        table = self._storage.dataset("training_metrics")
        where = f"training = '{self.training}' AND epoch > {epoch}"
        if table.count_rows(where):
            table.delete(where)

    def add(self, result: EpochResult) -> None:
        """Append the numbers of an epoch."""
        entries = [
            ("train", "loss", result.loss),
            ("train", "learning_rate", result.learning_rate),
            ("train", "images_per_second", result.images_per_second),
            ("validation", "loss", result.validation_loss),
            ("validation", "auroc", result.validation_auroc),
            *(("train", name, value) for name, value in (asdict(result.steps) if result.steps else {}).items()),
        ]
        now = datetime.now(UTC)
        rows = [
            {
                "training": self.training,
                "step": result.step,
                "epoch": result.epoch,
                "split": split,
                "name": name,
                "value": value,
                "time": now,
            }
            for split, name, value in entries
            if value is not None
        ]
        self._storage.append("training_metrics", rows)

    def read(self) -> list[dict[str, Any]]:
        """All rows of this training, by epoch."""
        table = self._storage.dataset("training_metrics").to_table(filter=f"training = '{self.training}'")
        rows: list[dict[str, Any]] = table.sort_by("step").to_pylist()
        return rows
