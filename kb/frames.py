"""What goes between this process and one that works for it: a head in JSON, and bytes behind it.

Nothing is unpickled on either side: what was done to the process at the other end ends at this pipe.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

_LENGTHS = struct.Struct(">II")

MOST_HEAD = 8_000_000
MOST_BODY = 1_000_000_000
"""Bytes of a frame: what says that it is larger is no frame."""


class Frame(NamedTuple):
    """One message: what it is, and its bytes, if it has some."""

    head: Mapping[str, Any]
    body: bytes = b""


def write_frame(stream: IO[bytes], head: Mapping[str, Any], body: Any = b"") -> None:
    """Write one frame, whole; its body is anything whose bytes can be read (the buffer protocol)."""
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


def _exactly(stream: IO[bytes], length: int) -> bytes | None:
    read = stream.read(length)
    return read if len(read) == length else None
