"""Pictures of images on a page: a thumbnail each, which leads to the image."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from encoder.audit.page.pictures import id_end
from encoder.audit.page.views import Picture


def pictured(images: Iterable[str]) -> list[Picture]:
    """A thumbnail of each, with the end of its id beneath."""
    return [Picture(thumbnail_of(image), image, id_end(image), address_of(image)) for image in images]


def address_of(image: str) -> str:
    """Where an image is looked at."""
    return f"/images/{quote(image)}"


def thumbnail_of(image: str) -> str:
    """Where its thumbnail is had."""
    return f"/audit/thumbnail?{urlencode({'image': image})}"
