"""One radiograph, read from its file: grey pixels of 8 bits, black for air, whatever the file stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kb.images.grey import PREAMBLE, SMALLEST, ImageError
from kb.images.picture import describe_picture, read_picture

_BARE = (b"\x08\x00", b"\x02\x00", b"\x00\x08", b"\x00\x02")
"""What a DICOM file begins with that has no preamble: an element of the groups 2 or 8, in either order of bytes."""


def is_dicom(data: bytes) -> bool:
    """Whether bytes look like a DICOM file: by the mark after the preamble, or by the first element."""
    return data[PREAMBLE : PREAMBLE + 4] == b"DICM" or (data[:2] in _BARE and len(data) > PREAMBLE)


@dataclass(frozen=True, slots=True)
class Radiograph:
    """A radiograph's pixels, uint8 (height, width), and what its file says of the study and the patient.

    `facts` may hold study_id, patient_id, view (one of `schemas.terms.VIEWS`), view_given (what was said of the view
    and not understood), sex, age; only DICOM files say any of them. `notes` say what of the file could not be used.
    """

    pixels: np.ndarray
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What the header of a radiograph's file says: its width and height, and as of a `Radiograph`."""

    size: tuple[int, int]
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)


def describe_radiograph(data: bytes, *, any_body_part: bool = False) -> Description:
    """What a file that was read before says in its header; its pixels are not unpacked again.

    Raises:
        ImageError: the bytes are no image, or what is no radiograph of a chest.
    """
    if is_dicom(data):
        from kb.images.dicom import describe_dicom

        return Description(*describe_dicom(data, any_body_part=any_body_part))
    return Description(*describe_picture(data))


def read_radiograph(data: bytes, *, any_body_part: bool = False) -> Radiograph:
    """The radiograph that the bytes of a file hold.

    Args:
        data: the file: PNG, JPEG or DICOM.
        any_body_part: take a DICOM radiograph of whatever part of the body.

    Raises:
        ImageError: the bytes are no image, are cut or broken, hold one colour only, more or less than one picture, or
            what is no radiograph of a chest.
    """
    if not data:
        raise ImageError("the file is empty", "empty")
    if is_dicom(data):
        from kb.images.dicom import read_dicom

        found = Radiograph(*read_dicom(data, any_body_part=any_body_part))
    else:
        found = Radiograph(*read_picture(data))
    height, width = found.pixels.shape
    if min(height, width) < SMALLEST:
        raise ImageError(f"{width} x {height} pixels: too small for a radiograph", "too small")
    if found.pixels.min() == found.pixels.max():
        raise ImageError("blank: every pixel is the same", "blank")
    return found
