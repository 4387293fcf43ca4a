"""Rows as an Arrow stream in memory: what goes between a session and the process that runs its queries."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

MOST_BYTES = 300_000_000
"""Bytes of the rows that one answer may have."""


def as_stream(schema: pa.Schema, batches: Sequence[pa.RecordBatch] = ()) -> pa.Buffer:
    """Some batches as an Arrow stream in memory."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def from_stream(body: bytes) -> pa.Table:
    """The rows of an Arrow stream."""
    return pa.ipc.open_stream(body).read_all()
