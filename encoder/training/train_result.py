"""What a training came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encoder.model.checkpoint import Checkpoint
from encoder.training.beginning import Beginning
from encoder.training.log import EpochResult
from encoder.training.validation import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a training came to: the checkpoint of its best epoch, and all epochs of this call."""

    checkpoint: Checkpoint
    training: str
    best_epoch: int
    best: Measured
    epochs: list[EpochResult]
    images: dict[str, int]
    left_out: Mapping[str, int]
    stopped_early: bool
    beginning: Beginning

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "checkpoint": str(self.checkpoint.folder),
            "encoder": self.checkpoint.encoder_id,
            "training": self.training,
            "beginning": self.beginning.to_dict(),
            "images": self.images,
            "left_out": dict(self.left_out),
            "epochs": [epoch.to_dict() for epoch in self.epochs],
            "best_epoch": self.best_epoch,
            "stopped_early": self.stopped_early,
            "metrics": self.checkpoint.facts.metrics,
        }
