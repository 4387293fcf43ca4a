"""Pictures of images on a page: a thumbnail each, which leads to the image and what a run says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote, urlencode

from encoder.audit.page.pictures import id_end
from encoder.audit.page.views import Picture
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals

Pictured = Callable[[Sequence[str]], list[Picture]]
"""Makes pictures of images, by their ids."""

MOST_IMAGES = 8
"""Pictures in a row."""


def gallery_of(base: KnowledgeBase, run: str, label: str) -> Pictured:
    """What makes pictures of images of a state; those of which no pixels are here are named without one."""

    def pictured(images: Sequence[str]) -> list[Picture]:
        shown = images[:MOST_IMAGES]
        contents = _contents(base, shown)
        return [
            Picture(
                f"/images/thumb/{quote(contents[image])}" if image in contents else "",
                image,
                id_end(image),
                f"/images/one?{urlencode({'image': image, 'run': run, 'label': label})}",
            )
            for image in shown
        ]

    return pictured


def _contents(base: KnowledgeBase, images: Sequence[str]) -> dict[str, str]:
    """What pixels are kept by, of each of some images that has any here."""
    if not images:
        return {}
    columns, where = ["image_id", "content_hash"], f"image_id IN {literals(images)}"
    rows = base.dataset("images").to_table(columns=columns, filter=where).to_pylist()
    contents = {row["image_id"]: row["content_hash"] for row in rows if row["content_hash"]}
    if not contents:
        return {}
    where = f"content_hash IN {literals(sorted(set(contents.values())))}"
    kept = base.storage.dataset("pixels").to_table(columns=["content_hash"], filter=where)
    here = set(kept["content_hash"].to_pylist())
    return {image: content for image, content in contents.items() if content in here}
