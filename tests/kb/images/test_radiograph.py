"""Every way a radiograph is stored gives the same grey picture, and what is none says why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kb.images.radiograph import ImageError, describe_radiograph, read_radiograph
from tests.support.radiographs import as_uint16, chest, dicom, encoded


@pytest.mark.parametrize(
    "make",
    [
        lambda p: encoded(p, "PNG"),
        lambda p: encoded(as_uint16(p, 256), "PNG"),
        lambda p: encoded(np.stack([p] * 3, axis=-1), "PNG"),
        lambda p: encoded(p, "JPEG", quality=100),
        lambda p: dicom(p),
        lambda p: dicom(as_uint16(p)),
        lambda p: dicom(as_uint16(255 - p), PhotometricInterpretation="MONOCHROME1"),
        lambda p: dicom(as_uint16(p), RescaleSlope="2", RescaleIntercept="-1000"),
        lambda p: dicom(as_uint16(p), WindowCenter="2040", WindowWidth="4081"),
    ],
)
def test_one_picture_however_it_is_stored(make: Callable[[np.ndarray], bytes]) -> None:
    found = read_radiograph(make(chest())).pixels
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - chest().astype(int)).max() <= 3


def test_a_window_cuts_what_lies_outside() -> None:
    found = read_radiograph(dicom(as_uint16(chest()), WindowCenter="1600", WindowWidth="800")).pixels
    assert found[0, 60] == 0 and (found[:40, 60] == 0).all()
    assert found[-1, 60] == 255


def test_padding_is_black_and_stretches_nothing() -> None:
    stored = as_uint16(chest())
    stored[:, -20:] = 65_535
    found = read_radiograph(dicom(stored, PixelPaddingValue=65_535)).pixels
    assert (found[:, -20:] == 0).all()
    assert np.abs(found[:, :100].astype(int) - chest()[:, :100].astype(int)).max() <= 3


def test_dicom_tells_of_study_and_patient() -> None:
    told = read_radiograph(dicom(chest(), PatientID="P7", PatientSex="F", PatientAge="063Y", ViewPosition="PA")).facts
    assert told == {"patient_id": "P7", "sex": "F", "age": "063Y", "view": "PA"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"no image at all", "not a PNG"),
        (encoded(chest(), "PNG")[:200], "broken"),
        (encoded(chest(), "JPEG")[:700], "broken"),
        (encoded(np.full((60, 60), 9, np.uint8), "PNG"), "blank"),
        (encoded(chest(16, 200), "PNG"), "too small"),
        (dicom(chest())[:-5000], "broken DICOM"),
        (dicom(chest(), NumberOfFrames="2"), "2 pictures"),
        (b"\0" * 128 + b"DICM" + b"rubbish", "DICOM"),
        (encoded(np.zeros((1, 30_000), np.uint8), "PNG"), "more than 20,000"),
    ],
    ids=range(10),  # the bytes hold ids of their own making: they name no test
)
def test_what_is_no_radiograph_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        read_radiograph(data)


@pytest.mark.parametrize(
    "data",
    [
        encoded(chest(), "PNG"),
        encoded(np.stack([chest()] * 3, axis=-1), "JPEG"),
        dicom(as_uint16(chest()), Modality="DX", ViewPosition="LL", PatientAge="063Y"),
    ],
    ids=["png", "jpeg", "dicom"],
)
def test_the_header_alone_says_the_same(data: bytes) -> None:
    read, described = read_radiograph(data), describe_radiograph(data)
    assert described.size == read.pixels.shape[::-1]
    assert (described.kind, described.facts) == (read.kind, read.facts)
