"""What goes between a session and the process that runs its queries: a head in JSON, and Arrow behind it.

Nothing is unpickled on either side: what a query may have done to the process that ran it ends at this pipe.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple

import pyarrow as pa

_LENGTHS = struct.Struct(">II")

MOST_HEAD = 8_000_000
MOST_BODY = 300_000_000
"""Bytes of a frame: what says that it is larger is no frame."""


class Frame(NamedTuple):
    """One message: what it is, and its Arrow stream, if it has one."""

    head: Mapping[str, Any]
    body: bytes = b""


def write_frame(stream: IO[bytes], head: Mapping[str, Any], body: bytes | pa.Buffer = b"") -> None:
    """Write one frame, whole."""
    said = json.dumps(head).encode()
    data = memoryview(body)
    stream.write(_LENGTHS.pack(len(said), len(data)))
    stream.write(said)
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Frame | None:
    """Read one frame; None where the other side has ended, also in the middle of it, or writes what is none."""
    lengths = _exactly(stream, _LENGTHS.size)
    if lengths is None:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    if head_length > MOST_HEAD or body_length > MOST_BODY:
        return None
    head, body = _exactly(stream, head_length), _exactly(stream, body_length)
    return None if head is None or body is None else Frame(json.loads(head), body)


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


def _exactly(stream: IO[bytes], length: int) -> bytes | None:
    read = stream.read(length)
    return read if len(read) == length else None
