"""The pages that read: the queues, a queue at a group, the next group, the rules, and who decided what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kb.curation.review.decide import by_rule, decide_groups
from kb.curation.review.keys import KEYS
from kb.curation.review.progress import read_progress
from kb.curation.review.queue import QUEUES
from kb.errors import UsageError
from workbench.answers import author_of, desk_of, page, part
from workbench.review.asking import FILTERS, Asked, asked
from workbench.review.board import boards_of
from workbench.review.seen import seen_of
from workbench.review.showing import TITLES, rules_of, shown
from workbench.vocabulary.asking import NAMES
from workbench.vocabulary.merging import targets_for
from workbench.vocabulary.shelf import catalogue_of

TOLD = 12
"""Sentences of a preview; the others are counted."""

DAY = timedelta(days=1)


def start(request: Request) -> Response:
    """The queues, and who decided what."""
    boards = boards_of(desk_of(request))
    queues = [(queue, *TITLES[queue], boards.known(queue)) for queue in QUEUES]
    return page(request, "review/queues.html.j2", queues=queues, tags=sorted(desk_of(request).base().tags()))


def queue(request: Request) -> Response:
    """A queue at its first open group, or at the one that is asked for; what is being looked for is said."""
    at = asked(request, anew="anew" in request.query_params)
    return page(
        request,
        "review/review.html.j2",
        **_shown(at),
        names={name: NAMES[name] for name in FILTERS},
        choices={name: sorted(at.catalogue.values(name)) for name in FILTERS},
    )


def group(request: Request) -> Response:
    """The first open group from a place on, as a part of the page."""
    return part(request, "review/group.html.j2", **_shown(asked(request)))


def rules(request: Request) -> Response:
    """The reasons by which many groups can be decided at once."""
    at = asked(request)
    return part(request, "review/rules.html.j2", asked=at, rules=rules_of(at.open_groups()))


def preview(request: Request) -> Response:
    """What deciding by a rule would do, in words."""
    at = asked(request)
    reason = request.query_params.get("reason", "")
    groups = by_rule(at.open_groups(), reason)
    decided = decide_groups(at.base, groups, by=author_of(request), dry_run=True)
    words = decided.words
    return part(
        request,
        "review/preview.html.j2",
        asked=at,
        reason=reason,
        seen=seen_of(groups),
        words=words[:TOLD],
        more=len(words) - TOLD,
        groups=len(groups),
        members=sum(len(one.ticked) for one in groups),
    )


def progress(request: Request) -> Response:
    """Who decided what since yesterday, and the last acts."""
    base = desk_of(request).base()
    since = datetime.now(UTC) - DAY
    found = read_progress(base, since=since)
    last = [change for change in base.changes() if change.time >= since][-8:]
    undone = {change.reverts for change in base.changes()}
    return part(request, "review/progress.html.j2", found=found, last=last[::-1], undone=undone)


def targets(request: Request) -> Response:
    """What a concept of the group could be merged into, by the words that are typed."""
    base, catalogue = catalogue_of(desk_of(request))
    concept_id = request.query_params.get("for", "")
    if not concept_id:
        raise UsageError("a wording is a name of its own concept: it cannot go elsewhere")
    words = request.query_params.get("words", "").strip()
    found = targets_for(base, catalogue, concept_id, words)
    return part(request, "vocabulary/targets.html.j2", targets=found, words=words)


def _shown(at: Asked) -> dict[str, Any]:
    looking = at.board.groups is None  # asked before: what is found meanwhile is shown when the page asks again
    found = at.open_from(at.at)
    title, about = TITLES[at.board.queue]
    return {
        "asked": at,
        "board": at.board,
        "looking": looking,
        "keys": {key.action: key for key in KEYS},
        "title": title,
        "about": about,
        "shown": None if found is None else shown(at, found),
    }
