"""The pictures that are stored: which of them one is that comes in, whatever it is called."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pyarrow as pa

from ingest.identity.resolving import KnownIds
from ingest.identity.stored import SPEAK, stored_ids
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables


class StoredPictures:
    """The stored images by their ids and by the content of their files."""

    def __init__(self, state: Tables):
        self._state = state

    def same_picture(
        self, image_id: str, content_hash: str, *, study: str | None, patient: str | None
    ) -> tuple[str, str] | None:
        """The stored image that has the same pixels under another id; None if there is none.

        Returns:
            Its id, and why the one that comes in is not taken as that image: "" where it is. A picture of two studies
            or patients is a contradiction, and of one that is stored several times nobody knows which it is.
        """
        ids, contents = self._known
        if image_id in ids or not (known := contents.get(content_hash)):
            return None
        match KnownIds(known).find(image_id):
            case (found, _):
                return found, ""
        where = f"image_id IN {literals(known)}"
        rows = self._state.dataset("images").to_table(columns=["study_id", "patient_id"], filter=where).to_pylist()
        if len({row["patient_id"] for row in rows} - {None}) > 1:
            return None  # pixels that several patients have are a placeholder, and tell of none
        shown = f"the same picture as {known[0]}, which is stored"
        for what, mine in (("patient", patient), ("study", study)):
            others = {row[f"{what}_id"] for row in rows} - {None, mine}
            if mine is not None and others:
                return known[0], f"{shown} as one of {what} {min(others)}: it is not taken again as one of {mine}"
        if len(known) > 1:
            return known[
                0
            ], f"{shown}, as {len(known) - 1:,} more of these pixels are: which of them it is, is not told"
        return known[0], ""

    def has_other(self, image_id: str, content_hash: str) -> bool:
        """Whether another image of these pixels is stored."""
        return any(known != image_id for known in self._known[1].get(content_hash, [])[:2])

    @cached_property
    def _known(self) -> tuple[set[str], dict[str, list[str]]]:
        ids: set[str] = set()
        contents: dict[str, list[str]] = {}
        for batch in self._state.dataset("images").to_batches(columns=["image_id", "content_hash"]):
            for image_id, content in zip(batch["image_id"].to_pylist(), batch["content_hash"].to_pylist(), strict=True):
                ids.add(image_id)
                contents.setdefault(content, []).append(image_id)
        return ids, contents


def respelt(state: Tables, rows: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """Rows of images with the ids that labels and predictions have for them, where those are spelt otherwise.

    What is stored as an image keeps its id. Where it is unclear what a table means, an image keeps its own id too.

    Returns:
        The rows, and how many images were found by which rule.
    """
    asked = set(rows["image_id"].to_pylist()) - stored_ids(state, "images")[0]
    spoken = set[str]().union(*(stored_ids(state, table)[0] for table in SPEAK)) - set(rows["image_id"].to_pylist())
    if not asked or not spoken:
        return rows, {}
    resolved = KnownIds(spoken).resolve(asked)
    if not resolved.found:
        return rows, {}
    ids: Any = pa.array([resolved[name] for name in rows["image_id"].to_pylist()], pa.string())
    return rows.set_column(rows.schema.get_field_index("image_id"), rows.schema.field("image_id"), ids), dict(
        resolved.rules
    )
