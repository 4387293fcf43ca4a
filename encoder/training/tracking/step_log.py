"""The numbers of every optimiser step, kept on the device until a second has passed, then written all at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from encoder.model.encoder import Encoder
from encoder.training.tracking.step_means import StepMeans
from encoder.training.tracking.steps_file import StepsFile, read_steps
from encoder.training.tracking.tracker import Tracker

_SECONDS = 1.0
"""Between two looks at numbers that a device computes: each look waits for it."""


class StepLog:
    """The steps of one training.

    Args:
        folder: of the checkpoint.
        step: the steps that are done.
        clip: the norm that gradients are clipped to.
        images: of a step, over all processes.
        trackers: hear of every step too.
        flops: of one image; None where the chip's peak is not known.
        peak: FLOP/s of all chips together.
    """

    def __init__(
        self,
        folder: Path,
        *,
        step: int,
        clip: float,
        images: int,
        trackers: Sequence[Tracker] = (),
        flops: float | None = None,
        peak: float | None = None,
    ):
        self._file = StepsFile(folder, step)
        self._clip, self._images, self._trackers = clip, images, trackers
        self._share = flops / peak if flops and peak else None
        self._rows = read_steps(folder)  # of an epoch that is gone on with
        self._waiting: list[tuple[dict[str, float], torch.Tensor]] = []
        self._looked = self._before = time.perf_counter()

    def begin(self) -> None:
        """An epoch begins: the time of its first step counts from here."""
        self._before = time.perf_counter()

    def add(
        self,
        step: int,
        epoch: int,
        *,
        rate: float,
        loss: torch.Tensor,
        gradient_norm: torch.Tensor,
        encoder: Encoder,
    ) -> None:
        """Take a step: its learning rate, its loss and the norm of its gradient, scale and bias after it."""
        now = time.perf_counter()
        speed = self._images / max(now - self._before, 1e-9)
        self._before = now
        known = {"step": step, "epoch": epoch, "learning_rate": rate, "images_per_second": speed}
        numbers = (loss, gradient_norm, encoder.log_scale.exp(), encoder.bias)
        self._waiting.append((known, torch.stack([number.detach().float() for number in numbers])))
        if now - self._looked >= _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._waiting:
            return
        values = torch.stack([row for _, row in self._waiting]).tolist()
        rows = [self._row(known, *row) for (known, _), row in zip(self._waiting, values, strict=True)]
        self._waiting.clear()
        self._file.add(rows)
        for tracker in self._trackers:
            for row in rows:
                numbers = {f"train/{name}": value for name, value in row.items() if name not in ("step", "epoch")}
                tracker.log(int(row["step"]), numbers)
        self._rows += rows
        self._looked = time.perf_counter()

    def means(self, epoch: int) -> StepMeans | None:
        """What the steps of an epoch were like; None if none is known. Those of earlier ones are forgotten."""
        self.flush()
        self._rows = [row for row in self._rows if row["epoch"] == epoch]
        count = len(self._rows)
        if count == 0:
            return None
        return StepMeans(
            gradient_norm=sum(row["gradient_norm"] for row in self._rows) / count,
            clipped=sum(row["clipped"] for row in self._rows) / count,
            scale=self._rows[-1]["scale"],
            bias=self._rows[-1]["bias"],
        )

    def validated(self, step: int, loss: float, auroc: float | None) -> None:
        """Tell the trackers how the encoder did on validation images."""
        measured = {"validation/loss": loss} | ({} if auroc is None else {"validation/auroc": auroc})
        for tracker in self._trackers:
            tracker.log(step, measured)

    def close(self) -> None:
        """Write what is waiting, and close the trackers."""
        self.flush()
        for tracker in self._trackers:
            tracker.close()

    def _row(
        self, known: Mapping[str, float], loss: float, gradient_norm: float, scale: float, bias: float
    ) -> dict[str, float]:
        share = {} if self._share is None else {"share_of_peak": self._share * known["images_per_second"]}
        clipped = float(gradient_norm > self._clip)
        return {
            **known,
            "loss": loss,
            "gradient_norm": gradient_norm,
            "clipped": clipped,
            "scale": scale,
            "bias": bias,
            **share,
        }
