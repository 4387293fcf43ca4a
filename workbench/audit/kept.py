"""Audits that were made: kept in the user's cache by what was asked and the commit, so that each is made once.

What is kept is what is shown: the section as HTML, the audit as data, its rows, and the points of its charts. It lies
beside other caches of the user, in a folder that nobody else may read, and can be thrown away at any time.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from encoder.model.checkpoint import code_version
from kb.sql.writing import as_json
from workbench.audit.asked import Asked

ABANDONED_S = 3_600
"""After that long nobody still writes a file."""

MOST = 200
"""Audits of one knowledge base that are kept; the oldest go first."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One audit that was made.

    Attributes:
        kind: which audit.
        commit: of which state.
        made: when, as text.
        seconds: that it took.
        split: the part of the rows that it looked at.
        section: what is shown, as HTML.
        document: the audit as plain data.
        rows: as a flat table.
        charts: the points of each chart.
    """

    kind: str
    commit: str
    made: str
    seconds: float
    split: str
    section: str
    document: Mapping[str, Any]
    rows: list[dict[str, Any]]
    charts: Mapping[str, list[dict[str, Any]]]


def key_of(uri: str, kind: str, asked: Asked) -> str:
    """What an audit is kept by, beside its commit: all that its result depends on, our own code included."""
    # Of the runs that stand beside, only a report speaks; of periods only drift.
    told = asdict(asked) | {"runs": asked.runs if kind == "report" else (), "by": asked.by if kind == "drift" else ""}
    text = json.dumps([uri, kind, told, code_version()], sort_keys=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def keep(uri: str, key: str, made: Kept) -> None:
    """Keep an audit, written aside and moved to its place whole.

    Raises:
        OSError: nothing can be written there.
    """
    place = _place(uri)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.chmod(0o700)  # it holds words of reports and ids of images
    handle, fresh = tempfile.mkstemp(dir=place, prefix="new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(as_json(asdict(made)), file, ensure_ascii=False)
        Path(fresh).replace(place / f"{key}-{made.commit}.json")
    finally:
        Path(fresh).unlink(missing_ok=True)
    for old in sorted(place.glob("*.json"), key=_age)[:-MOST]:
        old.unlink(missing_ok=True)
    for left in place.glob("new-*"):  # of a process that was stopped while it wrote
        if time.time() - _age(left) > ABANDONED_S:
            left.unlink(missing_ok=True)


def kept(uri: str, key: str, commit: str) -> Kept | None:
    """The audit of this very commit; None if there is none that can be read."""
    return _read(_place(uri) / f"{key}-{commit}.json")


def newest_kept(uri: str, key: str) -> Kept | None:
    """The audit that was made last, of whatever commit."""
    return next(_all(uri, key), None)


def _all(uri: str, key: str) -> Iterator[Kept]:
    for path in sorted(_place(uri).glob(f"{key}-*.json"), key=_age, reverse=True):
        if (found := _read(path)) is not None:
            yield found


def _read(path: Path) -> Kept | None:
    try:
        return Kept(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # it can always be made anew


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # another server has just thrown it away


def _place(uri: str) -> Path:
    folder = blake2b(uri.encode(), digest_size=8).hexdigest()
    return user_cache_path("clear-kb") / "audits" / folder
