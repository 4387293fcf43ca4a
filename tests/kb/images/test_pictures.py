"""PNG and JPEG in every mode: the same greys, upright, and nothing that only looks like a picture."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from kb.images.library_messages import heard_messages
from kb.images.radiograph import ImageError, describe_radiograph, read_radiograph
from tests.support.radiographs import chest, encoded


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def grey() -> Image.Image:
    return Image.fromarray(chest())


def palette(picture: Image.Image) -> Image.Image:
    """A palette that runs backwards: the stored numbers are not the greys."""
    indexed = Image.fromarray(255 - np.asarray(picture))
    indexed.putpalette([255 - step for step in range(256) for _ in range(3)])
    return indexed


def seen_through(picture: Image.Image) -> Image.Image:
    layered = picture.convert("LA")
    layered.putalpha(255)
    return layered


@pytest.mark.parametrize(
    "data",
    [
        saved(palette(grey())),
        saved(seen_through(grey())),
        saved(grey().convert("RGBA")),
        saved(grey().convert("RGB").convert("CMYK"), "JPEG", quality=100),
        saved(Image.fromarray(chest().astype(np.uint16) * 257)),
        saved(grey(), progressive=True, kind="JPEG", quality=100),
    ],
    ids=["palette", "grey and alpha", "colour and alpha", "CMYK", "16 bits", "progressive"],
)
def test_every_mode_gives_the_same_greys(data: bytes) -> None:
    assert np.abs(read_radiograph(data).pixels.astype(int) - chest().astype(int)).max() <= 6


def test_what_shows_through_is_black() -> None:
    layered = np.dstack([chest(), np.full_like(chest(), 255)])
    layered[100:, :, 1] = 0
    assert (read_radiograph(saved(Image.fromarray(layered, "LA"))).pixels[100:] == 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_its_exif_says(orientation: int) -> None:
    turned = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.T,
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).T,
        8: lambda p: np.rot90(p, -1),
    }
    stored: Callable[[np.ndarray], np.ndarray] = turned[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(np.ascontiguousarray(stored(chest()))), "JPEG", quality=100, exif=exif)
    assert np.abs(read_radiograph(data).pixels.astype(int) - chest().astype(int)).mean() < 2
    assert describe_radiograph(data).size == chest().shape[::-1]


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises far more than its bytes hold."""

    def part(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header = part(b"IHDR", size + bytes([8, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")


def wide_colour() -> bytes:
    data = bytearray(encoded(np.stack([chest()] * 3, axis=-1), "PNG"))
    data[24] = 16
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason", "kind"),
    [
        (bomb(12_000, 11_000), "more than 64,000,000 in all", "too large"),
        (bomb(25_000, 40), "more than 20,000 on a side", "too large"),
        (bomb(400, 400), "broken", "broken"),
        (saved(grey(), "JPEG")[:-300], "broken", "broken"),
        (saved(grey())[:-200], "broken", "broken"),
        (wide_colour(), "save it as grey", "16-bit colour"),
        (saved(grey(), "GIF"), "not a PNG", "no image"),
        (b"", "empty", "empty"),
    ],
    ids=["area", "side", "no rows", "cut jpeg", "cut png", "16-bit colour", "gif", "empty"],
)
def test_what_is_cut_or_too_large_is_refused(data: bytes, reason: str, kind: str) -> None:
    with heard_messages(), pytest.raises(ImageError, match=reason) as refused:
        read_radiograph(data)
    assert refused.value.kind == kind
