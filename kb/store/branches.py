"""Branches: chains of commits beside main, in the one log and over versions of the same tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kb.errors import UsageError
from kb.store.branch_points import find_base
from kb.store.commits import CREATE, DELETE, MAIN, Commit, check_name, default_author
from kb.store.publication import writer_lock
from kb.store.state import State


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


def create_branch(state: State, name: str, *, by: str | None = None, why: str | None = None) -> Commit:
    """Begin a branch at the commit of `state`; UsageError if the name is taken."""
    check_name(name, "branch")
    with writer_lock(state.storage):
        while True:
            if name in state.commits.branches() or name in state.tags():
                raise UsageError(f"'{name}' is taken by a branch or a tag")
            state.require_data()
            start, number = state.commit, state.commits.history().numbers[-1] + 1
            commit = Commit(
                number=number,
                parent=start.commit_id,
                operation=CREATE,
                author=by or default_author(),
                reason=why,
                pins=start.pins,
                summary={"from": start.branch},
                branch=name,
            )
            if state.commits.append(commit):
                return commit


def delete_branch(state: State, name: str, *, by: str | None = None, why: str | None = None) -> None:
    """End a branch: its name is free, its commits stay in the log until `gc --keep` lets them go."""
    if name == MAIN:
        raise UsageError("main cannot be deleted")
    state.at(state.commits.head(name).commit_id).publish(DELETE, lambda _: ({"deleted": name}, None), by=by, why=why)


def list_branches(state: State) -> list[Branch]:
    """Every branch but main, by name."""
    return [find_branch(state, name) for name in sorted(state.commits.branches()) if name != MAIN]


def find_branch(state: State, name: str) -> Branch:
    """The branch with its base: what of it main has already, or where it began; UsageError if there is none."""
    head = state.commits.head(name)
    base, commits = find_base(state.commits.history(), name)
    return Branch(name, head, base, commits)
