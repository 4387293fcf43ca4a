"""One radiograph, read from its file: grey pixels of 8 bits, black for air, whatever the file stores.

PNG and JPEG of 8 or 16 bits, and DICOM: rescale, window, MONOCHROME1 and the padding value are heeded.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from kb.errors import ClearKbError

SMALLEST = 32
"""Fewer pixels than this on a side are no radiograph."""

LARGEST = 20_000
"""More pixels than this on a side are refused before they are unpacked: a crafted file must not fill the memory."""

DICOM_PREAMBLE = 128


class ImageError(ClearKbError):
    """A file is no radiograph that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Radiograph:
    """A radiograph's pixels, uint8 (height, width), and what its file says of the study and the patient.

    `facts` may hold study_id, patient_id, view, sex, age; only DICOM files say any of them.
    """

    pixels: np.ndarray
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)


def read_radiograph(data: bytes) -> Radiograph:
    """The radiograph that the bytes of a file hold.

    Raises:
        ImageError: the bytes are no image, are cut or broken, hold one colour only, or more or less than one picture.
    """
    if not data:
        raise ImageError("the file is empty")
    found = _read_dicom(data) if data[DICOM_PREAMBLE : DICOM_PREAMBLE + 4] == b"DICM" else _read_picture(data)
    height, width = found.pixels.shape
    if min(height, width) < SMALLEST:
        raise ImageError(f"{width} x {height} pixels: too small for a radiograph")
    if found.pixels.min() == found.pixels.max():
        raise ImageError("blank: every pixel is the same")
    return found


def _read_picture(data: bytes) -> Radiograph:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            _check_size(*picture.size)
            kind = f"{picture.format} {picture.mode}"
            if picture.mode.startswith("I") or picture.mode == "F":
                pixels = _stretched(np.asarray(picture, dtype=np.float64))
            else:
                pixels = np.asarray(_flat(picture).convert("L"))
    except UnidentifiedImageError as error:
        raise ImageError("not a PNG, JPEG or DICOM image") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"broken image: {error}") from error
    return Radiograph(pixels, kind)


def _flat(picture: Any) -> Any:
    """A picture without transparency: what shows through is black."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    layered = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, (0, 0, 0, 255)), layered)


def _read_dicom(data: bytes) -> Radiograph:
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(io.BytesIO(data))
        if "PixelData" not in dataset:
            raise ImageError("a DICOM file without pixels")
        _check_size(int(dataset.Columns), int(dataset.Rows))
        if int(dataset.get("NumberOfFrames", 1) or 1) != 1:
            raise ImageError(f"a DICOM file of {dataset.NumberOfFrames} pictures, not one")
        pixels = _dicom_pixels(dataset)
    except ImageError:
        raise
    except (
        InvalidDicomError,
        AttributeError,
        ValueError,
        KeyError,
        RuntimeError,
        NotImplementedError,
        OSError,
    ) as error:
        raise ImageError(f"broken DICOM: {error}") from error
    return Radiograph(pixels, f"DICOM {dataset.get('PhotometricInterpretation', '')}".strip(), _dicom_facts(dataset))


def _dicom_pixels(dataset: Any) -> np.ndarray:
    """The pixels as a reader sees them: modality values, through the window, black for air, padding black."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    stored = dataset.pixel_array
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if stored.ndim == 3:
        return np.asarray(stored[..., :3].mean(axis=-1).round().clip(0, 255), dtype=np.uint8)
    if stored.ndim != 2:
        raise ImageError(f"pixels of shape {stored.shape} are no picture")
    padding = _padding(dataset, stored)
    values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
    if "WindowCenter" in dataset or "VOILUTSequence" in dataset:
        values = np.asarray(apply_voi_lut(values, dataset), dtype=np.float64)
    pixels = _stretched(values, None if padding is None else ~padding)
    if photometric == "MONOCHROME1":
        pixels = 255 - pixels
    if padding is not None:
        pixels[padding] = 0
    return pixels


def _padding(dataset: Any, stored: np.ndarray) -> np.ndarray | None:
    """Where the detector saw nothing; None if the file names no padding value."""
    if "PixelPaddingValue" not in dataset:
        return None
    value = int(dataset.PixelPaddingValue)
    other = int(dataset.get("PixelPaddingRangeLimit", value))
    mask: np.ndarray = (stored >= min(value, other)) & (stored <= max(value, other))
    return mask if mask.any() and not mask.all() else None


def _dicom_facts(dataset: Any) -> dict[str, str]:
    named = {
        "study_id": "StudyInstanceUID",
        "patient_id": "PatientID",
        "view": "ViewPosition",
        "sex": "PatientSex",
        "age": "PatientAge",
    }
    fields = {name: str(dataset.get(keyword, "") or "").strip() for name, keyword in named.items()}
    return {name: value for name, value in fields.items() if value}


def _stretched(values: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    """Values as 0 to 255, from the least to the greatest of those `inside` (default: of all)."""
    counted = values if inside is None else values[inside]
    low, high = float(counted.min()), float(counted.max())
    if not np.isfinite([low, high]).all():
        raise ImageError("pixels that are not finite")
    if high == low:
        return np.zeros(values.shape, dtype=np.uint8)
    return np.asarray(((values - low) / (high - low)).clip(0, 1) * 255 + 0.5, dtype=np.uint8)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LARGEST:
        raise ImageError(f"{width} x {height} pixels: more than {LARGEST:,} on a side")
