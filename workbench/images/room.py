"""The room of the images: its addresses."""

from __future__ import annotations

from starlette.routing import Route

from workbench.images import pages
from workbench.room import Room

IMAGES = Room(
    name="images",
    title="Images",
    key="i",
    routes=(
        Route("/", pages.gallery),
        Route("/filters", pages.choices),
        Route("/places", pages.places),
        Route("/cells", pages.cells),
        Route("/thumb/{content}", pages.thumb),
        Route("/pixels/{content}", pages.pixels),
        Route("/one", pages.one),
        Route("/predictions", pages.predictions),
        Route("/explanation", pages.explanation),
        Route("/exact", pages.exact),
        Route("/heat", pages.heat),
        Route("/sliders", pages.sliders),
        Route("/set", pages.set_concepts, methods=["POST"]),
        Route("/keep", pages.keep, methods=["POST"]),
    ),
    asks=frozenset({"/set"}),
)
"""Images, one by one and in a gallery."""
