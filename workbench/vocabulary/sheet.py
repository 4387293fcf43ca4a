"""A concept with all that is known of it, as the page shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from encoder.audit.report.thumbnails import thumbnails_of
from kb.curation.acts import FACETS
from kb.curation.change import Change
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.concept import Concept, Counts, Evidence
from kb.vocabulary.query import run_named
from workbench.marking import Piece, pieces

SEEN = ("status", "text", *FACETS)
"""What an act on a concept goes by: where another curator changed it meanwhile, the act is refused."""

EVIDENCE = 20
"""Sentences of a concept that are shown at once."""

PICTURES = 12
"""Thumbnails of a concept's studies."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One mention: where it stands and how it is meant, and its sentence in pieces; none if texts are not stored."""

    mention: Evidence
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Act:
    """An act in the history of a concept, in words, and whether it stands: was not undone since."""

    change: Change
    told: str
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A concept, how often it is mentioned, the first of its mentions, its history (newest first), its survivor."""

    concept: Concept
    counts: Counts
    sentences: list[Sentence]
    history: list[Act]
    survivor: Concept | None
    apart: list[Concept]

    @property
    def shown(self) -> str:
        """How the concept stands, as JSON: what an act on it expects."""
        return json.dumps({name: getattr(self.concept, name) for name in SEEN})


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a study whose report mentions the concept, with how it is meant there, and its thumbnail."""

    image_id: str
    study_id: str | None
    view: str | None
    assertions: list[str]
    thumbnail: str


def sheet_of(base: KnowledgeBase, concept_id: str, *, limit: int = EVIDENCE) -> Sheet:
    """The sheet of a concept, with up to `limit` of its mentions; UsageError if there is no such concept."""
    concept = base.vocabulary.get(concept_id)
    own = concept.concept_id
    mentions = base.vocabulary.evidence_of([own], limit)[own]
    changes = base.changes(own)
    undone = {change.reverts for change in changes if change.reverts}
    return Sheet(
        concept=concept,
        counts=base.vocabulary.counts([own]).get(own, Counts()),
        sentences=[sentence_of(one) for one in mentions],
        history=[Act(one, one.line(own), one.change_id not in undone) for one in reversed(changes)],
        survivor=base.vocabulary.resolve(own) if concept.replaced_by else None,
        apart=[base.vocabulary.get(other) for other in concept.distinct_from],
    )


def sentence_of(mention: Evidence) -> Sentence:
    """A mention with its sentence cut where it is mentioned."""
    return Sentence(mention, pieces(mention.sentence or "", mention.spans))


def pictures_of(base: KnowledgeBase, concept_id: str, limit: int = PICTURES) -> list[Picture]:
    """Images of the studies whose reports mention a concept; those whose pixels are not kept are left out."""
    rows = run_named(base, "concept_images", {"concept_id": concept_id, "limit": limit})
    found = thumbnails_of(base, [row["image_id"] for row in rows])
    return [Picture(**row, thumbnail=found[row["image_id"]]) for row in rows if row["image_id"] in found]
