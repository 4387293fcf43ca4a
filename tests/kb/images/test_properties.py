"""Properties of a picture: each answers to what it is named after, and to little else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from kb.images.properties import properties_of


def picture(side: int = 128) -> np.ndarray:
    """A soft grey picture with some grain."""
    draw = np.random.default_rng(0)
    across = np.linspace(60, 160, side)
    return np.clip(across[None, :] + 6 * draw.standard_normal((side, side)), 0, 255).astype(np.uint8)


def test_brightness_and_contrast_are_mean_and_spread() -> None:
    found = properties_of(picture())
    assert found.brightness == pytest.approx(picture().mean(), rel=1e-5)
    assert found.contrast == pytest.approx(picture().std(), rel=1e-5)


def test_a_blurred_picture_is_less_sharp_and_as_bright() -> None:
    blurred = np.asarray(Image.fromarray(picture()).filter(ImageFilter.GaussianBlur(2)))
    sharp, soft = properties_of(picture()), properties_of(blurred)
    assert soft.sharpness < sharp.sharpness / 10
    assert soft.brightness == pytest.approx(sharp.brightness, abs=1)


@pytest.mark.parametrize(("grey", "name"), [(0, "dark_border"), (255, "light_border")])
def test_a_frame_is_measured_as_its_share(grey: int, name: str) -> None:
    framed = picture()
    framed[:, :16] = framed[:, -16:] = grey
    found = properties_of(framed)
    assert getattr(found, name) == pytest.approx(32 / 128)
    assert getattr(properties_of(picture()), name) == 0
    assert {found.dark_border, found.light_border} == {0.0, 32 / 128}


def test_letters_in_a_corner_are_seen_and_a_bright_lung_is_not() -> None:
    written = Image.fromarray(picture())
    ImageDraw.Draw(written).text((4, 4), "R PORTABLE", fill=255)
    assert properties_of(np.asarray(written)).corner_text > 0.005
    assert properties_of(picture()).corner_text == 0
    bright = picture()
    bright[40:90, 40:90] = 250
    assert properties_of(bright).corner_text == 0, "it is no corner"
