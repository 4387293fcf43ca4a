"""A file of vectors by its ending."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ingest.vectors.array_vectors import array_vectors
from ingest.vectors.patches import MeanOfPatches
from ingest.vectors.table_vectors import table_vectors
from ingest.vectors.vector_rows import VectorFile
from kb.errors import UsageError

ARRAYS = (".npy", ".npz", ".safetensors", ".h5", ".hdf5")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".bin")
WHAT = ("image", "vector")
"""What columns, or arrays, can be named for."""


def open_vectors(
    path: str | Path,
    *,
    ids: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    patches: bool = False,
    encoding: str = "utf-8",
) -> VectorFile:
    """A file of vectors, ready to be gone through.

    Args:
        path: Parquet, CSV, .npy, .npz, HDF5 or safetensors.
        ids: a file of ids in the order of the vectors, for arrays that have none beside them.
        columns: which column, or array, holds "image" and "vector".
        patches: whether an image has several, whose mean is taken.
        encoding: of text files.

    Raises:
        UsageError: there is no such file, column or array, or it is of a kind that is not read.
        ClearKbError: it cannot be read.
    """
    path, named = Path(path), dict(columns or {})
    if wrong := sorted(named.keys() - set(WHAT)):
        raise UsageError(f"columns: there is no '{wrong[0]}'; choose one of {', '.join(WHAT)}")
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    if path.suffix.lower() in PICKLES:
        raise UsageError(
            f"{path} is not read, for a file of that kind may run code: save the vectors as safetensors, npy or Parquet"
        )
    if path.suffix.lower() in ARRAYS:
        beside = None if ids is None else Path(ids)
        file = array_vectors(path, beside, named.get("image"), named.get("vector"), patches=patches, encoding=encoding)
    elif ids is not None:
        raise UsageError(f"{path} is a table: its ids stand in a column, not in a file of their own", parameter="ids")
    else:
        file = table_vectors(path, named.get("image"), named.get("vector"), encoding)
    return MeanOfPatches(file) if patches else file
