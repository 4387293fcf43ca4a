"""Branches: drafts of the vocabulary beside main, and how one is merged, three ways, with its conflicts shown.

A branch is a chain of commits of its own in the one log. Its tables are versions of the same Lance tables, so it
costs what it changes. Merging asks of every field that the draft changed whether main still has what the draft
started from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from kb.curation.apply import Concepts, curate
from kb.curation.diff import Difference, diff_vocabularies
from kb.errors import UsageError
from kb.store.commits import CREATE, DELETE, MAIN, Commit, check_name
from kb.store.publication import writer_lock

if TYPE_CHECKING:
    from kb.curation.change import Change
    from kb.knowledge_base import KnowledgeBase

MERGE = "merge-branch"

Side = Literal["branch", "main"]


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch: its newest commit, and the commit that a merge compares it with."""

    name: str
    head: Commit
    base: Commit
    commits: int

    def to_dict(self) -> dict[str, Any]:
        """The branch as plain data; `commits` counts those since the base."""
        return {
            "branch": self.name,
            "commit": self.head.commit_id,
            "commits": self.commits,
            "by": self.head.author,
            "time": self.head.time.isoformat(timespec="minutes"),
            "base": self.base.commit_id,
        }


@dataclass(frozen=True, slots=True)
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


def create_branch(kb: KnowledgeBase, name: str, *, by: str | None = None, why: str | None = None) -> Commit:
    """Begin a branch at the commit of `kb`; UsageError where the name is taken."""
    from kb.knowledge_base import default_author

    check_name(name, "branch")
    with writer_lock(kb.storage):
        while True:
            if name in kb.commits.branches() or name in kb.tags():
                raise UsageError(f"'{name}' is taken: `clear-kb branch list` and `clear-kb tag` show the names in use")
            start, number = kb.commit, kb.commits.all()[-1].number + 1
            commit = Commit(
                number,
                start.commit_id,
                CREATE,
                by or default_author(),
                why,
                start.pins,
                {"from": start.branch},
                branch=name,
            )
            if kb.commits.append(commit):
                return commit


def delete_branch(kb: KnowledgeBase, name: str, *, by: str | None = None, why: str | None = None) -> None:
    """End a branch: its name is free, its commits stay in the log until `gc --keep` lets them go."""
    if name == MAIN:
        raise UsageError("main cannot be deleted")
    kb.at(kb.commits.head(name).commit_id).publish(DELETE, lambda _: {"deleted": name}, by=by, why=why)


def list_branches(kb: KnowledgeBase) -> list[Branch]:
    """Every branch but main, by name."""
    return [_branch(kb, name, head) for name, head in sorted(kb.commits.branches().items()) if name != MAIN]


def merge_branch(
    kb: KnowledgeBase,
    name: str,
    *,
    take: Side | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> MergeResult:
    """Carry what a branch did to the vocabulary since its base over to main, with its changes: all or nothing.

    Args:
        kb: the knowledge base, wherever it stands; it stands on main's newest commit afterwards.
        name: the branch.
        take: whose value counts where both changed a field; default: a conflict stops the merge.
        by: who.
        why: the reason.
        dry_run: say what would happen and write nothing.
    """
    if name == MAIN:
        raise UsageError("name a branch to merge into main, not main")
    branch = _branch(kb, name, kb.commits.head(name))
    draft = kb.at(branch.head.commit_id)
    main = kb.at(kb.commits.head(MAIN).commit_id)
    differences = diff_vocabularies(kb.at(branch.base.commit_id), draft).differences
    conflicts: list[Conflict] = []

    def plan(concepts: Concepts) -> Mapping[str, Mapping[str, Any] | None]:
        concepts.read(difference.concept_id for difference in differences)
        conflicts[:] = [conflict for difference in differences for conflict in _conflicts(concepts, difference)]
        if conflicts and take is None:
            return {}
        return _edits(concepts, differences, {(c.concept_id, c.field) for c in conflicts} if take == "main" else set())

    known = {change.change_id for change in main.vocabulary.changes()}
    carried = [change for change in draft.vocabulary.changes() if change.change_id not in known]
    told = {"branch": name, "merged": branch.head.commit_id}
    change = curate(main, MERGE, plan, by=by, why=why, dry_run=dry_run, carried=carried, summary=told, vectors_of=draft)
    return MergeResult(change, tuple(conflicts), merged=change is not None and not dry_run)


def _branch(kb: KnowledgeBase, name: str, head: Commit) -> Branch:
    """The branch with its base: what of it main has already, or where it began."""
    chain = kb.commits.chain(head)
    own = [commit for commit in chain if commit.branch == name]
    began = next(at for at, commit in enumerate(own) if commit.operation == CREATE)
    merged = [c.summary["merged"] for c in kb.commits.chain(kb.commits.head(MAIN)) if c.summary.get("branch") == name]
    for since, commit in enumerate(own[:began]):
        if commit.commit_id in merged:
            return Branch(name, head, commit, since)
    return Branch(name, head, own[began], began)


def _conflicts(concepts: Concepts, difference: Difference) -> list[Conflict]:
    """The fields of a concept that main, too, has changed, and otherwise than the branch."""
    now, before, after = concepts.find(difference.concept_id), difference.before, difference.after
    if before is None or after is None:
        same = now is None if after is None else now is not None and all(now[n] == v for n, v in after.items())
        untouched = now is None if before is None else now is not None and all(now[n] == v for n, v in before.items())
        if same or untouched:
            return []
        there = ["there" if value is not None else None for value in (before, now, after)]
        return [Conflict(difference.concept_id, difference.text, "concept", *there)]
    if now is None:
        return [Conflict(difference.concept_id, difference.text, "concept", "there", None, "changed")]
    return [
        Conflict(difference.concept_id, difference.text, name, before[name], now[name], value)
        for name, value in after.items()
        if now[name] not in (before[name], value)
    ]


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
