"""Splits: which patients are trained on, which choose, and which are kept aside; never one patient in two of them.

External patients are of another place: nothing is trained on them nor chosen by them, and they are judged whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal, get_args

from kb.errors import UsageError

Split = Literal["train", "validation", "test", "external"]
SPLITS: tuple[Split, ...] = get_args(Split)

Part = Literal["all", "internal", "train", "validation", "test", "external"]
"""What rows are chosen by: a split, "all", or "internal": all that is not external."""
PARTS: tuple[Part, ...] = get_args(Part)

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
    "testing": "test",
    "external": "external",
    "external test": "external",
    "external validation": "external",
}


def split_named(text: str) -> Split | None:
    """The split that a word means ("val", "Training", "external_test"); None if it means none."""
    return _NAMES.get(" ".join(text.lower().replace("_", " ").replace("-", " ").split()))


def require_split(text: str) -> Split:
    """The split that a word means; UsageError if it means none."""
    split = split_named(text)
    if split is None:
        raise UsageError(f"split '{text}': one of {', '.join(SPLITS)} was expected", parameter="split")
    return split


def lies_in(split: str | None, part: str) -> bool:
    """Whether a split is in a part: any is in "all", any but "external" in "internal", and each in itself."""
    return part == "all" or (part == "internal" and split != "external") or split == part


def marked(attributes: Mapping[str, str], split: str | None) -> dict[str, str]:
    """The attributes of an image of a source that lies in one split as a whole, whatever its rows say of their own.

    What a row says stays beside it, as "published split".

    Raises:
        UsageError: there is no such split.
    """
    if split is None:
        return dict(attributes)
    said = {name: value for name, value in attributes.items() if name.lower() == "split"}
    kept = {name: value for name, value in attributes.items() if name not in said}
    for value in said.values():
        kept["published split"] = value
    return {**kept, "split": require_split(split)}


FOLDS = 5
"""What patients are dealt into where no validation chooses: each fold is judged by what the others chose."""


def fold_of(owner: str) -> int:
    """The fold that a patient (an image, if nobody knows the patient) is dealt into, whatever the label and run."""
    return int.from_bytes(blake2b(owner.encode(), digest_size=8, person=b"fold").digest(), "big") % FOLDS


def split_of(patient_id: str) -> Split:
    """The split that a patient (an image, if nobody knows the patient) is drawn into.

    A hash of the id draws it, so that the same patient lies in the same split in every knowledge base, however many
    others come.
    """
    drawn = int.from_bytes(blake2b(patient_id.encode(), digest_size=8).digest(), "big") / 2**64
    return "train" if drawn < TRAIN else "validation" if drawn < TRAIN + VALIDATION else "test"
