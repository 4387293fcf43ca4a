"""What is decided on a group, carried out: one change, one commit, one undo, and told in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from kb.choices import check_choice
from kb.curation import acts
from kb.curation.apply import Plan, Seen, curate
from kb.curation.change import Change
from kb.curation.dismissed import AS_IT_IS, no_name
from kb.curation.lost_vectors import vector_lost
from kb.curation.merging import merge, merge_groups
from kb.curation.renaming import rename
from kb.curation.review.group import Group, Member
from kb.errors import UsageError
from kb.store.state import State

Decision = Literal["take", "apart", "reject", "rename"]
"""What can be decided on a group: its proposal is taken; what is in it is not the same, or stays as it is, for good;
some of it is no observation; one of it is called otherwise."""

Named = tuple[str, Plan]
"""An act, and what it is called."""

DECISIONS: tuple[Decision, ...] = get_args(Decision)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it was made: the change (None: all was so already), and what it did in words, with counts."""

    change: Change | None
    words: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain data."""
        return {"change": self.change.to_dict() if self.change else None, "words": self.words}


def decide_group(
    state: State,
    group: Group,
    decision: Decision = "take",
    *,
    members: Sequence[str] | None = None,
    into: str | None = None,
    text: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> Decided:
    """Carry a decision on a group out as one change.

    Args:
        state: the knowledge base; what is decided is on its newest commit.
        group: as it was shown: where one of its concepts stands otherwise by now, nothing is done.
        decision: one of DECISIONS.
        members: the keys of the members it is for; default: the ticked ones, of "apart" all of them. "reject" and
            "rename" may name the survivor too, and where there is one they name what they are for.
        into: "take" only: the id of another concept that the members become. One of the group takes the place of the
            survivor, which goes into it like the members.
        text: "rename" only: the new text.
        by: who.
        why: the reason.
        dry_run: say what would change, and write nothing.

    Raises:
        UsageError: the decision makes no sense, a merge is refused, or another curator has decided meanwhile.
    """
    check_choice("decision", decision, DECISIONS)
    if decision == "rename":
        act: Named = "rename", rename(_one(group, members), text or "")
    elif into is not None:
        act = "merge", _into(group, group.chosen(members), into)
    else:
        act = _act(group, decision, members)
    return _carried_out(state, act, [group], by=by, why=why, dry_run=dry_run)


def decide_groups(
    state: State,
    groups: Sequence[Group],
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> Decided:
    """Take what is proposed for many groups, of each the ticked members, as one change with one undo.

    Args:
        state: the knowledge base.
        groups: as they were shown: see `by_rule`.
        by: who.
        why: the reason.
        dry_run: say what would change, and write nothing.

    Raises:
        UsageError: there is nothing to take, a merge is refused, or another curator has decided meanwhile.
    """
    open_ones = [group for group in groups if group.ticked]
    if not open_ones:
        raise UsageError("nothing is ticked in any of these groups")
    merged: dict[str, list[str]] = {}
    for group in open_ones:
        if group.act == "merge" and group.survivor is not None:
            merged.setdefault(str(group.survivor.concept_id), []).extend(group.ticked)
    made = [_act(group, "take", None) for group in open_ones if group.act != "merge"]
    if merged:
        made.append(("merge", merge_groups(merged)))
    names = {name for name, _ in made}
    act = names.pop() if len(names) == 1 else "review", acts.together([plan for _, plan in made])
    return _carried_out(state, act, open_ones, by=by, why=why, dry_run=dry_run)


def by_rule(groups: Iterable[Group], rule: str) -> list[Group]:
    """The groups with a ticked member that this rule found, and of them these members alone.

    Raises:
        UsageError: no ticked member is of it; the message names the rules there are.
    """
    listed = [*groups]
    if not rule:
        raise UsageError("by which rule? what no rule found is decided on one by one")
    found = [only for group in listed if (only := _only(group, rule)).members]
    if not found:
        known = sorted({one.rule for group in listed for one in group.members if one.ticked and one.rule})
        shown = ", ".join(f"'{one}'" for one in known) or "none"
        raise UsageError(f"no suggestion that is sure is found by the rule '{rule}': there are {shown}")
    return found


def _only(group: Group, rule: str) -> Group:
    return replace(group, members=tuple(one for one in group.members if one.rule == rule and one.ticked))


def _act(group: Group, decision: Decision, members: Sequence[str] | None) -> Named:
    """The act that a decision is, and its name."""
    if decision == "apart":
        return _apart(group, group.members if members is None else group.chosen(members))
    if decision == "reject":
        return "reject", acts.set_status(_concepts(group, members), "rejected")
    chosen = group.chosen(members)
    if not chosen:
        raise UsageError("nothing is ticked: tick what the decision is for")
    if group.act == "keep":
        return _apart(group, chosen)
    ids = [str(one.concept_id) for one in chosen]
    if group.survivor is not None:
        survivor = str(group.survivor.concept_id)
        if group.act == "merge":
            return "merge", merge(ids, survivor)
        return "synonym", acts.set_synonyms(survivor, added=[one.text for one in chosen])
    if group.act == "retire":
        return "retire", acts.retire(ids)
    if group.act == "rename":
        return "rename", rename(ids[0], group.text or "")
    return group.act, acts.set_status(ids, "accepted" if group.act == "accept" else "rejected")


def _apart(group: Group, members: Sequence[Member]) -> Named:
    """For good: members are not the survivor, wordings not its names, and what stands alone stays as it is."""
    if not members:
        raise UsageError("nothing is ticked: tick what the decision is for")
    if group.survivor is None:
        return "dismiss", acts.dismiss({str(one.concept_id): [AS_IT_IS] for one in members})
    survivor = str(group.survivor.concept_id)
    if group.act == "add names":
        return "dismiss", acts.dismiss({survivor: [no_name(one.text) for one in members]})
    return "distinct", acts.keep_apart(survivor, [str(one.concept_id) for one in members])


def _into(group: Group, chosen: Sequence[Member], into: str) -> Plan:
    """Members into another concept than was proposed; where that is one of them, the survivor goes too."""
    ids = [str(one.concept_id) for one in chosen if one.concept_id not in (None, into)]
    if into in (one.concept_id for one in group.members) and group.survivor is not None:
        ids.append(str(group.survivor.concept_id))
    if not ids:
        raise UsageError("nothing is ticked that could go into it")
    return merge(ids, into)


def _concepts(group: Group, keys: Sequence[str] | None) -> list[str]:
    """The concepts that are named; those of a group without survivor need not be."""
    if keys is None and group.survivor is not None:
        raise UsageError("name the concepts of the group that it is for")
    known = [str(one.concept_id) for one in group.concepts]
    wanted = group.ticked if keys is None else [*keys]
    if unknown := [key for key in wanted if key not in known]:
        raise UsageError(f"'{unknown[0]}' is no concept of this group")
    if not wanted:
        raise UsageError("nothing is ticked: tick what the decision is for")
    return wanted


def _one(group: Group, keys: Sequence[str] | None) -> str:
    known = [str(one.concept_id) for one in group.concepts]
    wanted = [*keys] if keys is not None else known
    if len(wanted) != 1 or wanted[0] not in known:
        raise UsageError("name the one concept of the group that gets another text")
    return wanted[0]


def _carried_out(
    state: State,
    act: Named,
    groups: Sequence[Group],
    *,
    by: str | None,
    why: str | None,
    dry_run: bool,
) -> Decided:
    name, plan = act
    expect: dict[str, Seen] = {}
    mentions: dict[str, int] = {}
    for group in groups:
        expect |= group.seen
        mentions |= group.mentions
    change = curate(state, name, plan, by=by, why=why, dry_run=dry_run, expect=expect)
    if change is None:
        return Decided(None, ["it is so already"])
    lost = None if dry_run else vector_lost(state, change)
    return Decided(change, [*change.words(mentions), *([lost] if lost else [])])
