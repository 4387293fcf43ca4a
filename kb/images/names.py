"""What names of image files are made of: folders, a name, endings; and which names many patients have."""

from __future__ import annotations

import re

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".tif", ".tiff", ".gz"))
"""What names of image files end in, in small letters; a file may have several ("1_IM-0001.dcm.png")."""

_OF_MANY = re.compile(
    r"(?:study|exam|view|series|image|img|scan|visit|session|frontal|lateral|pa|ap)[-_ ]?\d{0,4}"
    r"(?:[-_ ](?:frontal|lateral|pa|ap))?",
    re.I,
)


def is_of_many(part: str) -> bool:
    """Whether many patients have a folder or file of this name, so that on its own it names nothing."""
    return _OF_MANY.fullmatch(part) is not None


def stem(name: str) -> str:
    """An image's name without the endings that its files have; what else stands after a dot is of the name."""
    short = name
    while True:
        head, dot, last = short.rpartition(".")
        if not dot or not head or head.endswith("/") or f".{last.lower()}" not in ENDINGS:
            return short
        short = head
