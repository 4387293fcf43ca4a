"""Thumbnails of images as PNG data URIs, made from the pixels that are kept anyway."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals

SIDE = 192
"""Pixels of a thumbnail's side."""


def thumbnails_of(kb: KnowledgeBase, images: Sequence[str], side: int = SIDE) -> dict[str, str]:
    """The thumbnails of some images by id; those without kept pixels are not among them."""
    wanted = sorted(set(images))
    if not wanted:
        return {}
    rows = kb.dataset("images").to_table(columns=["image_id", "content_hash"], filter=f"image_id IN {literals(wanted)}")
    contents = {row["image_id"]: row["content_hash"] for row in rows.to_pylist() if row["content_hash"]}
    found = _pixels(kb, sorted(set(contents.values())), side)
    return {image: found[content] for image, content in sorted(contents.items()) if content in found}


def _pixels(kb: KnowledgeBase, contents: Sequence[str], side: int) -> dict[str, str]:
    """A thumbnail of each content, from the smallest kept square that is no smaller than it."""
    if not contents:
        return {}
    pixels = kb.storage.dataset("pixels")
    where = f"content_hash IN {literals(contents)}"
    kept = pixels.to_table(columns=["key", "content_hash", "size"], filter=where).to_pylist()
    best: dict[str, dict[str, Any]] = {}
    for row in sorted(kept, key=lambda row: (row["size"] < side, abs(row["size"] - side), row["key"])):
        best.setdefault(row["content_hash"], row)
    keys = [row["key"] for row in best.values()]
    if not keys:
        return {}
    table = pixels.to_table(columns=["content_hash", "size", "pixels"], filter=f"key IN {literals(keys)}")
    return {
        row["content_hash"]: data_uri(Image.frombytes("L", (row["size"],) * 2, row["pixels"]), side)
        for row in table.to_pylist()
    }


def data_uri(picture: Image.Image, side: int = SIDE) -> str:
    """A picture as PNG at the size of a thumbnail."""
    if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(file.getvalue()).decode("ascii")
