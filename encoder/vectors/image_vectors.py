"""The stored vectors of images by one encoder, with what is known of each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from encoder.model.checkpoint import Checkpoint, load_checkpoint
from encoder.vectors.encoding import BACKBONE
from kb.errors import UsageError
from kb.images.patient_split import Split, lies_in, read_patients
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageVectors:
    """The vectors of some images, (n, d), float32, in the order of their ids.

    Attributes:
        image_ids: whose they are.
        matrix: the vectors.
        patients: what keeps images together in a split: the patient or, if nobody knows it, the study or image.
        splits: the split of each.
        studies: the study of each, where it has one.
        patient_ids: the patient of each, where anybody knows it.
        stale: images that were left out, for their picture is another than the one that was encoded.
    """

    image_ids: list[str]
    matrix: np.ndarray
    patients: list[str]
    splits: list[Split]
    studies: list[str | None]
    patient_ids: list[str | None]
    stale: int = 0

    def __len__(self) -> int:
        return len(self.image_ids)

    def chosen(self, numbers: Sequence[int]) -> ImageVectors:
        """Those of some numbers."""
        return ImageVectors(
            image_ids=[self.image_ids[n] for n in numbers],
            matrix=self.matrix[list(numbers)],
            patients=[self.patients[n] for n in numbers],
            splits=[self.splits[n] for n in numbers],
            studies=[self.studies[n] for n in numbers],
            patient_ids=[self.patient_ids[n] for n in numbers],
            stale=self.stale,
        )

    def numbers_of(self, part: str) -> list[int]:
        """The numbers of those in a split, or in "all" or "internal"."""
        return [n for n, found in enumerate(self.splits) if lies_in(found, part)]

    def of_split(self, split: str) -> ImageVectors:
        """Those of one split."""
        return self.chosen(self.numbers_of(split))


def read_image_vectors(kb: KnowledgeBase, encoder: str, image_ids: Sequence[str] | None = None) -> ImageVectors:
    """The vectors by one encoder of the images at the commit of `kb`, or of some of them.

    A vector of a picture that was replaced since, or of an image that is gone, is none.

    Raises:
        UsageError: there are none, or an image that was asked for has none; the message names it.
    """
    some = "" if image_ids is None else f" AND image_id IN {literals(image_ids)}"
    stored = kb.dataset("image_vectors").to_table(
        columns=["image_id", "content_hash", "vector"], filter=f"encoder IN {literals([encoder])}{some}"
    )
    stored = stored.sort_by("image_id")
    images = _images(kb, None if image_ids is None else image_ids)
    pictures = zip(stored["image_id"].to_pylist(), stored["content_hash"].to_pylist(), strict=True)
    current = [image_id in images and images[image_id]["content_hash"] == content for image_id, content in pictures]
    table = stored.filter(pa.array(current, pa.bool_()))
    ids: list[str] = table["image_id"].to_pylist()
    if missing := sorted(set(image_ids or ()) - set(ids)):
        known = missing[0] in images
        what = "no vector" if known else "no such image"
        of = f" of encoder {encoder} and its present picture" if known else ""
        raise UsageError(f"{missing[0]}: {what} in {kb.uri}{of}", need="image vectors" if known else None)
    if not ids:
        raise UsageError(f"no image has a vector of encoder {encoder} in {kb.uri}", need="image vectors")
    numbers = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    entries = [images[image_id] for image_id in ids]
    patients = read_patients(kb).require_apart()
    owners = [patients.images[image_id] for image_id in ids]
    return ImageVectors(
        image_ids=ids,
        matrix=np.array(numbers, dtype=np.float32).reshape(len(ids), -1),
        patients=[one.owner for one in owners],
        splits=[patients.splits[one.owner] for one in owners],
        studies=[row["study_id"] for row in entries],
        patient_ids=[one.patient_id for one in owners],
        stale=len(current) - len(ids),
    )


def _images(kb: KnowledgeBase, ids: Sequence[str] | None) -> dict[str, Mapping[str, Any]]:
    where = None if ids is None else f"image_id IN {literals(ids)}"
    columns = ["image_id", "content_hash", "study_id"]
    return {row["image_id"]: row for row in kb.dataset("images").to_table(columns=columns, filter=where).to_pylist()}


def known_encoders(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """The encoders whose vectors are stored, those of backbones left out."""
    rows = kb.dataset("encoders").to_table().to_pylist()
    return sorted((row for row in rows if not row["encoder"].endswith(BACKBONE)), key=lambda row: row["encoder"])


def find_checkpoint(kb: KnowledgeBase, named: str | None = None) -> Checkpoint:
    """The checkpoint of an encoder whose vectors are stored.

    Args:
        kb: where.
        named: its folder, or its id or the beginning of that; None if there is only one.

    Raises:
        UsageError: none or several fit, or the checkpoint is no longer where it stood.
    """
    if named is not None and Path(named).is_dir():
        return load_checkpoint(Path(named))
    known = known_encoders(kb)
    rows = [row for row in known if named is None or row["encoder"].startswith(named)]
    text = ", ".join(f"{row['encoder']} ({row['checkpoint']})" for row in known) or "of no encoder yet"
    if not rows:
        wrong = "which encoder?" if named is None else f"there is no folder {named}, and no encoder whose id begins so:"
        raise UsageError(f"{wrong} {kb.uri} has vectors {text}; name a checkpoint", parameter="encoder")
    if len(rows) > 1:
        raise UsageError(f"which encoder? {kb.uri} has vectors of {text}: name one", parameter="encoder")
    folder = Path(rows[0]["checkpoint"])
    if not folder.is_dir():
        raise UsageError(
            f"the checkpoint of encoder {rows[0]['encoder']} stood in {folder}: name its folder", parameter="encoder"
        )
    checkpoint = load_checkpoint(folder)
    if checkpoint.encoder_id != rows[0]["encoder"]:
        raise UsageError(f"{folder} now holds encoder {checkpoint.encoder_id}, not {rows[0]['encoder']}")
    return checkpoint
