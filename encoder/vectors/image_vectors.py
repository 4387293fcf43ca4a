"""The stored vectors of images by one encoder, with what is known of each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from kb.errors import UsageError
from kb.images.patient_split import Split, lies_in
from kb.images.patients import Owner, read_patients
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from kb.vocabulary.query import run_named


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

    A vector of a picture that was replaced since, or of an image that is gone, is none. Vectors of a foreign encoder
    may be of images that only labels or predictions speak of.

    Raises:
        UsageError: there are none, or an image that was asked for has none; the message names it.
    """
    some = "" if image_ids is None else f" AND image_id IN {literals(image_ids)}"
    stored = kb.dataset("image_vectors").to_table(
        columns=["image_id", "content_hash", "vector"], filter=f"encoder IN {literals([encoder])}{some}"
    )
    stored = stored.sort_by("image_id")
    images = _images(kb, None if image_ids is None else image_ids)
    patients = read_patients(kb)
    pictures = zip(stored["image_id"].to_pylist(), stored["content_hash"].to_pylist(), strict=True)
    current = [_is_current(image, content, images, patients.images) for image, content in pictures]
    table = stored.filter(pa.array(current, pa.bool_()))
    ids: list[str] = table["image_id"].to_pylist()
    if missing := sorted(set(image_ids or ()) - set(ids)):
        known = missing[0] in patients.images
        what = "no vector" if known else "no such image"
        of = f" of encoder {encoder} and its present picture" if known else ""
        raise UsageError(f"{missing[0]}: {what} in {kb.uri}{of}", need="image vectors" if known else None)
    if not ids:
        raise UsageError(f"no image has a vector of encoder {encoder} in {kb.uri}", need="image vectors")
    patients.require_apart()
    numbers = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    owners = [patients.images[image_id] for image_id in ids]
    return ImageVectors(
        image_ids=ids,
        matrix=np.array(numbers, dtype=np.float32).reshape(len(ids), -1),
        patients=[one.owner for one in owners],
        splits=[patients.splits[one.owner] for one in owners],
        studies=_studies(kb, ids, images),
        patient_ids=[one.patient_id for one in owners],
        stale=len(current) - len(ids),
    )


def _is_current(
    image: str, content: str, images: Mapping[str, Mapping[str, Any]], spoken_of: Mapping[str, Owner]
) -> bool:
    """Whether a vector is of what its image is now; one of no picture is so while any table speaks of its image."""
    if content:
        return image in images and images[image]["content_hash"] == content
    return image in spoken_of


def _studies(kb: KnowledgeBase, ids: Sequence[str], images: Mapping[str, Mapping[str, Any]]) -> list[str | None]:
    """The study of each image: by its picture, or by the tables that speak of it."""
    told: dict[str, str] = {}
    if any(image not in images for image in ids):
        told = {row["image_id"]: row["study_id"] for row in run_named(kb, "studies_told")}
    return [images[image]["study_id"] if image in images else told.get(image) for image in ids]


def _images(kb: KnowledgeBase, ids: Sequence[str] | None) -> dict[str, Mapping[str, Any]]:
    where = None if ids is None else f"image_id IN {literals(ids)}"
    columns = ["image_id", "content_hash", "study_id"]
    return {row["image_id"]: row for row in kb.dataset("images").to_table(columns=columns, filter=where).to_pylist()}
