"""The journal of one ingest under way: what was read, mined and staged, on disk rather than in memory.

It is an SQLite file, so a batch is either wholly in it or not, however the process ends. It lies in the folder
`_staging` of a local knowledge base, and in a cache of this machine for one in an object store (`Storage.staging`): the
same ingest started again goes on from it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ingest.grammar.language import LEFT_OUT
from ingest.report import Reject
from ingest.reports.stored import StoredReports

Outcome = Literal["new", "changed", "unchanged", "other extractor"]
"""What became of a report: the last says it is as stored, but was mined by another extractor or version."""

_TABLES = """
CREATE TABLE IF NOT EXISTS run (run_id TEXT);
CREATE TABLE IF NOT EXISTS seen (
    report_id TEXT PRIMARY KEY, content_hash TEXT, source TEXT, position TEXT, outcome TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stored (
    report_id TEXT PRIMARY KEY, content_hash TEXT, extractor TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS concepts (concept_id TEXT PRIMARY KEY, row TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known (concept_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aside (concept_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fragments (name TEXT, fragment TEXT);
CREATE TABLE IF NOT EXISTS batches (observations INTEGER);
CREATE TABLE IF NOT EXISTS refused (source TEXT, position TEXT, report_id TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS disputes (kind TEXT, row TEXT);
CREATE TABLE IF NOT EXISTS dropped (report_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejects (source TEXT, position TEXT, report_id TEXT, reason TEXT);
"""


class Journal:
    """What one ingest has read and staged so far."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._stored = StoredReports()
        # Lance reads a stream of rows from a thread of its own, while the one that opened the journal waits.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLES)
        if self._db.execute("SELECT count(*) FROM run").fetchone() == (0,):
            self._db.execute("INSERT INTO run VALUES (?)", (uuid.uuid4().hex,))
        # What was staged stays; everything else is read again with the source.
        self._db.execute("DELETE FROM seen WHERE outcome NOT IN ('new', 'changed')")
        self._db.execute("DELETE FROM rejects")
        self._db.execute("DELETE FROM dropped")

    @property
    def run_id(self) -> str:
        """The identity of this run: the commit it ends in carries it."""
        return str(self._db.execute("SELECT run_id FROM run").fetchone()[0])

    def discard(self) -> None:
        """Close the journal and delete it."""
        self._db.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal and keep it: the same ingest goes on from here."""
        self._db.close()

    def load_stored(self, reports: StoredReports) -> None:
        """Take up the reports that a commit holds; those that this ingest has met or meets are noted."""
        self._stored = reports
        met = [row[0] for row in self._db.execute("SELECT report_id FROM seen UNION SELECT report_id FROM dropped")]
        self._replace("stored", 3, reports.among(met))

    def load_known(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take up which of the mined concepts a commit holds, of Arrow batches of concept_id."""
        self._replace("known", 1, self._mined(batches))

    def load_aside(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take up which of the mined concepts stand aside in a commit, of Arrow batches of concept_id."""
        self._replace("aside", 1, self._mined(batches))

    def stored(self, report_id: str) -> tuple[str, str] | None:
        """The content hash and extractor of a stored report."""
        found = self._stored.get(report_id)
        if found is not None:
            self._db.execute("INSERT OR REPLACE INTO stored VALUES (?, ?, ?)", (report_id, *found))
        return found

    def seen(self, report_id: str) -> tuple[str, str, str] | None:
        """The content hash, source and position of a report that this ingest has met before."""
        row = self._db.execute("SELECT content_hash, source, position FROM seen WHERE report_id = ?", (report_id,))
        return row.fetchone()

    def note_unchanged(self, report_id: str, digest: str, source: str, position: str, outcome: Outcome) -> None:
        """Note a report that needs no mining."""
        self._db.execute("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", (report_id, digest, source, position, outcome))

    def reject(self, source: str, reject: Reject) -> None:
        """Note an input that cannot be taken."""
        row = (source, reject.position, reject.report_id, reject.reason)
        self._db.execute("INSERT INTO rejects VALUES (?, ?, ?, ?)", row)

    def drop(self, report_id: str) -> None:
        """Note a report that is not mined any more: what is stored of it goes."""
        self._db.execute("INSERT OR IGNORE INTO dropped VALUES (?)", (report_id,))

    def note_staged(
        self,
        reports: Iterable[tuple[str, str, str, str, Outcome]],
        concepts: Iterable[Mapping[str, Any]],
        fragments: Mapping[str, Sequence[str]],
        observations: int,
        refused: Iterable[tuple[str, Reject]] = (),
        disputes: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Note a batch as staged, all at once: its reports, concepts, data files, refused and disputed statements."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")  # of a batch that failed half-way
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", reports)
        self._db.executemany(
            "INSERT OR IGNORE INTO concepts VALUES (?, ?)",
            ((row["concept_id"], json.dumps(row)) for row in concepts),
        )
        for name, staged in fragments.items():
            self._db.executemany("INSERT INTO fragments VALUES (?, ?)", ((name, fragment) for fragment in staged))
        self._db.execute("INSERT INTO batches VALUES (?)", (observations,))
        rows = ((source, one.position, one.report_id, one.reason) for source, one in refused)
        self._db.executemany("INSERT INTO refused VALUES (?, ?, ?, ?)", rows)
        entries = ((row["kind"], json.dumps(row)) for row in disputes)
        self._db.executemany("INSERT INTO disputes VALUES (?, ?)", entries)
        self._db.execute("COMMIT")

    def observations(self) -> int:
        """How many observations are staged."""
        return int(self._db.execute("SELECT coalesce(sum(observations), 0) FROM batches").fetchone()[0])

    def fragments(self, table: str) -> list[str]:
        """The data files staged for `table`."""
        return [row[0] for row in self._db.execute("SELECT fragment FROM fragments WHERE name = ?", (table,))]

    def outcomes(self, mined_by: str) -> dict[str, int]:
        """How many reports have each outcome against the stored ones; staged ones were mined by this extractor.

        What was new when it was read may have been stored by another ingest since: that it did not add.
        """
        sql = """
            SELECT CASE
                WHEN outcome IN ('new', 'changed') AND stored.content_hash = seen.content_hash AND extractor = ?
                    THEN 'unchanged'
                WHEN outcome = 'new' AND stored.report_id IS NOT NULL THEN 'changed'
                ELSE outcome END AS now, count(*)
            FROM seen LEFT JOIN stored USING (report_id) GROUP BY now"""
        return dict(self._db.execute(sql, (mined_by,)))

    def replaced(self) -> Iterator[str]:
        """The ids of stored reports that staged ones take the place of, or that are dropped."""
        sql = "SELECT report_id FROM seen JOIN stored USING (report_id) WHERE outcome IN ('new', 'changed')"
        sql += " UNION SELECT report_id FROM dropped JOIN stored USING (report_id)"
        return (row[0] for row in self._db.execute(sql))

    def dropped(self) -> int:
        """How many stored reports are dropped, and not staged anew."""
        sql = "SELECT count(*) FROM dropped JOIN stored USING (report_id)"
        sql += " WHERE report_id NOT IN (SELECT report_id FROM seen)"
        return int(self._db.execute(sql).fetchone()[0])

    def new_concepts(self) -> Iterator[dict[str, Any]]:
        """The mined concepts that the commit does not hold yet, in the order of their ids."""
        sql = "SELECT row FROM concepts WHERE concept_id NOT IN (SELECT concept_id FROM known) ORDER BY concept_id"
        return (json.loads(row[0]) for row in self._db.execute(sql))

    def new_concept_count(self) -> int:
        """How many of the mined concepts the commit does not hold yet."""
        sql = "SELECT count(*) FROM concepts WHERE concept_id NOT IN (SELECT concept_id FROM known)"
        return int(self._db.execute(sql).fetchone()[0])

    def put_aside_count(self) -> int:
        """How many of the new concepts are put aside."""
        return sum(row["status"] == "aside" for row in self.new_concepts())

    def taken_in(self) -> list[str]:
        """The concepts that stand aside in the commit, and are well formed as they are mined now."""
        sql = "SELECT concept_id, row FROM concepts JOIN aside USING (concept_id) ORDER BY concept_id"
        return [concept_id for concept_id, row in self._db.execute(sql) if json.loads(row)["status"] != "aside"]

    def is_unchanged(self, report_id: str | None) -> bool:
        """Whether a report is stored as the source has it, and was not mined again."""
        sql = "SELECT 1 FROM seen WHERE report_id = ? AND outcome NOT IN ('new', 'changed')"
        return self._db.execute(sql, (report_id,)).fetchone() is not None

    def refused(self) -> int:
        """How many statements of an extractor were not taken, in reports that were."""
        sql = "SELECT count(*) FROM refused WHERE substr(reason, 1, ?) <> ?"
        return int(self._db.execute(sql, (len(LEFT_OUT), LEFT_OUT)).fetchone()[0])

    def disputed(self) -> dict[str, int]:
        """How many statements wait for a decision, by the kind of difference."""
        return dict(self._db.execute("SELECT kind, count(*) FROM disputes GROUP BY kind ORDER BY kind"))

    def disputes(self) -> Iterator[dict[str, Any]]:
        """The statements on which two extractors differ, as rows of the `disputes` table."""
        return (json.loads(row[0]) for row in self._db.execute("SELECT row FROM disputes"))

    def rejects(self) -> list[dict[str, Any]]:
        """The inputs and statements that could not be taken, as rows of the `rejects` table."""
        names = ("source", "position", "report_id", "reason")
        rows = self._db.execute("SELECT * FROM rejects UNION ALL SELECT * FROM refused")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _mined(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str]]:
        """Those concepts that this ingest has mined: a vocabulary has far more."""
        mined = pa.array([row[0] for row in self._db.execute("SELECT concept_id FROM concepts")], pa.string())
        for batch in batches:
            ids = batch["concept_id"]
            yield from ((concept_id,) for concept_id in ids.filter(pc.is_in(ids, value_set=mined)).to_pylist())

    def _replace(self, table: str, width: int, rows: Iterable[Sequence[str]]) -> None:
        rows = [*rows]  # read before the transaction begins: a row may come of this file
        marks = ", ".join("?" * width)
        self._db.execute("BEGIN")
        self._db.execute(f"DELETE FROM {table}")
        self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
        self._db.execute("COMMIT")
