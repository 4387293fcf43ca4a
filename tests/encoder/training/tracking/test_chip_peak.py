"""The share of a chip's peak: the chip by its name, the arithmetic by its equations."""

from __future__ import annotations

import pytest

from encoder.model.architecture import Architecture, ImageArchitecture, TextArchitecture
from encoder.model.encoder import Encoder
from encoder.training.freezing import freeze, to_training
from encoder.training.tracking.chip_peak import flops_an_image, peak_of
from tests.support.shapes import VIT


@pytest.mark.parametrize(
    ("name", "bfloat16", "peak"),
    [
        ("NVIDIA H200", True, 989e12),
        ("NVIDIA H100 80GB HBM3", True, 989e12),
        ("NVIDIA H100 PCIe", True, 756e12),
        ("NVIDIA A100-SXM4-80GB", True, 312e12),
        ("NVIDIA A100-SXM4-80GB", False, 156e12),
        ("NVIDIA L40S", True, 362e12),
        ("NVIDIA L4", True, 121e12),
        ("NVIDIA A10G", True, None),
        ("Tesla V100-SXM2-16GB", True, None),
    ],
)
def test_the_peak_is_that_of_the_chip_or_nothing(name: str, bfloat16: bool, peak: float | None) -> None:
    assert peak_of(name, bfloat16=bfloat16) == peak


def test_the_arithmetic_of_a_training_step_is_that_of_the_equations() -> None:
    text = TextArchitecture("linear", embedding=6)
    encoder = Encoder(Architecture(ImageArchitecture({**VIT, "num_channels": 3}, 16, 100.0, 80.0), text))
    width, patches, layers, patch = 32, 16, 2, 3 * 8 * 8
    tokens = patches + 1
    layer = 2 * tokens * width * width * (4 + 2 * 4) + 2 * 2 * tokens * tokens * width
    forward = 2 * patches * patch * width + layers * layer + 2 * width * 16
    trained = flops_an_image(encoder, 32)
    freeze(encoder, ["image"])
    to_training(encoder)
    assert flops_an_image(encoder, 32) == forward
    assert 2.8 * forward < trained < 3 * forward  # the pixels need no gradient
    assert not encoder.image.training and encoder.text.training
