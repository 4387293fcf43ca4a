"""The ids of vectors in a file of their own: a text, a table or an array, in the order of the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ingest.images.image_sources import COLUMNS
from ingest.sources.cells import identifier
from ingest.sources.tables import TableFile
from kb.errors import ClearKbError, UsageError

PICKLED = "holds Python objects, which are not read, for they may run code: save plain arrays"


def read_ids(path: Path, column: str | None = None, encoding: str = "utf-8") -> list[str | None]:
    """The ids in a file: a line of text each, a column of a table, or an array of texts or numbers.

    Args:
        path: .txt, .npy, or any table.
        column: of the table; default: the only one, or the first that is called as images are.
        encoding: of text.

    Raises:
        UsageError: there is no such file or column, or its array is of Python objects.
        ClearKbError: it cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}", parameter="ids")
    if path.suffix == ".npy":
        return ids_of(_array(path), str(path))
    if path.suffix == ".txt":
        try:
            return [line.strip() or None for line in path.read_text(encoding=encoding).splitlines()]
        except (UnicodeDecodeError, LookupError) as error:
            raise ClearKbError(f"{path} cannot be read as {encoding}: {error}") from error
    table = TableFile(path, encoding)
    wanted = id_column(table.names, column, str(path), alone=True)
    found: list[str | None] = []
    for batch in table:
        if batch.broken:
            # A row that is left out would give every later vector to another image.
            where, why = batch.broken[0]
            raise ClearKbError(f"{path}, {where}: {why}: ids have to be in the order of the vectors, none missing")
        for cell in batch.columns[wanted]:
            found.append(_text(cell, wanted))
    return found


def id_column(names: Sequence[str], column: str | None, where: str, *, alone: bool = False) -> str:
    """The column of image ids: the one that is named, one that is called as such are or, if that may be, the only one.

    Raises:
        UsageError: there is none.
    """
    if column is not None:
        if column not in names:
            raise UsageError(f"{where} has no column '{column}', but {', '.join(names)}")
        return column
    plain = {_plain(name): name for name in reversed(names)}
    usual = next((plain[_plain(name)] for name in (*COLUMNS["image"], "id", "ids") if _plain(name) in plain), None)
    if usual is None and alone and len(names) == 1:
        return names[0]
    if usual is None:
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")
        raise UsageError(
            f"{where} has no column of images ({shown}): name it in columns as 'image'", parameter="columns.image"
        )
    return usual


def ids_of(array: np.ndarray, where: str) -> list[str | None]:
    """The ids in an array of texts, bytes or whole numbers; UsageError if it is none."""
    if array.ndim != 1 or array.dtype.kind not in "USOiu":
        raise UsageError(f"{where} holds {array.dtype} {tuple(array.shape)}: a list of texts or numbers was expected")
    told = (one.decode() if isinstance(one, bytes) else str(one) for one in array.tolist())
    return [text.strip() or None for text in told]


def _array(path: Path) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        if "allow_pickle" in str(error):
            raise UsageError(f"{path} {PICKLED}") from error
        raise ClearKbError(f"{path} is no array that can be read: {error}") from error
    return found


def _text(cell: object, column: str) -> str | None:
    try:
        return identifier({column: cell}, column)
    except ValueError:
        return None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
