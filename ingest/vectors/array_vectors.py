"""Vectors in files of arrays: one array with a row an image and ids beside it, or an array an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.vectors.array_files import ArrayFile, open_arrays
from ingest.vectors.ids_beside import ids_of, read_ids
from ingest.vectors.vector_rows import ROWS, VectorFile, VectorRows, as_float32
from kb.errors import UsageError

IDS = ("ids", "id", "image_ids", "image_id", "images", "image", "paths", "path", "filenames", "names", "keys")
"""What an array of ids beside the vectors is usually called."""


class RowsOfArray(VectorFile):
    """One array, a row an image."""

    def __init__(self, path: Path, file: ArrayFile, array: str, ids: Sequence[str | None]):
        self.name, self._file, self._array, self._ids = path.name, file, array, ids
        self.told = f"{file.kind}, array '{array}'" if array else file.kind

    def __iter__(self) -> Iterator[VectorRows]:
        first = 1
        for part in self._file.rows(self._array):
            yield VectorRows(first, self._ids[first - 1 : first - 1 + len(part)], part)
            first += len(part)


class ArrayAnImage(VectorFile):
    """An array an image, called by the image's id."""

    def __init__(self, path: Path, file: ArrayFile):
        self.name, self._file = path.name, file
        self.told = f"{file.kind}, an array an image"
        self._names = list(file.arrays)

    def __iter__(self) -> Iterator[VectorRows]:
        for start in range(0, len(self._names), ROWS):
            names = self._names[start : start + ROWS]
            yield VectorRows(start + 1, names, [as_float32(self._file.whole(name)) for name in names])

    def position(self, row: int) -> str:
        """Which array it is."""
        return f"array {self._names[row - 1]}"


def array_vectors(
    path: Path, ids: Path | None, image: str | None, vector: str | None, *, patches: bool, encoding: str
) -> VectorFile:
    """The vectors of a file of arrays.

    Args:
        path: .npy, .npz, .safetensors, .h5 or .hdf5.
        ids: a file of ids, in the order of the rows.
        image: the array of ids in the same file, or the column of the file of ids.
        vector: the array of vectors.
        patches: whether an image has several.
        encoding: of the file of ids.

    Raises:
        UsageError: no array, or several, could be meant, or nobody says whose the rows are.
        ClearKbError: the file cannot be read.
    """
    file = open_arrays(path)
    inside = _ids_inside(file, None if ids is not None else image)
    if ids is None and inside is None and vector is None and _is_array_an_image(file, patches):
        return ArrayAnImage(path, file)
    name = _vector_array(path, file, vector, patches)
    if ids is not None:
        names, where = read_ids(ids, image, encoding), str(ids)
    elif inside is not None:
        names, where = ids_of(file.whole(inside), f"{path}, '{inside}'"), f"its array '{inside}'"
    else:
        raise UsageError(
            f"{path} does not say whose its {file.arrays[name].shape[0]:,} vectors are: give their ids, one a line, in "
            "their order",
            parameter="ids",
        )
    rows = file.arrays[name].shape[0]
    if len(names) != rows:
        raise UsageError(f"{path} holds {rows:,} vectors, and {where} {len(names):,} ids (first: {names[:1]})")
    return RowsOfArray(path, file, name, names)


def _ids_inside(file: ArrayFile, named: str | None) -> str | None:
    """The array of ids in the same file, if there is one."""
    if named is not None:
        if named not in file.arrays:
            raise UsageError(f"there is no array '{named}', but {_shown(file)}", parameter="columns.image")
        return named
    found = {name.rpartition("/")[2].lower(): name for name in file.arrays if len(file.arrays[name].shape) == 1}
    return next((found[name] for name in IDS if name in found), None) if len(file.arrays) > 1 else None


def _is_array_an_image(file: ArrayFile, patches: bool) -> bool:
    """Whether every array is a single vector (or the patches of one image), and there are several."""
    dimensions = {len(one.shape) for one in file.arrays.values()}
    numeric = all(one.numeric for one in file.arrays.values())
    return numeric and "" not in file.arrays and dimensions in ({1}, {2} if patches and len(file.arrays) > 1 else {1})


def _vector_array(path: Path, file: ArrayFile, named: str | None, patches: bool) -> str:
    if named is not None and named not in file.arrays:
        raise UsageError(f"{path} has no array '{named}', but {_shown(file)}", parameter="columns.vector")
    sizes = (2, 3) if patches else (2,)
    fitting = [name for name, one in file.arrays.items() if one.numeric and len(one.shape) in sizes]
    fitting = [name for name in fitting if named in (None, name)]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1 and not patches and _is_array_an_image(file, patches=True):
        raise UsageError(
            f"{path} holds {_shown(file)}: if each holds the patches of the image that it is called by, say so, and "
            "their mean is taken",
            parameter="patches",
        )
    if len(fitting) > 1:
        raise UsageError(
            f"{path} has several arrays of vectors: {_shown(file)}: name one in columns as 'vector'",
            parameter="columns.vector",
        )
    three = [name for name, one in file.arrays.items() if one.numeric and len(one.shape) == 3 and named in (None, name)]
    if three and not patches:
        raise UsageError(
            f"{path} holds {_shown(file)}: several vectors an image, as of patches; say so, and their mean is taken",
            parameter="patches",
        )
    raise UsageError(f"{path} holds no array of numbers with a row an image, but {_shown(file)}")


def _shown(file: ArrayFile) -> str:
    told = [f"{name or 'one'} {tuple(one.shape)}" for name, one in list(file.arrays.items())[:4]]
    more = f" and {len(file.arrays) - 4:,} more" if len(file.arrays) > 4 else ""
    return f"{', '.join(told)}{more}" if told else "nothing"
