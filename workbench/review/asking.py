"""What an address asks of a queue: which one, from which group on, and which groups pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from starlette.requests import Request

from kb.choices import check_choice
from kb.curation.review.group import Group
from kb.curation.review.queue import QUEUES, Queue
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.catalogue import Catalogue, Passing
from kb.vocabulary.filters import Filters
from workbench.answers import desk_of
from workbench.desk import Desk
from workbench.review.board import Board, Open, boards_of
from workbench.vocabulary.asking import filters_of
from workbench.vocabulary.shelf import catalogue_of

FILTERS = ("finding", "anatomy", "laterality", "severity", "kind", "source")
"""What groups can be filtered by: a group passes if any of its concepts does."""


@dataclass(frozen=True)
class Asked:
    """A queue that is asked for: its board, the newest state, and the part of the address that goes on with it."""

    desk: Desk
    board: Board
    base: KnowledgeBase
    filters: Filters
    said: Mapping[str, str]
    at: int

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue of the newest state: made where it is needed, for that takes longer than a decision."""
        return catalogue_of(self.desk)[1]

    def open_from(self, at: int, base: KnowledgeBase | None = None) -> Open | None:
        """The first group from a place on that is still open and passes, in this state or one that came since."""
        return next(self.board.open_ones(at, base or self.base, self.passing), None)

    def open_groups(self, base: KnowledgeBase | None = None) -> list[Group]:
        """All groups that are still open and pass, as they stand now."""
        return [one.group for one in self.board.open_ones(0, base or self.base, self.passing)]

    @cached_property
    def passing(self) -> Passing | None:
        """The concepts that pass the filters; None where nothing is filtered."""
        return None if self.filters == Filters() else self.catalogue.passing(self.filters)

    @property
    def left(self) -> int:
        """How many groups that pass are still to be decided on, as far as is known."""
        return self.board.left(self.passing)

    @property
    def total(self) -> int:
        """How many groups that pass there are, decided or not."""
        return self.board.total(self.passing)

    @property
    def path(self) -> str:
        """Where the pages of the queue are."""
        return f"/review/{self.board.queue}"

    @property
    def query(self) -> str:
        """Filters and since when, as the query of an address."""
        return urlencode(self.said)


def asked(request: Request, *, anew: bool = False) -> Asked:
    """What a request asks for; UsageError where it makes no sense."""
    queue: Queue = request.path_params["queue"]
    check_choice("queue", queue, QUEUES)
    params = request.query_params
    said = {name: params[name].strip() for name in (*FILTERS, "since") if params.get(name, "").strip()}
    at = params.get("at", "0")
    if not at.isdigit():
        raise UsageError(f"'{at}' is no place in a queue: count from 0")
    since = said.get("since") if queue == "new" else None
    if queue == "new" and since is None:
        raise UsageError("new since when? name a tag or a commit")
    desk = desk_of(request)
    base = desk.base()
    board = boards_of(desk).get(queue, base, since=since, anew=anew)
    return Asked(desk, board, base, filters_of({name: said[name] for name in FILTERS if name in said}), said, int(at))
