"""What a copy may be written to: a new place, or an earlier copy of the same knowledge base that was left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json
from kb.reading.unreadable import Unreadable
from kb.store.commits import Commit, CommitLog
from kb.store.safety.place import Place
from kb.store.storage import COPY_MARK, Storage


def refuse_nested(source: Storage, target: Storage) -> None:
    """Refuse a target that is the source, or lies in a knowledge base (UsageError)."""
    if target.folder is None:
        if f"{target.address.base}/".startswith(f"{source.address.base}/"):
            raise UsageError(f"{target.uri} lies in the knowledge base {source.uri}: name another place")
        return
    place = target.folder.resolve()
    if source.folder is not None and place == source.folder.resolve():
        raise UsageError(f"{target.uri} is the knowledge base itself: name another place")
    for folder in place.parents:
        if (folder / "commits.lance").is_dir():
            raise UsageError(f"{target.uri} lies in the knowledge base {folder}: name another place")


def require_same(source: Storage, commits: Sequence[Commit], target: Storage) -> None:
    """Refuse a target that is no earlier copy of the same knowledge base (UsageError).

    Raises:
        UsageError: it is another one, or was written to since.
        ClearKbError: nothing is left of it that would tell which one it is.
    """
    known = {commit.commit_id for commit in commits}
    target.refuse_foreign_folder()
    mark = _mark(target)
    if mark not in (None, "", commits[0].commit_id):
        raise UsageError(f"{target.uri} holds a copy of another knowledge base: name another place")
    if not target.has("commits"):
        return
    try:
        theirs = CommitLog(target, any_format=True).all()
    except ClearKbError as error:
        if mark:
            return  # a first copy that was cut off
        raise ClearKbError(
            f"nothing of the log of {target.uri} can be read, so nobody can tell of which knowledge base it is: name a "
            "new place, or move it away first"
        ) from error
    if foreign := [commit for commit in theirs if commit.commit_id not in known]:
        raise UsageError(
            f"{target.uri} has commits that are not in this one ({foreign[-1].commit_id}, {foreign[-1].operation}): "
            "it is another knowledge base, or was written to since; name another place"
        )
    if others := sorted(_tags(target) - _tags(source)):
        raise UsageError(
            f"{target.uri} has tags that are not in this one ({', '.join(others[:3])}): it was written to since; name "
            "another place"
        )


def _mark(target: Storage) -> str | None:
    """The first commit of that which the target is a copy of; None if it is no copy, "" if that cannot be read."""
    if (content := Place(target).read(COPY_MARK)) is None:
        return None
    try:
        said: Any = read_json(content)
    except Unreadable:
        return ""
    return str(said["of"]) if isinstance(said, dict) and said.get("of") else ""


def _tags(storage: Storage) -> set[str]:
    """The names of its tags; none where that table is damaged, or is not there."""
    if not storage.has("tags"):
        return set()
    try:
        rows = storage.dataset("tags").to_table(columns=["name", "commit_id"]).to_pylist()
    except (ClearKbError, OSError, ValueError, RuntimeError):
        return set()
    return {row["name"] for row in rows}
