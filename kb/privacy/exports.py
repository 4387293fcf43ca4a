"""The log of exports: who took what out of the knowledge base, when, how much of it and where to.

It stands beside the history, so that no state, tag or branch is without it and no restoring takes an entry back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import pyarrow as pa

from kb.errors import ClearKbError
from kb.privacy.id_words import without_ids
from kb.store.commits import default_author
from kb.store.state import State
from kb.store.storage import first_line

TABLE = "exports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One time that data was taken out: `what` names the command, `rows` are those that went to `target`."""

    time: datetime
    by: str
    what: str
    commit: str
    rows: int
    target: str
    filters: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The export that a row of the table tells of."""
        return cls(
            time=row["time"].astimezone(UTC),
            by=row["author"],
            what=row["what"],
            commit=row["commit_id"],
            rows=row["rows"],
            target=row["target"],
            filters=json.loads(row["filters"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """The export as plain data."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**said, "time": self.time.isoformat(timespec="seconds"), "filters": dict(self.filters)}


def note_export(
    state: State, *, what: str, rows: int, target: str, filters: Mapping[str, Any], by: str | None = None
) -> None:
    """Note an export that was made.

    Args:
        state: what it was made of.
        what: the command.
        rows: how many went out.
        target: where to.
        filters: what was asked for, of that which is no default.
        by: who; default: the login name.

    Raises:
        ClearKbError: the log cannot be written to, as on a read-only disk.
    """
    row = {
        "time": datetime.now(UTC),
        "author": by or default_author(),
        "what": what,
        "commit_id": state.commit.commit_id,
        "rows": rows,
        "target": target,
        "filters": json.dumps(dict(filters), default=str, sort_keys=True),
    }
    try:
        state.storage.add_missing(TABLE)
        state.storage.append(TABLE, [row])
    except (OSError, ValueError, RuntimeError) as error:
        raise ClearKbError(f"this export could not be noted in {state.uri}: {first_line(error)}") from error


def read_exports(state: State) -> list[Export]:
    """The exports that were noted, newest first."""
    if not state.storage.has(TABLE):
        return []
    rows = state.storage.dataset(TABLE).to_table().to_pylist()
    return sorted(map(Export.from_row, rows), key=lambda one: one.time, reverse=True)


def clean_exports(state: State, ids: Collection[str]) -> None:
    """Take ids of a patient out of the queries and targets that were noted, in new files; for whoever has the lock."""
    import lance

    if not state.storage.has(TABLE):
        return
    dataset = state.storage.dataset(TABLE)
    rows = dataset.to_table().to_pylist()
    cleaned = [{**row, **{name: without_ids(row[name], ids) for name in ("target", "filters")}} for row in rows]
    if cleaned != rows:
        table = pa.Table.from_pylist(cleaned, dataset.schema)
        lance.write_dataset(table, dataset, mode="overwrite", storage_options=state.storage.options)
