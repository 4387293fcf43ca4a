"""What share of a chip's arithmetic a training reaches: counted once on the towers, by the peak of the chip."""

from __future__ import annotations

import re

import torch

from encoder.model.encoder import Encoder
from encoder.model.text_tower import TextTower

PEAKS = {
    r"B200\b": 2250,
    r"GH200\b": 989,
    r"H200 NVL": 835,
    r"H200\b": 989,
    r"H100 NVL": 835,
    r"H100 PCIe": 756,
    r"H100\b": 989,
    r"A100\b": 312,
    r"A40\b": 150,
    r"A30\b": 165,
    r"A10\b": 125,
    r"L40S\b": 362,
    r"L40\b": 181,
    r"L4\b": 121,
    r"RTX 4090\b": 165,
}
"""TFLOP/s of dense bfloat16 on tensor cores by NVIDIA's data sheets, by what the driver calls the chip; first fits."""


def peak_of(name: str, *, bfloat16: bool) -> float | None:
    """The FLOP/s that a chip does at most; None of one that is not in the table.

    Args:
        name: as the driver tells it ("NVIDIA H100 80GB HBM3").
        bfloat16: whether it computes in that; float32 runs as TF32 on these chips, at half the rate.
    """
    found = next((peak for pattern, peak in PEAKS.items() if re.search(rf"\b{pattern}", name)), None)
    return None if found is None else found * 1e12 / (1 if bfloat16 else 2)


def flops_an_image(encoder: Encoder, size: int) -> float:
    """FLOPs of a training step for one image (and its text): forward, and backward into what is trained.

    Counted on two pictures of `size` pixels in evaluation mode, so that the encoder stays as it is. What is computed
    twice to save memory is counted once: it is the work that has to be done.
    """
    was_training = {module: module.training for module in encoder.modules()}
    encoder.eval()
    device = encoder.bias.device
    try:
        total = _flops(encoder.image, torch.zeros(2, size, size, device=device))
        if isinstance(encoder.text, TextTower):
            total += _flops(encoder.text, torch.zeros(2, encoder.text.context, dtype=torch.long, device=device))
    finally:
        for module, training in was_training.items():
            module.training = training
    return total / 2


def _flops(tower: torch.nn.Module, batch: torch.Tensor) -> int:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    trained = [parameter for parameter in tower.parameters() if parameter.requires_grad]
    # Attention in plain products: not every kernel of it is counted, and some are with what they compute again.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        vectors = tower.forward(batch)  # past its compiled form
        if trained:
            torch.autograd.grad(vectors.sum(), trained, allow_unused=True)
    return int(counter.get_total_flops())
