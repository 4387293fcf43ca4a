"""The normal form of an id, whatever is stored: what it says of itself, without what a file or a program put around.

An image is named by its place or by a name of its own, a study and a patient by a number or a word. Only what is known
to mean the same is made the same: MIMIC-CXR's `s50414267` is study 50414267, CheXpert's `.../patient00001/study1` is
study `patient00001/study1` wherever its folder lies, `50414000.0` is a number that a program read as a float. DICOM
UIDs and everything else stay as they are.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kb.privacy.id_key import IdKey

_FLOAT = re.compile(r"(\d+)\.0+")
_MIMIC_STUDY, _MIMIC_PATIENT = re.compile(r"s(\d{8})"), re.compile(r"p(\d{8})")
_MIMIC = re.compile(r"(?:^|/)p(\d{8})/s(\d{8})(?:/|\.txt$|$)")
_CHEXPERT = re.compile(r"(?:^|/)(patient\d+)/(study\d+)(?:/|$)")
_OPENI = re.compile(r"(?:^|/)(CXR\d+)_\d*_?IM-\d+-\d+[^/]*$")


class Place(NamedTuple):
    """What the place of a file tells of it: the study and the patient, where the layout is known."""

    study_id: str | None = None
    patient_id: str | None = None


def plain_id(text: str | None) -> str | None:
    """An id without what is of no meaning: blanks around, a float's ".0", `./` before it, a backslash for a slash."""
    if text is None:
        return None
    plain = text.strip()
    if "\\" in plain:
        plain = re.sub(r"\\+", "/", plain)
    while plain.startswith(("./", "../")):
        plain = plain.partition("/")[2].strip()
    match = _FLOAT.fullmatch(plain)
    return (match[1] if match else plain) or None


def study_id(text: str | None) -> str | None:
    """The normal form of a study's id, or of a path that ends in one."""
    plain = plain_id(text)
    if plain is None:
        return None
    if match := _MIMIC_STUDY.fullmatch(plain):
        return match[1]
    return told_by_place(plain).study_id or plain


def patient_id(text: str | None) -> str | None:
    """The normal form of a patient's id."""
    plain = plain_id(text)
    match = _MIMIC_PATIENT.fullmatch(plain or "")
    return match[1] if match else plain


def told_by_place(path: str | None) -> Place:
    """The study and patient that a path tells, in their normal forms: of MIMIC-CXR, CheXpert and Open-i.

    Args:
        path: of an image, a report or a study's folder, with slashes.
    """
    if path is None:
        return Place()
    if match := _MIMIC.search(path):
        return Place(match[2], match[1])
    if match := _CHEXPERT.search(path):
        return Place(f"{match[1]}/{match[2]}", match[1])
    if match := _OPENI.search(path):
        return Place(match[1])
    return Place()


def unit_of(
    image: str | None, study: str | None, patient: str | None, key: IdKey | None = None
) -> tuple[str | None, str | None, str | None]:
    """Image, study and patient of a row in their normal forms; a path of a known layout tells what no column does.

    With a `key` they are hashed: after their normal forms, so that what is the same id stays the same one.
    """
    whole = plain_id(image)
    place = told_by_place(whole or plain_id(study))
    unit = whole, study_id(study) or place.study_id, patient_id(patient) or place.patient_id
    return unit if key is None else (key.of(unit[0]), key.of(unit[1]), key.of(unit[2]))
