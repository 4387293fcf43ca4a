"""The labels of images: 1 if one holds, 0 if it does not, NaN if nobody knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.vectors.image_vectors import ImageVectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.language.labels import normal_name, with_lists
from kb.sql.views import Views
from kb.store.sqltext import literals


def known_labels(kb: KnowledgeBase, source: str | None = None) -> list[str]:
    """The labels that any image or study has, in the order of their names."""
    where = None if source is None else f"source IN {literals([source])}"
    return sorted(set(kb.dataset("labels").to_table(columns=["label"], filter=where)["label"].to_pylist()))


def wanted_labels(kb: KnowledgeBase, asked: Sequence[str], source: str | None = None) -> list[str]:
    """The labels that are asked for, spelt as stored where case and `_` alone differ, else as asked; else all of them.

    Raises:
        UsageError: a label is blank, or the source is unknown.
    """
    known = known_labels(kb, source)
    if source is not None and not known:
        sources = sorted(set(kb.dataset("labels").to_table(columns=["source"])["source"].to_pylist()))
        raise UsageError(f"source '{source}': {kb.uri} has labels of {', '.join(sources) or 'no source'}")
    spelt: dict[str, str] = {}
    for label in known:
        spelt.setdefault(plain_label(label), label)
    asked = with_lists(asked)
    if any(not plain_label(label) for label in asked):
        raise UsageError("a label is blank")
    stored = {normal_name(label): label for label in reversed(known)}
    wanted = {
        plain_label(label): label if label in known else stored.get(normal_name(label), label.strip())
        for label in asked
    }
    return list((wanted or spelt).values())


def read_truth(
    kb: KnowledgeBase, images: ImageVectors, labels: Sequence[str], *, source: str | None = None
) -> np.ndarray:
    """What is known of images: (n, labels), float64, 1, 0 or NaN.

    A label of an image counts before one of its study. A study's label reaches its images where the patients, as far
    as they are known, are the same.

    Raises:
        UsageError: no label is named, one is unknown, or two sources contradict each other and none was chosen.
    """
    named = [plain_label(label) for label in labels]
    with Views(kb) as session:
        rows = session.run(_TRUTHS, {"names": named, "source": source}).rows()
    found = {row["name"] for row in rows}
    missing = [label for label, name in zip(labels, named, strict=True) if name not in found]
    if missing or not labels:
        known = ", ".join(known_labels(kb))
        what = f"label '{missing[0]}'" if labels else "labels"
        text = f": it has {known}" if known and labels else ""
        raise UsageError(f"{kb.uri} has no {what}{text}", need=None if known else "labels")
    truth = np.full((len(images), len(labels)), np.nan)
    places = {image: place for place, image in enumerate(images.image_ids)}
    columns = {name: column for column, name in enumerate(named)}
    for row in rows:
        place, column = places.get(row["unit"]), columns[row["name"]]
        if place is None or row["value"] is None:
            continue
        if not np.isnan(truth[place, column]) and truth[place, column] != row["value"]:
            raise UsageError(
                f"two labels contradict each other on '{labels[column]}' of image {row['unit']}: "
                "name the source to go by",
                parameter="source",
            )
        truth[place, column] = row["value"]
    return truth


_TRUTHS = """
SELECT unit, name, value FROM truths
WHERE level = 'image' AND name IN (SELECT unnest($names)) AND ($source IS NULL OR source = $source)
"""
