"""A DICOM file as grey pixels, and what its header says of the study, the patient and the view.

Uncompressed, deflated, RLE, JPEG (baseline, lossless), JPEG-LS and JPEG 2000; with or without the preamble.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian

from kb.images.decoder import DecoderEnded, unpacked
from kb.images.dicom_kind import require_radiograph
from kb.images.dicom_values import grey_values
from kb.images.grey import PREAMBLE, ImageError, check_size
from kb.images.view import normal_view

LARGEST_INFLATED = 300_000_000
"""More bytes than this in a deflated file are refused before they fill the memory."""

INFLATED_AT_ONCE = 1 << 20

_FACTS = {"study_id": "StudyInstanceUID", "patient_id": "PatientID", "sex": "PatientSex", "age": "PatientAge"}
_BROKEN = (
    InvalidDicomError,
    AttributeError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    NotImplementedError,
    OSError,
    zlib.error,
)


def read_dicom(data: bytes, *, any_body_part: bool = False) -> tuple[np.ndarray, str, dict[str, str], tuple[str, ...]]:
    """The grey pixels of a DICOM file, what it is, what its header says, and notes on what had to be left out.

    Raises:
        ImageError: it is broken, holds no or several pictures, or is no radiograph of a chest.
    """
    notes: list[str] = []
    with _as_image_error():
        dataset = _opened(data, any_body_part, notes)
        pixels = grey_values(dataset, _stored(data, dataset, notes), notes)
        if "processing" in str(dataset.get("PresentationIntentType") or "").lower():
            notes.append("raw pixels of a detector (FOR PROCESSING): their greys are not those that a reader sees")
        return pixels, _kind(dataset), _facts(dataset), tuple(notes)


def describe_dicom(data: bytes, *, any_body_part: bool = False) -> tuple[tuple[int, int], str, dict[str, str]]:
    """The width and height of a DICOM picture, what it is, and what its header says; its pixels are not unpacked.

    Raises:
        ImageError: it is broken, holds no or several pictures, or is no radiograph of a chest.
    """
    with _as_image_error():
        dataset = _opened(data, any_body_part, [])
        return (int(dataset.Columns), int(dataset.Rows)), _kind(dataset), _facts(dataset)


@contextmanager
def _as_image_error() -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except _BROKEN as error:
        said = " ".join(str(error).split())
        if "12-bit" in said and "JPEG Extended" in said:
            kind = "JPEG Extended of 12 bits"
            raise ImageError(
                f"{kind}, which nothing here decodes: save it uncompressed or as JPEG Lossless", kind
            ) from error
        raise ImageError(f"broken DICOM: {said[:300]}", "broken DICOM") from error


def _kind(dataset: Any) -> str:
    return f"DICOM {dataset.get('PhotometricInterpretation', '')}".strip()


def _opened(data: bytes, any_body_part: bool, notes: list[str]) -> Any:
    """The data set of a file that holds one radiograph."""
    with_preamble = data[PREAMBLE : PREAMBLE + 4] == b"DICM"
    _require_small_when_inflated(data)
    dataset = pydicom.dcmread(io.BytesIO(data), force=not with_preamble)
    if not with_preamble and len(dataset) < 3:
        raise ImageError("not a PNG, JPEG or DICOM image", "no image")
    if not len(dataset):
        raise ImageError("broken DICOM: it ends in the middle of an element, so it was cut", "broken DICOM")
    require_radiograph(dataset, any_body_part=any_body_part)
    _require_one_picture(dataset, notes)
    return dataset


def _require_small_when_inflated(data: bytes) -> None:
    """ImageError where a deflated file would unpack to more than any radiograph has."""
    begins = PREAMBLE + 16 + int.from_bytes(data[PREAMBLE + 12 : PREAMBLE + 16], "little")
    if DeflatedExplicitVRLittleEndian.encode() not in data[PREAMBLE:begins]:
        return
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    rest, size = data[begins:], 0
    while rest and not unpacking.eof:
        size += len(unpacking.decompress(rest, INFLATED_AT_ONCE))
        rest = unpacking.unconsumed_tail
        if size > LARGEST_INFLATED:
            raise ImageError(f"a deflated file of more than {LARGEST_INFLATED:,} bytes", "too large")


def _require_one_picture(dataset: Any, notes: list[str]) -> None:
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        cut = ", though it says how many: it was cut" if "Rows" in dataset else ""
        raise ImageError(f"a DICOM file without pixels{cut}", "no pixels")
    if "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError("a DICOM file that does not say how large its picture is", "broken DICOM")
    check_size(int(dataset.Columns), int(dataset.Rows))
    frames = _frames(dataset)
    if frames > 1:
        raise ImageError(f"a DICOM file of {frames} pictures, not one", "several pictures")
    if "NumberOfFrames" in dataset and frames < 1:
        notes.append("a number of frames that is none: taken as 1")
        dataset.NumberOfFrames = 1


def _frames(dataset: Any) -> int:
    """How many pictures the file says it holds; 0 where it says what is no number."""
    try:
        return int(dataset.get("NumberOfFrames", 1) or 0)
    except (TypeError, ValueError):
        return 0


def _stored(data: bytes, dataset: Any, notes: list[str]) -> np.ndarray:
    """The numbers as they are stored; what the header leaves out is taken from what it does say."""
    wide = 8 * len(dataset.get("PixelData") or b"") // max(1, int(dataset.Rows) * int(dataset.Columns))
    usual = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16 if wide >= 16 else 8}
    usual |= {"BitsStored": dataset.get("BitsAllocated") or usual["BitsAllocated"], "PixelRepresentation": 0}
    for name, value in usual.items():
        if dataset.get(name) in (None, ""):
            setattr(dataset, name, value)
            notes.append(f"no {name} in the header: taken as {value}")
    if dataset.get("HighBit") in (None, ""):
        dataset.HighBit = int(dataset.BitsStored) - 1
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        syntaxes = {(True, True): pydicom.uid.ImplicitVRLittleEndian, (False, False): pydicom.uid.ExplicitVRBigEndian}
        dataset.file_meta.TransferSyntaxUID = syntaxes.get((implicit, little), pydicom.uid.ExplicitVRLittleEndian)
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return np.asarray(dataset.pixel_array)
    told = {name: dataset.get(name) for name in (*usual, "HighBit", "NumberOfFrames")}
    elements = {
        name: value if isinstance(value, str) else int(value) for name, value in told.items() if value is not None
    }
    try:
        return unpacked(data, elements)
    except DecoderEnded as error:
        raise ImageError(f"broken DICOM: {error} over its compressed pixels", "broken DICOM") from error


def _facts(dataset: Any) -> dict[str, str]:
    """What the header says; a view that is not understood stands as `view_given`."""
    facts = {name: _text(dataset, keyword) for name, keyword in _FACTS.items()}
    said = list(_views(dataset))
    known = [view for view in map(normal_view, said) if view is not None]
    if known:
        finer = [view for view in known if view in ("PA", "AP")]
        facts["view"] = finer[0] if known[0] == "frontal" and finer else known[0]
    else:
        facts["view_given"] = said[0] if said else ""
    return {name: value for name, value in facts.items() if value}


def _views(dataset: Any) -> Iterator[str]:
    """What a header says of the view, the surest first."""
    codes = dataset.get("ViewCodeSequence") or ()
    told = [_text(dataset, "ViewPosition"), *(_text(code, "CodeMeaning") for code in codes)]
    told += [_text(dataset, name) for name in ("SeriesDescription", "ProtocolName")]
    try:
        orientation = dataset.get("PatientOrientation") or ()
    except ValueError:
        orientation = ()
    if len(orientation) == 2:
        told.append("\\".join(map(str, orientation)))
    return (one for one in told if one)


def _text(dataset: Any, keyword: str) -> str:
    """An element as text; one that does not fit its own type is none."""
    try:
        return str(dataset.get(keyword, "") or "").strip()
    except (ValueError, TypeError, UnicodeError):
        return ""
