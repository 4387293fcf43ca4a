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

    A commit is found by the versions that carry the mark. A name whose versions are no commit's is left out, and one
    that was cut off while tables were marked, so that it fits commits of several states.
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
        fitting = [one for one in log.all() if all(one.pins.get(table) == version for table, version in pins)]
        if fitting and all(one.pins == fitting[0].pins for one in fitting):
            at = fitting[-1].commit_id
            rows.append({"name": name, "commit_id": at, "reason": None, "time": datetime.now(UTC)})
    return rows
