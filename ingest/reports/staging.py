"""Staging: mined chunks gathered into data files of a good size, each noted in the journal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ingest.report import Reject
from ingest.reports.intake import Incoming, Intake
from ingest.reports.journal import Journal
from ingest.reports.mining import MinedChunk
from ingest.reports.rows import report_row
from kb.store.storage import Storage
from schemas.tables import REPORTS

FLUSH_REPORTS = 5_000
"""Reports in one data file: a file of a few MB, and what an interrupted run has to mine again at most."""

FLUSH_SECONDS = 60.0
"""Work that is staged sooner, though it is few reports: a killed run has no more than this to pay again."""


class Stager:
    """Gathers mined chunks and stages them; `storage` None stages nothing (a dry run only counts)."""

    def __init__(
        self,
        storage: Storage | None,
        journal: Journal,
        intake: Intake,
        *,
        sections: Sequence[str],
        store_text: bool,
    ):
        self._storage = storage
        self._journal = journal
        self._intake = intake
        self._sections = sections
        self._store_text = store_text
        self._incoming: list[Incoming] = []
        self._mined: list[MinedChunk] = []
        self._refused: list[tuple[str, Reject]] = []
        self._flushed = time.monotonic()

    def add(self, chunk: Sequence[Incoming], mined: MinedChunk) -> None:
        """Take in one mined chunk, and stage what has gathered once it is enough."""
        self._incoming += [incoming for at, incoming in enumerate(chunk) if at not in mined.failed]
        self._mined.append(mined)
        self._refused += [_reject(chunk[at], reason) for at, reason in mined.refused if at not in mined.failed]
        for at, reason in mined.failed.items():
            self._intake.give_up(chunk[at], reason)
        if len(self._incoming) >= FLUSH_REPORTS or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Stage what has gathered."""
        if not self._incoming:
            return
        observations = [mined.observations for mined in self._mined if mined.observations.num_rows]
        fragments: dict[str, list[str]] = {}
        if self._storage is not None:
            fragments["reports"] = self._storage.stage("reports", [self._report_batch()])
            fragments["observations"] = self._storage.stage("observations", observations) if observations else []
        self._journal.note_staged(
            ((i.report.report_id, i.content_hash, i.source, i.report.position, i.outcome) for i in self._incoming),
            (row for mined in self._mined for row in mined.concepts),
            fragments,
            sum(batch.num_rows for batch in observations),
            self._refused,
            [row for mined in self._mined for row in mined.disputes],
        )
        self._intake.settle(self._incoming)
        self._incoming, self._mined, self._refused = [], [], []
        self._flushed = time.monotonic()

    def flush_after_failure(self) -> None:
        """Stage what has gathered while another error is on its way: that one is told, whatever becomes of this."""
        with contextlib.suppress(Exception):
            self.flush()

    def _report_batch(self) -> Any:
        rows = [
            report_row(
                i.report,
                i.source,
                i.content_hash,
                fingerprint=self._intake.fingerprint,
                wanted=self._sections,
                store_text=self._store_text,
            )
            for i in self._incoming
        ]
        return pa.RecordBatch.from_pylist(rows, schema=REPORTS.schema)


def _reject(incoming: Incoming, reason: str) -> tuple[str, Reject]:
    return incoming.source, Reject(incoming.report.position, reason, incoming.report.report_id)
