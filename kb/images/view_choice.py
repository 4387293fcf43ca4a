"""Which views of the chest count: frontal ones unless others are asked for, and what was left out for its view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kb.errors import UsageError
from kb.images.view import normal_view
from kb.sql.views import Views
from kb.store.state import State
from schemas.terms import FRONTALS, VIEWS

FRONTAL, UNKNOWN = "frontal", "unknown"


@dataclass(frozen=True, slots=True)
class ViewChoice:
    """Some views, and perhaps the images of which nobody knows it; `told` is how they were asked for."""

    told: str
    names: frozenset[str]

    def __contains__(self, view: object) -> bool:
        return (normal_view(view if isinstance(view, str) else None) or UNKNOWN) in self.names

    def left_out(self, views: Iterable[str | None]) -> dict[str, int]:
        """How many of some views are not among these, by their name."""
        return dict(Counter(normal_view(view) or UNKNOWN for view in views if view not in self))


def view_choice(told: str = FRONTAL) -> ViewChoice:
    """The views that are asked for: "frontal" (PA, AP, either, and unknown), "all", or some ("PA,AP", "lateral").

    Raises:
        UsageError: a view is none.
    """
    known = {name.lower(): frozenset([name]) for name in (*VIEWS, UNKNOWN)}
    known |= {"all": frozenset((*VIEWS, UNKNOWN)), FRONTAL: frozenset((*FRONTALS, UNKNOWN))}
    words = [word.strip() for word in told.split(",") if word.strip()]
    if wrong := [word for word in words if word.lower() not in known]:
        raise UsageError(f"view '{wrong[0]}': one of all, {', '.join(VIEWS)}, {UNKNOWN} was expected")
    if not words:
        raise UsageError("no view is named")
    return ViewChoice(told, frozenset().union(*(known[word.lower()] for word in words)))


def read_views(state: State) -> Mapping[str, str | None]:
    """The view of each image at a commit, by all that tells it; None where nobody does."""
    with Views(state) as session:
        return {row["image_id"]: row["view"] for row in session.run("SELECT image_id, view FROM images").rows()}


def told_left_out(counts: Mapping[str, int]) -> str:
    """What was left out, in words: "29 lateral, 2 other"."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
