"""The stored numbers of a DICOM picture as a reader sees them: modality values, through the window, black for air.

Real files carry windows of width 0, tables that are cut, padding values of another sign. Such an element is left out
and noted; it neither costs the picture nor garbles it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kb.images.grey import ImageError, bands, least_and_greatest, stretched

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def grey_values(dataset: Any, stored: np.ndarray, notes: list[str]) -> np.ndarray:
    """The pixels of a picture as uint8 (height, width), black for air; what had to be left out is added to `notes`."""
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        return _palette(dataset, stored)
    if stored.ndim == 3 and stored.shape[-1] in (3, 4):
        return _colour(stored, int(dataset.get("BitsStored") or 8 * stored.dtype.itemsize))
    if stored.ndim != 2:
        raise ImageError(f"pixels of shape {stored.shape} are no picture")
    padding = _padding(dataset, stored, notes)
    inside = None if padding is None else ~padding
    values = _windowed(dataset, _modality(dataset, stored, notes), inside, notes)
    pixels = stretched(values, inside)
    if photometric == "MONOCHROME1":
        pixels = 255 - pixels
    if padding is not None:
        pixels[padding] = 0
    return pixels


def _colour(stored: np.ndarray, bits: int) -> np.ndarray:
    greys = np.empty(stored.shape[:2], dtype=np.uint8)
    for band in bands(stored):
        found = (stored[band, :, :3].astype(np.float32) @ _LUMA) * (255 / (2.0**bits - 1))
        greys[band] = (found + 0.5).clip(0, 255)
    return greys


def _palette(dataset: Any, stored: np.ndarray) -> np.ndarray:
    from pydicom.pixels import apply_color_lut

    colours = apply_color_lut(stored.astype(np.uint16), dataset)
    return _colour(colours, 8 * colours.dtype.itemsize)


def _padding(dataset: Any, stored: np.ndarray, notes: list[str]) -> np.ndarray | None:
    """Where the detector saw nothing; None if the file names no padding value."""
    value = _integer(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = _integer(dataset, "PixelPaddingRangeLimit")
    ends = [int(np.int64(one).astype(stored.dtype)) for one in (value, value if limit is None else limit)]
    mask: np.ndarray = (stored >= min(ends)) & (stored <= max(ends))
    if mask.all():
        notes.append("a padding value that covers the whole picture: left out")
        return None
    return mask if mask.any() else None


def _modality(dataset: Any, stored: np.ndarray, notes: list[str]) -> np.ndarray:
    """Stored numbers as modality values: through the table, else by slope and intercept."""
    for item in _items(dataset, "ModalityLUTSequence"):
        found = _looked_up(dataset, item, stored)
        if found is not None:
            return found
        notes.append("a modality table that cannot be used: left out")
    slope, intercept = _number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")
    if slope == 0:
        notes.append("a rescale slope of 0: left out")
        return stored.astype(np.float32)
    values = stored.astype(np.float32)
    values *= np.float32(1 if slope is None else slope)
    values += np.float32(intercept or 0)
    return values


def _windowed(dataset: Any, values: np.ndarray, inside: np.ndarray | None, notes: list[str]) -> np.ndarray:
    """Values through the first table or window that shows something; as they are where none does."""
    tried = False
    for shown in _views(dataset, values):
        tried = True
        if shown is not None:
            low, high = least_and_greatest(shown, inside)
            if high > low:
                return shown
        del shown  # before the next one is made
    if tried:
        notes.append("a window or table of no use (width 0, or beside the values): the whole range was taken")
    return values


def _views(dataset: Any, values: np.ndarray) -> Iterator[np.ndarray | None]:
    """The values through each table and window that the file offers, in its order; None for one that is broken."""
    for item in _items(dataset, "VOILUTSequence"):
        yield _looked_up(dataset, item, values)
    centers, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    shape = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    for at in range(max(len(centers), len(widths))):
        center = centers[at] if at < len(centers) else None
        width = widths[at] if at < len(widths) else None
        yield None if center is None or width is None else _window(values, center, width, shape)


def _window(values: np.ndarray, center: float, width: float, shape: str) -> np.ndarray | None:
    """Values through a window as 0 to 1 (PS3.3 C.11.2.1); None where it has no width."""
    if shape == "SIGMOID" and width > 0:
        found = values - np.float32(center)
        found *= -4
        found /= np.float32(width)
        np.exp(found.clip(-80, 80, out=found), out=found)
        found += 1
        return np.divide(1, found, out=found)
    if shape != "LINEAR_EXACT":
        center, width = center - 0.5, width - 1
    if width < 0 or (width == 0 and shape == "LINEAR_EXACT"):
        return None
    if width == 0:
        return (values > center).astype(np.float32)
    found = values - np.float32(center)
    found /= np.float32(width)
    found += np.float32(0.5)
    return found.clip(0, 1, out=found)


def _looked_up(dataset: Any, item: Any, values: np.ndarray) -> np.ndarray | None:
    """Values through a table; None where the table is not what its description says."""
    try:
        entries, first, bits = (int(one) for one in item.LUTDescriptor)
        data = item.LUTData
    except (AttributeError, TypeError, ValueError):
        return None
    entries = entries or 65_536
    if isinstance(data, bytes):
        little = dataset.original_encoding[1] is not False
        wide = len(data) >= 2 * entries
        table = np.frombuffer(data, dtype=("<u2" if little else ">u2") if wide else "u1")
    else:
        table = np.asarray(data, dtype=np.float64).ravel()
    if len(table) < entries or not 1 <= bits <= 16:
        return None
    told = table[:entries].astype(np.float32)
    found = np.empty(values.shape, dtype=np.float32)
    for band in bands(values):
        found[band] = told[np.clip(np.rint(values[band]).astype(np.int64) - first, 0, entries - 1)]
    return found


def _items(dataset: Any, name: str) -> list[Any]:
    return list(dataset.get(name) or ())


def _numbers(dataset: Any, name: str) -> list[float | None]:
    """The numbers of an element, however many it has; None for one that is no number."""
    try:
        told = dataset.get(name)
    except (ValueError, TypeError):
        return [None]
    if told is None or told == "":
        return []
    many = told if isinstance(told, list | tuple) or hasattr(told, "insert") else [told]
    return [_finite(one) for one in many]


def _number(dataset: Any, name: str) -> float | None:
    return next(iter(_numbers(dataset, name)), None)


def _integer(dataset: Any, name: str) -> int | None:
    number = _number(dataset, name)
    return None if number is None else int(number)


def _finite(told: Any) -> float | None:
    try:
        number = float(told)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
