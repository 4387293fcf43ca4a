"""The room: its name, and which page answers which address."""

from __future__ import annotations

from starlette.routing import Route

from workbench.room import Room
from workbench.vocabulary.acting import act
from workbench.vocabulary.pages import around, concept, near, pictures, report, results, start, targets, tree

VOCABULARY = Room(
    name="vocabulary",
    title="Vocabulary",
    key="v",
    routes=(
        Route("/", start),
        Route("/results", results),
        Route("/near", near),
        Route("/tree", tree),
        Route("/report", report),
        Route("/targets/{concept_id}", targets),
        Route("/concept/{concept_id}", concept),
        Route("/concept/{concept_id}/around", around),
        Route("/concept/{concept_id}/pictures", pictures),
        Route("/concept/{concept_id}/{act}", act, methods=["POST"]),
    ),
)
"""The vocabulary in the bar."""
