"""A PNG or JPEG as grey pixels: of 8 or 16 bits, in colour, with a palette, see-through, turned as its EXIF says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kb.images.grey import ImageError, check_size, stretched

_WIDE_COLOUR = frozenset([2, 4, 6])
"""The colour types of a PNG that Pillow brings to 8 bits by dropping the lower ones."""

_ORIENTATION, _ON_ITS_SIDE = 0x0112, frozenset([5, 6, 7, 8])
"""The EXIF tag, and its values that change width and height."""


def read_picture(data: bytes) -> tuple[np.ndarray, str]:
    """The grey pixels of a PNG or JPEG, uint8 (height, width), and what it is ("PNG L").

    Raises:
        ImageError: the bytes are neither, are cut or broken, or would unpack to more than any radiograph has.
    """
    with _opened(data) as picture:
        kind = f"{picture.format} {picture.mode}"
        if picture.mode.startswith("I") or picture.mode == "F":
            return stretched(np.asarray(_upright(picture))), kind
        return np.asarray(_flat(_upright(picture)).convert("L")), kind


def describe_picture(data: bytes) -> tuple[tuple[int, int], str]:
    """The width and height of a PNG or JPEG as it is to be seen, and what it is; its pixels are not unpacked.

    Raises:
        ImageError: the bytes are neither.
    """
    with _opened(data) as picture:
        width, height = picture.size
        turned = picture.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE
        return (height, width) if turned else (width, height), f"{picture.format} {picture.mode}"


@contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            check_size(*picture.size)
            if picture.format == "PNG" and data[24] == 16 and data[25] in _WIDE_COLOUR:
                raise ImageError(
                    "a PNG of 16 bits in colour or with transparency: save it as grey, or with 8 bits", "16-bit colour"
                )
            yield picture
    except UnidentifiedImageError as error:
        raise ImageError("not a PNG, JPEG or DICOM image", "no image") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"broken image: {error}") from error


def _upright(picture: Any) -> Any:
    """A picture as it is to be seen: a camera or a phone notes in EXIF how it was held."""
    return ImageOps.exif_transpose(picture)


def _flat(picture: Any) -> Any:
    """A picture without transparency: what shows through is black."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    layered = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, (0, 0, 0, 255)), layered)
