"""How a radiograph becomes a square: as it always was, and as the published CLEAR code makes it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from kb.errors import UsageError
from kb.images.preprocessing import PUBLISHED, RESAMPLES, Preprocessing
from kb.images.radiograph import read_radiograph
from tests.support.radiographs import encoded

OBLONG = [(390, 320), (320, 390), (2022, 2021), (1000, 333), (447, 449), (3056, 2544), (2544, 3056), (900, 40)]
"""Widths and heights; the inner side of most is no whole number at 448 pixels."""


def lines_and_noise(width: int, height: int) -> np.ndarray:
    """A picture that shows any shift: fine lines, edges and noise, uint8 (height, width)."""
    dice = np.random.default_rng(width + height)
    pixels = dice.integers(0, 60, (height, width)).astype(np.int32)
    pixels[:, :: max(3, width // 40)] += 150
    pixels[height // 3 : height // 2] += 90
    return np.clip(pixels, 0, 255).astype(np.uint8)


def published(data: bytes, size: int = 448) -> np.ndarray:
    """The published steps, from their description: RGB, Lanczos to the longest side, `int()`, pasted on black."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    ratio = float(size) / max(picture.size)
    inner = tuple(int(side * ratio) for side in picture.size)
    square = Image.new("L", (size, size))
    square.paste(picture.resize(inner, Image.Resampling.LANCZOS), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return np.asarray(square)


def furthest(ours: np.ndarray, theirs: np.ndarray) -> int:
    return int(np.abs(ours.astype(int) - theirs.astype(int)).max())


@pytest.mark.parametrize("shape", OBLONG)
def test_lanczos_is_the_published_square_to_a_grey_level(shape: tuple[int, int]) -> None:
    data = encoded(lines_and_noise(*shape), "PNG", compress_level=1)
    ours = PUBLISHED.apply(read_radiograph(data).pixels)
    assert furthest(ours, published(data)) <= 1


def test_a_grey_jpeg_in_three_channels_is_the_published_square_to_a_grey_level() -> None:
    data = encoded(np.stack([lines_and_noise(390, 320)] * 3, axis=-1), "JPEG")
    assert furthest(PUBLISHED.apply(read_radiograph(data).pixels), published(data)) <= 1


def test_bicubic_is_another_square_where_the_side_is_rounded_up() -> None:
    """What the published square is held against can fail: the default one lies far from it."""
    data = encoded(lines_and_noise(3056, 2544), "PNG", compress_level=1)
    assert furthest(Preprocessing().apply(read_radiograph(data).pixels), published(data)) > 30


def test_the_ids_of_what_was_kept_before_there_was_a_choice_are_what_they_were() -> None:
    known = {(448, "pad"): "Pe498d353a75e", (112, "stretch"): "P3767ef0b9ea3", (224, "crop"): "Pe2d8ad7bbe4b"}
    for (size, fit), identity in known.items():
        assert Preprocessing(size, fit).preprocessing_id == identity
        assert Preprocessing(size, fit).to_dict() == {"size": size, "fit": fit}
    assert len({Preprocessing(448, "pad", resample).preprocessing_id for resample in RESAMPLES}) == 3


@pytest.mark.parametrize("resample", RESAMPLES)
def test_what_it_says_of_itself_makes_it_again(resample: str) -> None:
    made = Preprocessing(64, "crop", resample)
    assert Preprocessing(**made.to_dict()) == made


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(UsageError, match="resample 'nearest': choose one of bicubic, bilinear, lanczos"):
        Preprocessing(448, "pad", "nearest")
