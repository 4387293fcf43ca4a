"""The labels of images: 1 where one holds, 0 where it does not, NaN where nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kb.errors import UsageError
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
    """The labels that are asked for, spelt as they are stored where they are (case and `_` aside); else all of them."""
    known = known_labels(kb, source)
    spelt = {_plain(label): label for label in known}
    return [spelt.get(_plain(label), label) for label in asked] or known


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").split()).casefold()


def read_truth(kb: KnowledgeBase, images: ImageVectors, labels: Sequence[str], source: str | None = None) -> np.ndarray:
    """What is known of images: (n, labels), float64, 1, 0 or NaN. A label of a study is one of its images.

    Raises:
        UsageError: a label is unknown, or two sources contradict each other and none was chosen.
    """
    import numpy as np

    where = f"label IN {quoted(labels)}" + ("" if source is None else f" AND source IN {quoted([source])}")
    rows = kb.dataset("labels").to_table(filter=where).to_pylist()
    missing = sorted(set(labels) - {row["label"] for row in rows})
    if missing:
        known = ", ".join(known_labels(kb)) or "none: `clear-kb ingest labels FILE` first"
        raise UsageError(f"{kb.uri} has no label '{missing[0]}': it has {known}")
    columns = {label: column for column, label in enumerate(labels)}
    by_image: dict[str, list[int]] = {image_id: [n] for n, image_id in enumerate(images.image_ids)}
    by_study: dict[str, list[int]] = {}
    for number, study in enumerate(images.studies):
        if study is not None:
            by_study.setdefault(study, []).append(number)
    truth = np.full((len(images), len(labels)), np.nan)
    for row in rows:
        if row["value"] is None:
            continue
        places = by_image.get(row["image_id"], []) if row["image_id"] else by_study.get(row["study_id"], [])
        for place in places:
            before = truth[place, columns[row["label"]]]
            if not np.isnan(before) and before != row["value"]:
                raise UsageError(
                    f"two sources contradict each other on '{row['label']}' of image {images.image_ids[place]}: "
                    "choose one with --source"
                )
            truth[place, columns[row["label"]]] = row["value"]
    return truth
