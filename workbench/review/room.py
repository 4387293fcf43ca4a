"""The room: its name, and which page answers which address."""

from __future__ import annotations

from starlette.routing import Route

from workbench.review.deciding import bulk, decide
from workbench.review.pages import group, preview, progress, queue, rules, start, targets
from workbench.room import Room

REVIEW = Room(
    name="review",
    title="Review",
    key="r",
    routes=(
        Route("/", start),
        Route("/progress", progress),
        Route("/targets", targets),
        Route("/{queue}", queue),
        Route("/{queue}/group", group),
        Route("/{queue}/rules", rules),
        Route("/{queue}/preview", preview),
        Route("/{queue}/decide", decide, methods=["POST"]),
        Route("/{queue}/bulk", bulk, methods=["POST"]),
    ),
)
"""The review in the bar."""
