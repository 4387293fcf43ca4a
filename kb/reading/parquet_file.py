"""Parquet files, read a few rows at a time; whatever Arrow says of a broken one is one error of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kb.errors import ClearKbError

UNREADABLE = (OSError, ValueError, RuntimeError, NotImplementedError, KeyError, OverflowError)
"""What Arrow raises of a file that is broken: its own errors are of these kinds."""

LARGEST_CELL = 64 << 20
"""Bytes of a text or a list: a batch of a few thousand rows must fit the memory."""


@contextmanager
def opened_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, open in the block; what goes wrong with it there is told of it too.

    Raises:
        ClearKbError: there is no such file, it is no Parquet file, or broken.
    """
    with broken_told(path), open_parquet(path) as file:
        yield file


def open_parquet(path: Path, **options: Any) -> pq.ParquetFile:
    """A Parquet file, for who reads its row groups one by one.

    Raises:
        ClearKbError: there is no such file, or it is no Parquet file.
    """
    try:
        return pq.ParquetFile(path, **options)
    except UNREADABLE as error:
        raise ClearKbError(f"{path} is not a Parquet file: {plain(error)}") from error


@contextmanager
def broken_told(path: Path, after: str = "") -> Iterator[None]:
    """Whatever Arrow raises in the block as an error that names the file."""
    try:
        yield
    except UNREADABLE as error:
        raise ClearKbError(f"{path} cannot be read{after}: {plain(error)}") from error


def values(column: pa.Array | pa.ChunkedArray) -> Sequence[Any]:
    """The cells of a column; one whose texts are not all UTF-8 comes as bytes."""
    try:
        found: Sequence[Any] = column.to_pylist()
    except UnicodeDecodeError:
        binary = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        found = column.cast(binary).to_pylist()
    return found


def plain(error: BaseException) -> str:
    """What Arrow says, in one line."""
    return " ".join(str(error).split())[:200]
