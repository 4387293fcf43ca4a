"""Whose each vector of a file is: the image that its id means, or why it is taken for none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.identity.normal import plain_id
from ingest.identity.stored import SPEAK, resolve_units, stored_ids
from ingest.joins import require_vector_join
from ingest.vectors.vector_rows import VectorFile
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey


@dataclass(frozen=True, eq=False, kw_only=True)
class Owners:
    """What the ids of a file were found to be.

    Attributes:
        images: the image of each row; None where it is of none that is here.
        read: rows.
        dimension: the numbers of most vectors.
        told: the images that the file names.
        here: those of them that are stored, or that labels or predictions speak of.
        elsewhere: those that are not.
        resolved: images found under another spelling, by the rule that found them.
        rejects: rows that name no image, or may mean several: their number and why.
        pictures: the content of each stored picture.
    """

    images: Sequence[str | None]
    read: int
    dimension: int
    told: int
    here: int
    elsewhere: Sequence[str]
    resolved: Mapping[str, int]
    rejects: Sequence[tuple[int, str]]
    pictures: Mapping[str, str]


def find_owners(kb: KnowledgeBase, file: VectorFile, key: IdKey | None = None) -> Owners:
    """Go through a file of vectors for its ids, and find the images that they mean.

    Raises:
        UsageError: nothing is stored that vectors could be of, or several patches of each image are told as vectors.
        ClearKbError: it holds no vector, or none of its images is here.
    """
    ids, lengths = _ids_and_lengths(file)
    if not lengths:
        raise ClearKbError(f"{file.name} holds no vector")
    known = stored_ids(kb, "images")[0].union(*(stored_ids(kb, table)[0] for table in SPEAK))
    if not known:
        raise _nothing_to_join(kb)
    plain = [plain_id(one) if key is None else key.of(plain_id(one)) for one in ids]
    asked = {one for one in plain if one is not None}
    resolved = resolve_units(kb, {(one, None, None) for one in asked})
    images: list[str | None] = []
    rejects: list[tuple[int, str]] = []
    for row, one in enumerate(plain, start=1):
        refusal = None if one is None else resolved.refusal((one, None, None))
        if one is None or refusal is not None:
            rejects.append((row, refusal or "it names no image"))
        found = None if one is None or refusal is not None else resolved.images[one]
        images.append(found if found in known else None)
    here = {one for one in images if one is not None}
    if not here:
        require_vector_join(kb, asked, known)
    _require_no_patches(file, images, here)
    return Owners(
        images=images,
        read=len(ids),
        dimension=lengths.most_common(1)[0][0],
        told=len(asked),
        here=len(here),
        elsewhere=sorted(
            one for one in asked if resolved.images[one] not in known and one not in resolved.images.refused
        ),
        resolved=resolved.images.rules,
        rejects=rejects,
        pictures=_pictures(kb),
    )


def _nothing_to_join(kb: KnowledgeBase) -> UsageError:
    if any(stored_ids(kb, table)[1] for table in SPEAK):
        return UsageError(
            f"labels and predictions in {kb.uri} are of studies, and a vector is of one image: bring images in, or "
            "take the tables in with the column of studies named as 'image', if each study has one vector",
            need="images",
        )
    return UsageError(
        f"{kb.uri} holds no image that vectors could be of, nor labels or predictions of any: bring these in first",
        need="images",
    )


def _ids_and_lengths(file: VectorFile) -> tuple[list[str | None], Counter[int]]:
    ids: list[str | None] = []
    lengths: Counter[int] = Counter()
    for rows in file:
        ids += rows.ids
        if isinstance(rows.vectors, np.ndarray):
            lengths[rows.vectors.shape[-1]] += len(rows.vectors)
            deep = rows.vectors.ndim > 2
        else:
            lengths.update(one.shape[-1] for one in rows.vectors if one is not None)
            deep = any(one is not None and one.ndim > 1 for one in rows.vectors)
        if deep:
            raise UsageError(
                f"{file.name} holds several vectors an image, as of patches: say so, and their mean is taken",
                parameter="patches",
            )
    return ids, lengths


def _require_no_patches(file: VectorFile, images: Sequence[str | None], here: set[str]) -> None:
    """Refuse a file in which every image stands several times: its rows are patches, and nobody has said so."""
    counts = Counter(one for one in images if one is not None)
    if here and min(counts.values()) > 1:
        raise UsageError(
            f"{file.name} has {max(counts.values()):,} vectors of image {counts.most_common(1)[0][0]}, and several of "
            "every other: if they are of its patches, say so, and their mean is taken",
            parameter="patches",
        )


def _pictures(kb: KnowledgeBase) -> dict[str, str]:
    contents: dict[str, str] = {}
    for batch in kb.dataset("images").to_batches(columns=["image_id", "content_hash"]):
        contents.update(zip(batch["image_id"].to_pylist(), batch["content_hash"].to_pylist(), strict=True))
    return contents
