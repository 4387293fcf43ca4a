"""Properties of the pictures that are stored, measured in a stream of their preprocessed pixels and kept by content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product

import numpy as np
import pyarrow as pa

from encoder.vectors.pixels import PixelReader
from kb.batched import batched
from kb.errors import ClearKbError
from kb.images.preprocessing import FITS, RESAMPLES, Preprocessing
from kb.images.properties import METHOD, Properties, properties_of
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher

BATCH = 256
"""Pictures that are read at once."""

KEEP_EVERY = 8_192
"""Pictures after which what was measured is kept: an interruption costs no more than that."""

TABLE = "image_properties"

NAMES = tuple(one.name for one in fields(Properties))


@dataclass(frozen=True, slots=True)
class Shape:
    """The content of an image's file, and its width and height there."""

    content_hash: str
    width: int
    height: int


def read_properties(
    kb: KnowledgeBase, shapes: Sequence[Shape], watcher: Watcher
) -> tuple[dict[str, Properties], list[str]]:
    """The properties of pictures by content, and what is to be said of those that have none.

    They are measured on pixels of one preprocessing, that of which the most are stored: sharpness goes by size. Bands
    that it adds to make a square are cut away.
    """
    wanted = {one.content_hash: one for one in shapes}
    chosen = _preprocessing(kb, set(wanted))
    if chosen is None:
        return {}, ["no picture is stored: brightness, sharpness, borders and burnt-in text are not looked at"]
    preprocessing, there = chosen
    found = _kept(kb, preprocessing, there)
    todo = [wanted[content] for content in sorted(there - set(found))]
    notes = []
    if todo:
        measured, failed = _measured(kb, preprocessing, todo, watcher)
        found |= measured
        notes += [f"properties of pictures were measured but could not be kept: {failed}"] if failed else []
    if missing := len(wanted) - len(there):
        notes.append(f"{missing:,} of {len(wanted):,} pictures are not stored at {preprocessing.size} pixels")
    return found, notes


def _preprocessing(kb: KnowledgeBase, contents: set[str]) -> tuple[Preprocessing, set[str]] | None:
    """That of which the most of some contents are stored, of several the largest; and the contents."""
    rows = kb.storage.dataset("pixels").to_table(columns=["content_hash", "preprocessing", "size"]).to_pylist()
    there: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        if row["content_hash"] in contents:
            there.setdefault((row["preprocessing"], row["size"]), set()).add(row["content_hash"])
    for (identity, size), held in sorted(there.items(), key=lambda one: (-len(one[1]), -one[0][1], one[0][0])):
        for fit, resample in product(FITS, RESAMPLES):
            made = Preprocessing(size, fit, resample)
            if made.preprocessing_id == identity:
                return made, held
    return None


def _kept(kb: KnowledgeBase, preprocessing: Preprocessing, contents: set[str]) -> dict[str, Properties]:
    """What was measured before."""
    if not kb.storage.has(TABLE):
        return {}
    where = f"preprocessing = '{preprocessing.preprocessing_id}' AND method = {METHOD}"
    rows = kb.storage.dataset(TABLE).to_table(columns=["content_hash", *NAMES], filter=where).to_pylist()
    return {row.pop("content_hash"): Properties(**row) for row in rows if row["content_hash"] in contents}


def _measured(
    kb: KnowledgeBase, preprocessing: Preprocessing, shapes: Sequence[Shape], watcher: Watcher
) -> tuple[dict[str, Properties], str]:
    """Measure pictures, and keep what is measured; why that could not be kept, if it could not."""
    reader = PixelReader(kb, preprocessing)
    watcher.stage("measuring pictures", len(shapes))
    found: dict[str, Properties] = {}
    waiting: dict[str, Properties] = {}
    failed, batches = "", [list(batch) for batch in batched(shapes, BATCH)]
    pixels = reader.batches([[one.content_hash for one in batch] for batch in batches])
    for batch, squares in zip(batches, pixels, strict=True):
        waiting |= {
            one.content_hash: properties_of(_inner(square, one, preprocessing))
            for one, square in zip(batch, squares, strict=True)
        }
        if len(found) + len(waiting) == len(shapes) or len(waiting) >= KEEP_EVERY:
            failed = failed or _keep(kb, preprocessing, waiting)
            found |= waiting
            waiting = {}
        watcher.advance(len(found) + len(waiting), len(found) + len(waiting))
    return found, failed


def _inner(square: np.ndarray, shape: Shape, preprocessing: Preprocessing) -> np.ndarray:
    """A square without the bands that were added to it."""
    if preprocessing.fit != "pad" or min(shape.width, shape.height) < 1:
        return square
    width, height = (max(3, side) for side in preprocessing.inner_size(shape.width, shape.height))
    left, top = (preprocessing.size - width) // 2, (preprocessing.size - height) // 2
    return square[top : top + height, left : left + width]


def _keep(kb: KnowledgeBase, preprocessing: Preprocessing, measured: Mapping[str, Properties]) -> str:
    """Keep what was measured; "" or why that cannot be done: who may only read can audit all the same."""
    told = {"preprocessing": preprocessing.preprocessing_id, "method": METHOD}
    rows = [{"content_hash": content, **told, **asdict(one)} for content, one in measured.items()]
    try:
        kb.storage.add_missing(TABLE)
        kb.storage.append(TABLE, pa.Table.from_pylist(rows, schema=kb.storage.dataset(TABLE).schema))
    except (ClearKbError, OSError) as error:
        return str(error).splitlines()[0]
    return ""
