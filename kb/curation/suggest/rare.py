"""Concepts that are hardly mentioned: what is most probably wrong with them first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kb.curation.suggest.alike import STRONG, Alike, alike
from kb.curation.suggest.faults import Fault, faults_of, how_wrong
from kb.curation.suggest.living import Living, read_living
from kb.curation.suggest.suggestion import Act, Suggestion, Suggestions
from kb.language.query_reading import query_or_none
from kb.store.state import State
from kb.vectors.nearest import exact_nearest

MOST_MENTIONS = 1
NEAREST = 5

WRONG = 0.6
"""How probably something is wrong with a concept from which it is proposed to be rejected."""

A_WORD = 0.01
"""What each word adds to the order: the more a concept says, the rather it is of one report alone."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do about one rare concept, how probably that is right, why, and the other concept that it is about."""

    act: Act
    score: float
    rule: str
    reason: str
    target: str | None = None
    other: int | None = None


def suggest_rare(state: State, *, limit: int | None = 50, max_mentions: int = MOST_MENTIONS) -> Suggestions:
    """Candidates that are mentioned `max_mentions` times or fewer, those that are most probably wrong first.

    What says the same as a more usual concept of its assertion and side is to be merged into it; what is not well
    formed is to be rejected, or told in better words; the rest may stay. The score is how probably that is right, of
    what may stay how probably something is wrong; its other concept is the nearest usual one.
    """
    living = read_living(state)
    rare = [
        at
        for at, row in enumerate(living.rows)
        if living.mentions[at] <= max_mentions and row["status"] == "candidate" and not living.left_as_it_is(at)
    ]
    by_id = {row["concept_id"]: at for at, row in enumerate(living.rows)}
    usual = _usual_by_wording(living, max_mentions)
    proposals = {at: _proposal(living, at, usual, by_id) for at in rare}
    rare.sort(key=lambda at: (-_urgency(proposals[at], living.rows[at]["text"]), living.rows[at]["concept_id"]))
    shown = rare[:limit]
    nearest = _nearest_usual(living, [at for at in shown if proposals[at].other is None], max_mentions)
    entries = [_told(living, at, proposals[at], nearest.get(at)) for at in shown]
    return Suggestions("rare", entries, len(rare))


def _urgency(proposal: Proposal, text: str) -> float:
    return proposal.score + A_WORD * len(text.split())


Wordings = dict[tuple[str, str, frozenset[str]], list[int]]
"""The usual concepts by assertion, side and wording, the first the one that would stay."""


def _usual_by_wording(living: Living, max_mentions: int) -> Wordings:
    found: Wordings = {}
    for (assertion, side), rows in living.blocks().items():
        for at in sorted((at for at in rows if living.mentions[at] > max_mentions), key=living.rank):
            found.setdefault((assertion, side, living.wordings[at].like), []).append(at)
    return found


def _proposal(living: Living, at: int, usual: Wordings, by_id: dict[str, int]) -> Proposal:
    row = living.rows[at]
    same = usual.get((row["assertion"], row["laterality"], living.wordings[at].like), ())
    if (merged := _into_its_like(living, at, same)) is not None:
        return merged
    faults = faults_of(row)
    wrong = how_wrong(faults)
    reason = "; ".join(fault.reason for fault in faults) or "nothing is wrong with its words"
    mended = _mended(living, at, faults, by_id) if wrong >= WRONG else None
    if mended is not None:
        return Proposal(mended.act, round(wrong, 4), "not well formed", reason, mended.target, mended.other)
    return Proposal(
        "reject" if wrong >= WRONG else "keep", round(wrong, 4), "not well formed" if faults else "rare", reason
    )


def _into_its_like(living: Living, at: int, usual: Iterable[int]) -> Proposal | None:
    """To merge a concept into the likest of the usual ones of its wording that it was not told apart from."""
    open_ = [other for other in usual if not living.told_apart(at, other)]
    found: list[tuple[Alike, int]] = [(one, other) for other in open_ if (one := alike(living, other, at)) is not None]
    if not found:
        return None
    best, other = max(found, key=lambda one: one[0].score)
    if best.score < STRONG:
        return None
    into = living.rows[other]
    return Proposal("merge", best.score, best.rule, f"{best.reason} as '{into['text']}'", into["concept_id"], other)


def _mended(living: Living, at: int, faults: Sequence[Fault], by_id: dict[str, int]) -> Proposal | None:
    """The concept told without its first fault that words can mend: another concept that is there, or a new text."""
    text = next((fault.mended for fault in faults if fault.mended), None)
    if text is None or any(fault.mended is None and fault.weight >= WRONG for fault in faults):
        return None
    if (facets := query_or_none(text)) is None:
        return None
    other = by_id.get(facets.concept_id)
    if other == at or faults_of(vars(facets)):
        return None
    if other is None:
        return Proposal("rename", 0.0, "", "", facets.text)
    return None if living.told_apart(at, other) else Proposal("merge", 0.0, "", "", facets.concept_id, other)


def _nearest_usual(living: Living, rare: list[int], max_mentions: int) -> dict[int, int]:
    """For each of `rare` the likest more usual concept of its assertion and side."""
    if living.vectors is None:
        return {}
    wanted = set(rare)
    found: dict[int, int] = {}
    for rows in living.blocks().values():
        asking = [at for at in rows if at in wanted and living.embedded[at]]
        usual = [at for at in rows if living.mentions[at] > max_mentions and living.embedded[at]]
        if not asking or not usual:
            continue
        near = exact_nearest(living.vectors[asking], [living.vectors[usual]], NEAREST)
        for at, others, cosines in zip(asking, near.rows.tolist(), near.cosines.tolist(), strict=True):
            scored = [
                (one.score, -rank, usual[other])
                for rank, (other, cosine) in enumerate(zip(others, cosines, strict=True))
                if (one := alike(living, usual[other], at, cosine)) is not None
            ]
            if scored:
                found[at] = max(scored)[2]
    return found


def _told(living: Living, at: int, proposal: Proposal, nearest: int | None) -> Suggestion:
    row = living.rows[at]
    other = proposal.other if proposal.other is not None else nearest
    return Suggestion(
        kind="rare",
        score=round(proposal.score, 4),
        concept_id=row["concept_id"],
        text=row["text"],
        mentions=living.mentions[at],
        other_id=None if other is None else living.rows[other]["concept_id"],
        other_text=None if other is None else living.rows[other]["text"],
        other_mentions=0 if other is None else living.mentions[other],
        reason=f"{_times(living.mentions[at])}; {proposal.reason}",
        rule=proposal.rule,
        act=proposal.act,
        target=proposal.target,
    )


def _times(mentions: int) -> str:
    if mentions <= 1:
        return "mentioned once" if mentions else "never mentioned"
    return f"mentioned {mentions} times"
