"""Splits: which patients are trained on, which choose, and which are kept aside; never one patient in two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Literal, get_args

from kb.errors import UsageError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

TRAIN, VALIDATION = 0.7, 0.1
"""The share of patients that is trained on and that chooses; what is left is the test."""

_NAMES: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


def split_of(patient_id: str, attributes: Mapping[str, str] | None = None) -> Split:
    """The split of a patient (of an image, where nobody knows the patient).

    An attribute `split` of the image decides where its table has one. Else a hash of the id does, so that the same
    patient lies in the same split in every knowledge base, however many others come.

    Raises:
        UsageError: the attribute says something that is no split.
    """
    named = (attributes or {}).get("split")
    if named is not None:
        if named.strip().lower() not in _NAMES:
            raise UsageError(f"the split '{named}' of {patient_id}: one of {', '.join(SPLITS)} was expected")
        return _NAMES[named.strip().lower()]
    drawn = int.from_bytes(blake2b(patient_id.encode(), digest_size=8).digest(), "big") / 2**64
    return "train" if drawn < TRAIN else "validation" if drawn < TRAIN + VALIDATION else "test"


def splits_of(patients: Sequence[str], attributes: Sequence[Mapping[str, str]]) -> list[Split]:
    """The splits of images by their patients: one patient is in one split, whatever is said of single images.

    Where some images of a patient name a split, it is that of all of them.

    Raises:
        UsageError: the images of one patient name two splits, or something that is no split.
    """
    named: dict[str, Split] = {}
    for patient, said in zip(patients, attributes, strict=True):
        if said.get("split") is None:
            continue
        split = split_of(patient, said)
        if named.setdefault(patient, split) != split:
            raise UsageError(
                f"patient {patient} lies in two splits, {named[patient]} and {split}: name one for all images"
            )
    return [named.get(patient) or split_of(patient) for patient in patients]
