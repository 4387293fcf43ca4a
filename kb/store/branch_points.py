"""Where a branch parted from main, or was last merged into it: what a merge compares both sides with."""

from __future__ import annotations

from collections.abc import Collection

from kb.store.commits import CREATE, DELETE, MAIN, Commit
from kb.store.history import History

CLEANED_BASE = "base"
"""Where the summary of a branch's commit names a copy of its base that takes the base's place from there on."""


def find_base(history: History[Commit], name: str) -> tuple[Commit, int]:
    """The commit that a merge of a branch is compared with, and how many of its own the branch has since."""
    own = [commit for commit in history.chain(history.get(history.heads[name])) if commit.branch == name]
    began = next(at for at, commit in enumerate(own) if commit.operation == CREATE)
    mains = history.chain(history.get(history.heads[MAIN]))
    merged = {commit.summary["merged"] for commit in mains if commit.summary.get("branch") == name}
    cleaned: Commit | None = None
    for since, commit in enumerate(own[:began]):
        if commit.commit_id in merged:
            return cleaned or commit, since
        if cleaned is None and (copy := history.by_id.get(commit.summary.get(CLEANED_BASE, ""))) is not None:
            cleaned = history.get(copy)
    return cleaned or own[began], began


def named_commits(history: History[Commit], tagged: Collection[str]) -> set[int]:
    """The numbers of the commits that no clean-up may drop: those `tagged`, heads of branches, and bases of merges."""
    heads = {name: at for name, at in history.heads.items() if history.get(at).operation != DELETE}
    bases = {find_base(history, name)[0].number for name in heads if name != MAIN}
    return {*heads.values(), *bases, *(history.by_id[one] for one in tagged if one in history.by_id)}
