"""Tags by their marks: Lance keeps the name of a tag with every table, so that the table of tags can be had again."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError
from kb.store.commits import RESERVED, CommitLog
from kb.store.storage import Storage


def tags_by_their_marks(storage: Storage, log: CommitLog) -> list[dict[str, Any]]:
    """Rows for the tags that the tables of a local knowledge base are marked with and its table of tags lacks.

    A commit is found by the versions that carry the mark; a name whose versions are no commit's is left out.
    """
    marked: dict[str, dict[str, int]] = {}
    for path in sorted(Path(storage.uri).glob("*.lance/_refs/tags/*.json")):
        with suppress(OSError, ValueError, KeyError):
            table, version = path.parents[2].name.removesuffix(".lance"), json.loads(path.read_text())["version"]
            marked.setdefault(path.stem, {})[table] = int(version)
    known: set[str] = set()
    with suppress(ClearKbError):
        known = set(log.tags())
    rows = []
    for name in sorted(name for name in marked if name not in known and not name.startswith(RESERVED)):
        pins = marked[name].items()
        for commit in reversed(log.all()):
            if all(commit.pins.get(table) == version for table, version in pins):
                rows.append({"name": name, "commit_id": commit.commit_id, "reason": None, "time": datetime.now(UTC)})
                break
    return rows
