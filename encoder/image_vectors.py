"""The stored vectors of images by one encoder, with what is known of each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoder.encoding import BACKBONE
from encoder.splits import split_of
from kb.errors import UsageError
from kb.storage import quoted

if TYPE_CHECKING:
    import numpy as np

    from encoder.checkpoint import Checkpoint
    from kb.knowledge_base import KnowledgeBase


@dataclass(frozen=True, eq=False)
class ImageVectors:
    """The vectors of some images, (n, d), float32, in the order of their ids."""

    image_ids: list[str]
    matrix: np.ndarray
    patients: list[str]
    splits: list[str]
    studies: list[str | None]

    def __len__(self) -> int:
        return len(self.image_ids)

    def chosen(self, numbers: Sequence[int]) -> ImageVectors:
        """Those of some numbers."""
        return ImageVectors(
            [self.image_ids[n] for n in numbers],
            self.matrix[list(numbers)],
            [self.patients[n] for n in numbers],
            [self.splits[n] for n in numbers],
            [self.studies[n] for n in numbers],
        )

    def of_split(self, split: str) -> ImageVectors:
        """Those of one split."""
        return self.chosen([n for n, found in enumerate(self.splits) if found == split])


def read_image_vectors(kb: KnowledgeBase, encoder: str, image_ids: Sequence[str] | None = None) -> ImageVectors:
    """The vectors by one encoder of the images at the commit of `kb`, or of some of them.

    Raises:
        UsageError: there are none, or an image has none; the message names it.
    """
    import numpy as np

    where = f"encoder IN {quoted([encoder])}"
    some = "" if image_ids is None else f" AND image_id IN {quoted(image_ids)}"
    table = kb.dataset("image_vectors").to_table(columns=["image_id", "vector"], filter=where + some)
    table = table.sort_by("image_id")
    ids: list[str] = table["image_id"].to_pylist()
    missing = sorted(set(image_ids or ()) - set(ids))
    if missing or not ids:
        what = f"image {missing[0]} has" if missing else "no image has"
        raise UsageError(
            f"{what} {'no' if missing else 'a'} vector of encoder {encoder} in {kb.uri}: `clear-kb encode`"
        )
    numbers = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    images = _images(kb, ids if image_ids is not None else None)
    told = [images.get(image_id, {}) for image_id in ids]
    patients = [
        row.get("patient_id") or row.get("study_id") or image_id for row, image_id in zip(told, ids, strict=True)
    ]
    attributes = [{pair["name"]: pair["value"] for pair in row.get("attributes") or ()} for row in told]
    splits: list[str] = [split_of(patient, said) for patient, said in zip(patients, attributes, strict=True)]
    matrix = np.array(numbers, dtype=np.float32).reshape(len(ids), -1)
    return ImageVectors(ids, matrix, patients, splits, [row.get("study_id") for row in told])


def _images(kb: KnowledgeBase, ids: Sequence[str] | None) -> dict[str, Mapping[str, Any]]:
    where = None if ids is None else f"image_id IN {quoted(ids)}"
    columns = ["image_id", "patient_id", "study_id", "attributes"]
    return {row["image_id"]: row for row in kb.dataset("images").to_table(columns=columns, filter=where).to_pylist()}


def known_encoders(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """The encoders whose vectors are stored, those of backbones left out."""
    rows = kb.dataset("encoders").to_table().to_pylist()
    return sorted((row for row in rows if not row["encoder"].endswith(BACKBONE)), key=lambda row: row["encoder"])


def find_checkpoint(kb: KnowledgeBase, named: str | None = None) -> Checkpoint:
    """The checkpoint of an encoder whose vectors are stored.

    Args:
        kb: where.
        named: its folder, or its id or the beginning of that; None where there is only one.

    Raises:
        UsageError: none or several fit, or the checkpoint is no longer where it stood.
    """
    from encoder.checkpoint import load_checkpoint

    if named is not None and Path(named).is_dir():
        return load_checkpoint(Path(named))
    rows = [row for row in known_encoders(kb) if named is None or row["encoder"].startswith(named)]
    if len(rows) != 1:
        told = ", ".join(f"{row['encoder']} ({row['checkpoint']})" for row in rows) or "none"
        which = "name one with --encoder FOLDER|ID" if named is None and rows else "`clear-kb encode --encoder FOLDER`"
        raise UsageError(f"which encoder? {kb.uri} has vectors of {told}: {which}")
    folder = Path(rows[0]["checkpoint"])
    if not folder.is_dir():
        raise UsageError(f"the checkpoint of encoder {rows[0]['encoder']} stood in {folder}: say --encoder FOLDER")
    checkpoint = load_checkpoint(folder)
    if checkpoint.encoder_id != rows[0]["encoder"]:
        raise UsageError(f"{folder} now holds encoder {checkpoint.encoder_id}, not {rows[0]['encoder']}")
    return checkpoint
