"""The pictures a pretrained backbone was made for: size, grey levels and resampling, as its own files tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WHITE = 255.0
MIMIC_MEAN, MIMIC_DEVIATION = 101.48761, 83.43944
"""Grey levels of MIMIC-CXR, 0 to 255, by which the published code normalises all channels."""

RESAMPLING = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Pillow's filters by number, as preprocessor_config.json has them."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a backbone was trained on, as far as anything tells.

    Attributes:
        size: pixels of a side.
        mean: grey levels, 0 to 255, taken off, a channel each.
        deviation: grey levels that become 1, a channel each.
        resample: by what filter pictures were scaled.
    """

    size: int | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    resample: str | None = None


def pictures_of_processor(told: Mapping[str, Any]) -> Pictures:
    """What a `preprocessor_config.json` of transformers says.

    There a pixel p becomes (p f - m) / s with the factor f, mean m and deviation s: in grey levels (p - m/f) / (s/f).
    """
    factor = float(told.get("rescale_factor") or 1 / WHITE) if told.get("do_rescale", True) else 1.0
    resample = told.get("resample", told.get("interpolation"))
    means, deviations = told.get("image_mean"), told.get("image_std")
    if told.get("do_normalize") is False:
        means, deviations = [0.0], [1.0]
    return Pictures(
        size=_side(told),
        mean=None if means is None else _levels(means, factor),
        deviation=None if deviations is None else _levels(deviations, factor),
        resample=RESAMPLING[resample] if isinstance(resample, int) and 0 <= resample < len(RESAMPLING) else None,
    )


def pictures_of_shares(
    size: int | None, mean: Sequence[float] | None, deviation: Sequence[float] | None, resample: str | None
) -> Pictures:
    """The same of mean and deviation as shares of white: what timm, open_clip and torchvision tell."""
    return Pictures(
        size,
        None if mean is None else _levels(mean, 1 / WHITE),
        None if deviation is None else _levels(deviation, 1 / WHITE),
        resample if resample in RESAMPLING else None,
    )


def _levels(values: float | Sequence[float], factor: float) -> tuple[float, ...]:
    """Grey levels, one where all channels have the same; rounded, so that all machines tell the same."""
    listed = list(values) if isinstance(values, Sequence) else [values]
    levels = tuple(round(float(one) / factor, 5) for one in listed)
    return levels[:1] if len(set(levels)) == 1 else levels


def _side(told: Mapping[str, Any]) -> int | None:
    """The side of the square that comes out: of the cut where one is cut, else of the scaled picture."""
    for name, wanted in (("crop_size", told.get("do_center_crop")), ("size", True)):
        side = told.get(name) if wanted else None
        if isinstance(side, int):
            return side
        if isinstance(side, Mapping):
            sides = {side[one] for one in ("height", "width", "shortest_edge") if one in side}
            if len(sides) == 1 and isinstance(one := sides.pop(), int):
                return one
    return None
