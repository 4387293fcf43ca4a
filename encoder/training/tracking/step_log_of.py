"""The step log of a training: its trackers opened, and the share of the chip's peak where that is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from encoder.model.encoder import Encoder
from encoder.training.config import TrainConfig
from encoder.training.tracking.chip_peak import flops_an_image, peak_of
from encoder.training.tracking.choice import open_trackers
from encoder.training.tracking.step_log import StepLog
from encoder.training.tracking.tracker import Tracked


def step_log_of(
    encoder: Encoder,
    config: TrainConfig,
    *,
    tracked: Tracked,
    track: Sequence[str],
    images: int,
    processes: int,
    device: str,
) -> StepLog:
    """The log of the steps of a training.

    Args:
        encoder: what is trained.
        config: how.
        tracked: the training as trackers know it.
        track: their names.
        images: of a step, over all processes.
        processes: of the training, each with a chip like this one's.
        device: of this process.
    """
    peak = None
    if device.startswith("cuda"):
        name = torch.cuda.get_device_name(device)
        peak = peak_of(name, bfloat16=config.precision != "float32")
    return StepLog(
        tracked.folder,
        step=tracked.step,
        clip=config.gradient_clip,
        images=images,
        trackers=open_trackers(track, tracked),
        flops=flops_an_image(encoder, config.size) if peak else None,
        peak=peak * processes if peak else None,
    )
