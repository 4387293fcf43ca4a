"""A concept that a search found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import RenderableType

from kb.display import Listing

COLUMNS = ("text", "similarity", "mentions", "concept_id")

NEAR = 0.4
"""The similarity from which a concept is near what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One concept found.

    Attributes:
        score: what hits are ordered by, 0 to 1: the similarity, and in it a little of how often it is mentioned.
        similarity: how near it is to what was asked, 0 to 1: 1 says just that, 0 is as far as two concepts drawn at
            random (see `kb.vocabulary.search.similarity`).
        found_by: the other name or the spelling that led to it ('"cor magnum" = cardiomegaly'); None: the words as
            they were asked.
    """

    concept_id: str
    text: str
    assertion: str
    score: float
    similarity: float
    laterality: str
    severity: str | None
    status: str
    mentions: int
    found_by: str | None = None


class SearchHits(Listing[SearchHit]):
    """Hits, the best first.

    Attributes:
        farther: how many of those that come next are no hits, since they are not near what was asked.
    """

    def __init__(self, hits: Iterable[SearchHit], farther: int = 0):
        super().__init__(hits, COLUMNS)
        self.farther = farther

    def __rich__(self) -> RenderableType:
        return "nothing is near" if not self and self.farther else super().__rich__()
