"""Deciding: on one group, or on many by a rule; each is one change, told in words, with one undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from kb.curation.acts import FACETS
from kb.curation.review.decide import DECISIONS, Decided, Decision, by_rule, decide_group, decide_groups
from kb.curation.review.group import Group, Member
from kb.errors import UsageError
from kb.reading.json_text import read_json
from workbench.answers import author_of, desk_of, said
from workbench.review.asking import asked
from workbench.review.seen import seen_of

CHANGE, STAYS, LEFT = "x-change", "x-stays", "x-left"
"""Headers of an answer: the change that was made, whether some of the group is still open, how many groups are."""


SEEN = ("status", "text", *FACETS)
"""What a page sends back of each concept, as it was shown."""

TOLD = 4
"""Sentences of a decision that are told; the others are counted."""


async def decide(request: Request) -> Response:
    """Decide on one group as it was shown."""
    form = await request.form()
    return await run_in_threadpool(_decided, request, form)


async def bulk(request: Request) -> Response:
    """Take what a rule proposes, in all groups of a queue, as one change."""
    form = await request.form()
    return await run_in_threadpool(_by_rule, request, str(form.get("reason", "")), str(form.get("seen", "")))


def _decided(request: Request, form: FormData) -> Response:
    at = asked(request)
    decision = _decision(str(form.get("decision", "")))
    group = as_shown(at.board.group_at(at.at, str(form.get("group", ""))), _seen(str(form.get("shown", "{}"))))
    with desk_of(request).acting() as base:
        decided = decide_group(
            base,
            group,
            decision,
            members=_members(form, decision),
            into=str(form.get("into", "")) or None,
            text=str(form.get("text", "")) or None,
            by=author_of(request),
        )
        found = at.open_from(at.at, base)
    return _told(request, decided, stays=found is not None and found.at == at.at, left=at.left)


def _by_rule(request: Request, reason: str, seen: str) -> Response:
    at = asked(request)
    with desk_of(request).acting() as base:
        groups = by_rule(at.open_groups(base), reason)
        if seen_of(groups) != seen:
            raise UsageError("what this rule finds is not what was previewed by now: look at it again")
        decided = decide_groups(base, groups, by=author_of(request), why=f"by rule: {reason}")
        at.open_groups(base)  # what is settled is known from here on
    return _told(request, decided, stays=False, left=at.left)


def as_shown(group: Group, seen: Mapping[str, Mapping[str, Any]]) -> Group:
    """A group with those of its concepts that were shown, standing as they did then."""

    def member(one: Member) -> Member:
        if one.concept_id is None:
            return one
        fields = {name: value for name, value in seen[one.concept_id].items() if name in SEEN}
        return replace(one, status=fields.pop("status", None), text=fields.pop("text", one.text), facets=fields)

    kept = [one for one in group.members if one.concept_id is None or one.concept_id in seen]
    survivor = group.survivor
    if not kept or (survivor is not None and survivor.concept_id not in seen):
        raise UsageError("what was shown does not belong to this group: reload the page")
    return replace(
        group, survivor=None if survivor is None else member(survivor), members=tuple(member(one) for one in kept)
    )


def _told(request: Request, decided: Decided, *, stays: bool, left: int) -> Response:
    change = decided.change
    words = decided.words[:TOLD]
    if len(decided.words) > TOLD:
        words.append(f"and {len(decided.words) - TOLD:,} more")
    response = said(request, "; ".join(words))
    response.headers[CHANGE] = change.change_id if change is not None else ""
    response.headers[STAYS] = "yes" if stays else "no"
    response.headers[LEFT] = str(left)
    return response


def _decision(told: str) -> Decision:
    found: list[Decision] = [one for one in DECISIONS if one == told]
    if not found:
        raise UsageError(f"'{told}' is no decision: {', '.join(DECISIONS)}")
    return found[0]


def _members(form: FormData, decision: Decision) -> list[str] | None:
    """What the decision is for: of "take" what is ticked, of "apart" the whole group, else the one that is named."""
    if decision == "take":
        return [str(one) for one in form.getlist("member")]
    return [str(form["of"])] if decision != "apart" and form.get("of") else None


def _seen(told: str) -> dict[str, dict[str, Any]]:
    try:
        found: Any = read_json(told)
    except ValueError as error:
        raise UsageError("what was shown cannot be read: reload the page") from error
    if not isinstance(found, dict) or not all(isinstance(fields, dict) for fields in found.values()):
        raise UsageError("what was shown cannot be read: reload the page")
    return found
