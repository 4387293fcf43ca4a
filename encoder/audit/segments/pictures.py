"""Properties of the pictures of rows as attributes: what a model may trip over that no table tells of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from encoder.audit.rows import AuditRows
from encoder.audit.segments.attributes import Attribute, attribute_of
from encoder.vectors.picture_properties import NAMES, Shape, read_properties
from kb.images.properties import Properties
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher

SHARES = ("dark_border", "light_border", "corner_text")
"""Properties that are shares of the picture: told in per cent."""


def picture_attributes(kb: KnowledgeBase, rows: AuditRows, watcher: Watcher) -> tuple[list[Attribute], list[str]]:
    """Brightness, contrast, sharpness, borders, text, size, aspect and kind of file; and what is not known of them.

    A prediction of a study has no picture of its own.
    """
    wanted = {image for image in rows.image_ids if image is not None}
    if not wanted:
        return [], ["the predictions are of studies: no property of a picture is looked at"]
    columns = ["image_id", "content_hash", "kind", "width", "height"]
    table = kb.dataset("images").to_table(columns=columns).to_pylist()
    images = {row["image_id"]: row for row in table if row["image_id"] in wanted and row["content_hash"]}
    if not images:
        return [], ["no picture is stored: brightness, sharpness, borders and burnt-in text are not looked at"]
    shapes = [Shape(row["content_hash"], row["width"], row["height"]) for row in images.values()]
    measured, notes = read_properties(kb, shapes, watcher)
    told = [images.get(image) if image is not None else None for image in rows.image_ids]
    columns_of = {name.replace("_", " "): [_measure(measured, row, name) for row in told] for name in NAMES}
    columns_of["width"] = [None if row is None else row["width"] for row in told]
    columns_of["aspect"] = [row["width"] / row["height"] if row and row["height"] else None for row in told]
    found = [
        Attribute(name=name, kind="image", values=np.array(values, dtype=np.float64))
        for name, values in columns_of.items()
    ]
    kinds = attribute_of("file kind", [None if row is None else row["kind"] for row in told], "image")
    return [one for one in (*found, *([kinds] if kinds is not None else [])) if one.tells], notes


def _measure(measured: Mapping[str, Properties], row: Mapping[str, Any] | None, name: str) -> float | None:
    """One property of one image; None where it is not known."""
    found = None if row is None else measured.get(row["content_hash"])
    if found is None:
        return None
    value = float(getattr(found, name))
    return 100 * value if name in SHARES else value
