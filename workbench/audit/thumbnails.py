"""Small pictures of single images, as PNG."""

from __future__ import annotations

from base64 import b64decode

from encoder.audit.report.thumbnails import thumbnails_of
from kb.knowledge_base import KnowledgeBase


def thumbnail_png(base: KnowledgeBase, image: str) -> bytes | None:
    """The thumbnail of one image; None where no pixels of it are here."""
    found = thumbnails_of(base, [image]).get(image)
    return None if found is None else b64decode(found.partition(",")[2])
