"""The reports that a commit holds, in memory: what an ingest tells new ones from.

A million ids are 16 MB of hashes beside their columns, and are ready in a second; a table of them on disk takes longer
than some thousand reports take to mine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import lance

COLUMNS = ("report_id", "content_hash", "extractor")
Stored = tuple[str, str, str]
"""The id of a report, its content hash, and the extractor that mined it."""


class StoredReports:
    """Reports by their ids; without a dataset, none."""

    def __init__(self, reports: lance.LanceDataset | None = None):
        batches = [] if reports is None else [_coded(one) for one in reports.to_batches(columns=list(COLUMNS))]
        self._table = pa.Table.from_batches(batches, schema=_coded(_EMPTY).schema)
        found = _hashes(name for batch in batches for name in batch["report_id"].to_pylist())
        self._order = np.argsort(found, kind="stable")
        self._sorted = found[self._order]

    def get(self, report_id: str) -> tuple[str, str] | None:
        """The content hash and the extractor of a report, or None."""
        asked = hash(report_id)
        at = int(self._sorted.searchsorted(asked))
        if at == len(self._sorted) or self._sorted[at] != asked:
            return None
        found = self.among([report_id])
        return found[0][1:] if found else None

    def among(self, report_ids: Sequence[str]) -> list[Stored]:
        """Those of some reports that are stored."""
        wanted = _hashes(report_ids)
        first, behind = (np.searchsorted(self._sorted, wanted, side=side) for side in ("left", "right"))
        found: list[Stored] = []
        for at in np.flatnonzero(first < behind).tolist():
            for row in self._order[first[at] : behind[at]].tolist():
                # Two ids may have one hash.
                if self._table["report_id"][row].as_py() == report_ids[at]:
                    found.append((report_ids[at], *(self._table[name][row].as_py() for name in COLUMNS[1:])))
        return found


_EMPTY = pa.RecordBatch.from_pylist([], schema=pa.schema([(name, pa.string()) for name in COLUMNS]))


def _coded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch in which each extractor is kept once: its name is longer than all else."""
    columns = [batch["report_id"], batch["content_hash"], batch["extractor"].dictionary_encode()]
    return pa.RecordBatch.from_arrays(columns, names=list(COLUMNS))


def _hashes(names: Iterable[str]) -> np.ndarray:
    return np.fromiter(map(hash, names), dtype=np.int64)
