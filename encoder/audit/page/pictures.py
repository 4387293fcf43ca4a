"""Images of the study on the page: each with the end of its id beneath."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from encoder.audit.page.views import Picture


def pictures_of(images: Iterable[str], thumbnails: Mapping[str, str]) -> list[Picture]:
    """Those of some images that there are."""
    return [Picture(thumbnails[image], image, id_end(image)) for image in images if image in thumbnails]


def id_end(image: str, most: int = 28) -> str:
    """The end of an id, which tells it from others."""
    name = PurePosixPath(image).name.removesuffix(PurePosixPath(image).suffix) or image
    return name if len(name) <= most else "…" + name[1 - most :]
