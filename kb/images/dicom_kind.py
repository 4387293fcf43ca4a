"""Whether a DICOM object is a radiograph of a chest: by its modality, its class and the body part it names."""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize

from pydicom.uid import UID

from kb.images.grey import ImageError

RADIOGRAPHS = frozenset(["CR", "DX", "DR", "RG", "XR"])
"""Modalities that are radiographs: computed, digital, on film."""

UNTOLD = frozenset(["", "OT", "SC", "ZZ", "UN", "UNKNOWN"])
"""Modalities that say nothing: scanned films and exported pictures carry them. The class and the body part decide."""

_OF_RADIOGRAPHS = re.compile(r"Computed Radiography|Digital X-Ray|Secondary Capture")
_CHEST = re.compile(
    r"chest|thora[xc]|torax|toracic|lung|pulm|heart|cardiac|ribs?\b|stern|brustkorb|poitrine|whole ?body"
)
_ELSEWHERE = re.compile(
    r"(?:abdom|kub\b|pelvi|beck|bassin|hand|mano\b|main\b|finger|thumb|wrist|hgelenk|foot|fuss|feet|toes?\b|ankle|heel|calcan|"
    r"knee|knie|genou|rodilla|patell|legs?\b|thigh|femur|tibia|fibula|hips?\b|hufte|arms?\b|forearm|humer|radius|ulna|"
    r"elbow|shoulder|hombro|schulter|scapul|clavic|head\b|skull|schadel|craneo|brain|jaw|mandib|teeth|dental|sinus|orbit|"
    r"face\b|facial|neck|cervic|[clt] ?spine|spine|lumbar|columna|sacrum|coccyx|breast|mamma|extremity|esoph|colon)"
)


def require_radiograph(dataset: Any, *, any_body_part: bool = False) -> None:
    """ImageError where a DICOM object is no radiograph, or one of another part of the body.

    Args:
        dataset: what pydicom read.
        any_body_part: take radiographs of whatever part of the body.
    """
    modality = str(dataset.get("Modality") or "").strip().upper()
    kind = _class_name(dataset)
    if kind == "Media Storage Directory":
        raise ImageError("a DICOMDIR, the index of a disc: its images are the files beside it", "a DICOMDIR")
    if modality not in RADIOGRAPHS | UNTOLD:
        what = f" ({kind})" if kind else ""
        raise ImageError(f"modality {modality}{what}: no radiograph", f"modality {modality}")
    if modality in UNTOLD and kind and not _OF_RADIOGRAPHS.search(kind):
        raise ImageError(f"a DICOM object of the class {kind}: no radiograph", f"class {kind}")
    part = str(dataset.get("BodyPartExamined") or "").strip()
    if part and not any_body_part and is_elsewhere(part):
        raise ImageError(f"a radiograph of another part of the body: {part}", f"body part {part.upper()}")


def is_elsewhere(part: str) -> bool:
    """Whether the name of a body part is clearly not the chest: "HAND" is, "CHEST ABDOMEN" and "PORTABLE" are not."""
    plain = normalize("NFKD", part.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[\W_]+", " ", plain)
    return _CHEST.search(words) is None and re.search(rf"\b{_ELSEWHERE.pattern}", words) is not None


def _class_name(dataset: Any) -> str:
    """What its class is called ("CT Image"); empty where it names none, or none that is known."""
    uid = dataset.get("SOPClassUID") or getattr(dataset.file_meta, "MediaStorageSOPClassUID", "")
    name = UID(str(uid or "")).name
    return "" if name == uid else name.removesuffix(" Storage")
