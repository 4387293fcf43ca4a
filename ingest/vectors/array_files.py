"""Files of named arrays, read some rows at a time: .npy, .npz, safetensors and HDF5. Nothing pickled is read."""

from __future__ import annotations

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingest.vectors.ids_beside import PICKLED
from ingest.vectors.vector_rows import ROWS, as_float32
from kb.errors import ClearKbError, UsageError

UNREADABLE = (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """What an array is: its shape, and whether it holds numbers."""

    shape: tuple[int, ...]
    numeric: bool


class ArrayFile(ABC):
    """A file of named arrays.

    Attributes:
        kind: what it is called.
        arrays: what is in it, by name.
    """

    kind: str
    arrays: dict[str, ArrayInfo]

    @abstractmethod
    def rows(self, name: str) -> Iterator[np.ndarray]:
        """An array of numbers, some of its rows at a time, float32."""

    @abstractmethod
    def whole(self, name: str) -> np.ndarray:
        """An array as it is: a single vector, or ids."""


def open_arrays(path: Path) -> ArrayFile:
    """A file of arrays by its ending.

    Raises:
        UsageError: it holds Python objects, or reading it needs a library that is not installed.
        ClearKbError: it cannot be read.
    """
    kinds: dict[str, type[Any]] = {".npy": _Npy, ".npz": _Npz, ".safetensors": _Safetensors}
    try:
        return kinds.get(path.suffix.lower(), _Hdf5)(path)
    except UNREADABLE as error:
        if any(word in str(error) for word in ("pickle", "Python objects")):
            raise UsageError(f"{path} {PICKLED}") from error
        raise ClearKbError(f"{path} cannot be read: {error}") from error


def _info(dtype: np.dtype[Any], shape: tuple[int, ...]) -> ArrayInfo:
    if dtype.hasobject:
        raise ValueError("an array of objects, as pickle writes them")
    return ArrayInfo(tuple(shape), dtype.kind in "fiu")


class _Npy(ArrayFile):
    """One array, mapped into memory."""

    kind = "npy"

    def __init__(self, path: Path):
        self._array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        self.arrays = {"": _info(self._array.dtype, self._array.shape)}

    def rows(self, name: str) -> Iterator[np.ndarray]:
        for start in range(0, len(self._array), ROWS):
            yield as_float32(self._array[start : start + ROWS])

    def whole(self, name: str) -> np.ndarray:
        return np.asarray(self._array)


class _Npz(ArrayFile):
    """Arrays in a zip file, which are read as a stream: they may be larger than memory."""

    kind = "npz"

    def __init__(self, path: Path):
        self._path = path
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            self.arrays = {name.removesuffix(".npy"): _info(*self._header(archive, name)[:2]) for name in names}

    @staticmethod
    def _header(archive: zipfile.ZipFile, name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
        with archive.open(name) as file:
            return _read_header(file)

    def rows(self, name: str) -> Iterator[np.ndarray]:
        with zipfile.ZipFile(self._path) as archive, archive.open(f"{name}.npy") as file:
            dtype, shape, fortran = _read_header(file)
            if fortran:  # its rows lie apart: there is no reading them one after another
                yield as_float32(self.whole(name))
                return
            width = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
            for start in range(0, shape[0], ROWS):
                count = min(ROWS, shape[0] - start)
                data = file.read(count * width)
                if len(data) < count * width:
                    raise ClearKbError(f"{self._path} ends within '{name}', after {start:,} of {shape[0]:,} rows")
                yield as_float32(np.frombuffer(data, dtype).reshape(count, *shape[1:]))

    def whole(self, name: str) -> np.ndarray:
        with np.load(self._path, allow_pickle=False) as archive:
            found: np.ndarray = archive[name]
        return found


def _read_header(file: Any) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return dtype, shape, fortran


class _Safetensors(ArrayFile):
    """Tensors; bfloat16 is read too."""

    kind = "safetensors"

    def __init__(self, path: Path):
        from safetensors import SafetensorError, safe_open

        try:
            # Torch knows bfloat16, numpy does not.
            self._file = safe_open(str(path), framework="pt")
            names = list(self._file.keys())
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        self.arrays = {name: ArrayInfo(tuple(self._file.get_slice(name).get_shape()), True) for name in names}

    def rows(self, name: str) -> Iterator[np.ndarray]:
        part = self._file.get_slice(name)
        for start in range(0, self.arrays[name].shape[0], ROWS):
            yield part[start : start + ROWS].float().numpy()

    def whole(self, name: str) -> np.ndarray:
        found: np.ndarray = self._file.get_tensor(name).float().numpy()
        return found


class _Hdf5(ArrayFile):
    """Data sets, in groups too."""

    kind = "HDF5"

    def __init__(self, path: Path):
        try:
            import h5py
        except ImportError as error:
            raise UsageError(
                f"{path}: HDF5 is read by h5py, which is not installed: install h5py (the extra 'hdf5' of clear-kb), "
                "or save the vectors as Parquet, npy or safetensors"
            ) from error
        self._file = h5py.File(path, "r")
        self.arrays = {}

        def note(name: str, found: Any) -> None:
            if isinstance(found, h5py.Dataset):
                # Texts are objects here, of a kind that h5py knows; nothing is unpickled.
                numeric = found.dtype.kind in "fiu"
                self.arrays[name] = ArrayInfo(tuple(found.shape), numeric)

        self._file.visititems(note)

    def rows(self, name: str) -> Iterator[np.ndarray]:
        found = self._file[name]
        for start in range(0, found.shape[0], ROWS):
            yield as_float32(found[start : start + ROWS])

    def whole(self, name: str) -> np.ndarray:
        found: np.ndarray = self._file[name][()]
        if found.dtype.kind == "O":
            texts = [one.decode() if isinstance(one, bytes) else str(one) for one in found.tolist()]
            return np.array(texts, dtype=str)
        return as_float32(found) if found.dtype.kind == "f" else found
