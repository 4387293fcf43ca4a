"""The labels of images: 1 where one holds, 0 where it does not, NaN where nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kb.errors import UsageError
from kb.label_names import plain_label
from kb.storage import quoted

if TYPE_CHECKING:
    import numpy as np

    from encoder.image_vectors import ImageVectors
    from kb.knowledge_base import KnowledgeBase


def known_labels(kb: KnowledgeBase, source: str | None = None) -> list[str]:
    """The labels that any image or study has, in the order of their names."""
    where = None if source is None else f"source IN {quoted([source])}"
    return sorted(set(kb.dataset("labels").to_table(columns=["label"], filter=where)["label"].to_pylist()))


def wanted_labels(kb: KnowledgeBase, asked: Sequence[str], source: str | None = None) -> list[str]:
    """The labels that are asked for, spelt as they are stored where they are (case and `_` aside); else all of them.

    Raises:
        UsageError: a label is blank, or the source is unknown.
    """
    known = known_labels(kb, source)
    if source is not None and not known:
        sources = sorted(set(kb.dataset("labels").to_table(columns=["source"])["source"].to_pylist()))
        raise UsageError(f"--source {source}: {kb.uri} has labels of {', '.join(sources) or 'no source'}")
    spelt: dict[str, str] = {}
    for label in known:
        spelt.setdefault(plain_label(label), label)
    if any(not plain_label(label) for label in asked):
        raise UsageError("a blank --label")
    wanted = {plain_label(label): spelt.get(plain_label(label), label.strip()) for label in asked}
    return list((wanted or spelt).values())


def read_truth(kb: KnowledgeBase, images: ImageVectors, labels: Sequence[str], source: str | None = None) -> np.ndarray:
    """What is known of images: (n, labels), float64, 1, 0 or NaN.

    A label of an image counts before one of its study. A study's label reaches its images where the patients, as far
    as they are known, are the same.

    Raises:
        UsageError: no label is named, one is unknown, or two sources contradict each other and none was chosen.
    """
    import numpy as np

    rows = kb.dataset("labels").to_table(filter=None if source is None else f"source IN {quoted([source])}").to_pylist()
    columns = {plain_label(label): column for column, label in enumerate(labels)}
    found = {plain_label(row["label"]) for row in rows}
    missing = [label for label in labels if plain_label(label) not in found]
    if missing or not labels:
        known = ", ".join(known_labels(kb)) or "none: `clear-kb ingest labels FILE` first"
        raise UsageError(f"{kb.uri} has no label '{missing[0]}': it has {known}" if labels else f"labels: {known}")
    truth = np.full((len(images), len(labels)), np.nan)
    places = _places(images)
    for of_image in (True, False):  # the images' own first, and what a study says only where they say nothing
        said = np.full_like(truth, np.nan)
        for row in rows:
            column = columns.get(plain_label(row["label"]))
            if column is None or row["value"] is None or (row["image_id"] is not None) != of_image:
                continue
            for place in places.get((of_image, row["image_id"] if of_image else row["study_id"]), ()):
                if _another_patient(images.patient_ids[place], row["patient_id"]):
                    continue
                if not np.isnan(said[place, column]) and said[place, column] != row["value"]:
                    raise UsageError(
                        f"two labels contradict each other on '{row['label']}' of image {images.image_ids[place]}: "
                        "choose a source with --source"
                    )
                said[place, column] = row["value"]
        truth = np.where(np.isnan(truth), said, truth)
    return truth


def _places(images: ImageVectors) -> dict[tuple[bool, str | None], list[int]]:
    """Where an image (True, id) and the images of a study (False, id) stand."""
    places: dict[tuple[bool, str | None], list[int]] = {(True, image): [n] for n, image in enumerate(images.image_ids)}
    for number, study in enumerate(images.studies):
        if study is not None:
            places.setdefault((False, study), []).append(number)
    return places


def _another_patient(known: str | None, told: str | None) -> bool:
    return known is not None and told is not None and known != told
