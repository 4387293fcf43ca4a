"""A suggestion: what a curator may want to do, how strongly it is suggested, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import RenderableType

from kb.display import Listing

Kind = Literal["duplicates", "synonyms", "outliers", "rare"]

Act = Literal["merge", "reject", "rename", "add name", "keep"]
"""What is proposed: merge with another concept, reject (no observation), another text, a name more, or to leave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One suggestion on the concept `concept_id`.

    For duplicates, `other_id` may be merged into it; for rare ones, it may be merged into `other_id`; for synonyms,
    `other_text` is the name that reports use; for outliers, the other concept is the nearest one of another finding.

    Attributes:
        reason: why, in words.
        rule: the name of what found it ("the same words"), by which suggestions are taken in bulk.
        sure: whether it may be taken unseen; what is merely likely waits for a curator's look.
        act: what is proposed.
        target: what the act is about: the id of the concept that stays, the new text, or the name; None: nothing more.
    """

    kind: Kind
    score: float
    concept_id: str
    text: str
    mentions: int
    other_id: str | None
    other_text: str | None
    other_mentions: int
    reason: str
    rule: str
    sure: bool = False
    act: Act = "keep"
    target: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The suggestion as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Suggestions:
    """Suggestions, the strongest first, of `found` in all.

    `recall` is the share of true nearest neighbours that the search for candidates found, against brute force on a
    sample; None if all were compared, or none by their vectors.
    """

    kind: Kind
    items: Sequence[Suggestion]
    found: int
    recall: float | None = None

    def _repr_html_(self) -> str:
        return self._listing()._repr_html_()

    def __rich__(self) -> RenderableType:
        return self._listing().__rich__()

    def _listing(self) -> Listing[Suggestion]:
        return Listing(self.items, ("score", "concept_id", "text", "other_id", "other_text", "mentions", "reason"))
