"""A draft of the vocabulary merged into main, three ways, with its conflicts shown.

Merging asks of every field that the draft changed whether main still has what the draft
started from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kb.curation.apply import Concepts, curate, read_changes
from kb.curation.change import Change
from kb.curation.diff import Difference, diff_vocabularies
from kb.errors import UsageError
from kb.store.branches import find_branch
from kb.store.commits import MAIN
from kb.store.sqltext import literal
from kb.store.state import State

MERGE = "merge-branch"

Side = Literal["branch", "main"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field that both sides changed: what it was, and what each made of it."""

    concept_id: str
    text: str
    field: str
    was: Any
    main: Any
    branch: Any

    def to_dict(self) -> dict[str, Any]:
        """The conflict as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge did or, with conflicts that nothing settles, would not do; no change: main had it all."""

    change: Change | None
    conflicts: Sequence[Conflict]
    merged: bool


def merge_branch(
    state: State,
    name: str,
    *,
    take: Side | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> MergeResult:
    """Carry what a branch did to the vocabulary since its base over to main, with its changes: all or nothing.

    Args:
        state: the knowledge base, wherever it stands; it stands on main's newest commit afterwards.
        name: the branch.
        take: whose value counts where both changed a field; default: a conflict stops the merge.
        by: who.
        why: the reason.
        dry_run: say what would happen and write nothing.
    """
    if name == MAIN:
        raise UsageError("name a branch to merge into main, not main")
    branch = find_branch(state, name)
    draft = state.at(branch.head.commit_id)
    main = state.at(state.commits.head(MAIN).commit_id)
    differences = diff_vocabularies(state.at(branch.base.commit_id), draft).differences
    conflicts: list[Conflict] = []

    def plan(concepts: Concepts) -> Mapping[str, Mapping[str, Any] | None]:
        concepts.read(difference.concept_id for difference in differences)
        conflicts[:] = [conflict for difference in differences for conflict in _conflicts(concepts, difference)]
        crossed = _crossed(concepts, differences)
        conflicts.extend(conflict for pair in crossed for conflict in pair)
        if conflicts and take is None:
            return {}
        if take == "main":
            left = {(c.concept_id, c.field) for c in conflicts} | {(c.concept_id, "status") for c, _ in crossed}
            return _edits(concepts, differences, left)
        edits = _edits(concepts, differences, set())
        for of_main in (other.concept_id for _, other in crossed):
            edits[of_main] = {**_standing(draft, of_main), **(edits.get(of_main) or {})}
        return edits

    known = {change.change_id for change in read_changes(main)}
    carried = [change for change in read_changes(draft) if change.change_id not in known]
    record = {"branch": name, "merged": branch.head.commit_id}
    change = curate(
        main, MERGE, plan, by=by, why=why, dry_run=dry_run, carried=carried, summary=record, vectors_of=draft
    )
    return MergeResult(change, tuple(conflicts), merged=change is not None and not dry_run)


def _conflicts(concepts: Concepts, difference: Difference) -> list[Conflict]:
    """The fields of a concept that main, too, has changed, and otherwise than the branch."""
    now, before, after = concepts.find(difference.concept_id), difference.before, difference.after
    if before is None or after is None:
        same = now is None if after is None else now is not None and all(now[n] == v for n, v in after.items())
        untouched = now is None if before is None else now is not None and all(now[n] == v for n, v in before.items())
        if same or untouched:
            return []
        was, main, branch = ("there" if value is not None else None for value in (before, now, after))
        return [
            Conflict(
                concept_id=difference.concept_id,
                text=difference.text,
                field="concept",
                was=was,
                main=main,
                branch=branch,
            )
        ]
    if now is None:
        return [
            Conflict(
                concept_id=difference.concept_id,
                text=difference.text,
                field="concept",
                was="there",
                main=None,
                branch="changed",
            )
        ]
    return [
        Conflict(
            concept_id=difference.concept_id,
            text=difference.text,
            field=name,
            was=before[name],
            main=now[name],
            branch=value,
        )
        for name, value in after.items()
        if now[name] not in (before[name], value)
    ]


def _crossed(concepts: Concepts, differences: Sequence[Difference]) -> list[tuple[Conflict, Conflict]]:
    """Concepts that the branch merged into one that main has merged into them: each with that one."""
    found = []
    for difference in differences:
        target = (difference.after or {}).get("replaced_by")
        at, met = target, set[str]()
        while at is not None and at not in met and (row := concepts.find(at)) is not None:
            met.add(at)
            if row["replaced_by"] == difference.concept_id:
                one, other = (
                    Conflict(concept_id=of, text=text, field="replaced_by", was=None, main=main, branch=branch)
                    for of, text, main, branch in (
                        (difference.concept_id, difference.text, None, target),
                        (at, row["text"], difference.concept_id, None),
                    )
                )
                found.append((one, other))
            at = row["replaced_by"]
    return found


def _standing(draft: State, concept_id: str) -> dict[str, Any]:
    """A concept of a draft as it stands there: its status, and what replaces it."""
    columns = ["status", "replaced_by"]
    rows = draft.dataset("concepts").to_table(columns=columns, filter=f"concept_id = {literal(concept_id)}")
    return dict(rows.to_pylist()[0])


def _edits(
    concepts: Concepts, differences: Sequence[Difference], left: set[tuple[str, str]]
) -> dict[str, Mapping[str, Any] | None]:
    """What main gets: all that the branch changed, but for the fields in `left`."""
    edits: dict[str, Mapping[str, Any] | None] = {}
    for difference in differences:
        concept_id, after = difference.concept_id, difference.after
        if (concept_id, "concept") in left:
            continue
        if after is None:
            if concepts.find(concept_id) is not None:
                edits[concept_id] = None
            continue
        fields = {name: value for name, value in after.items() if (concept_id, name) not in left}
        if concepts.find(concept_id) is None:
            fields = {**(difference.before or {}), **fields, "concept_id": concept_id}
        if fields:
            edits[concept_id] = fields
    return edits
