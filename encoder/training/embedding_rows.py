"""The embeddings of all concepts, held once a machine: a file that its processes map, of which a batch takes its rows.

368,294 concepts of 4,096 numbers are 6 GB: too much for the memory of each GPU, and for each process of a machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from encoder.devices import to_device
from encoder.training.processes import Processes
from kb.errors import ClearKbError


class RowFile:
    """Rows of float32 on their way into a file without a lasting name, which all processes of a machine then map.

    Every process appends the same rows; the first of each machine writes them. The file stands where temporary files
    do (TMPDIR says where) and goes with the last process that maps it.
    """

    def __init__(self, processes: Processes):
        self._processes = processes
        self._writes = os.environ.get("LOCAL_RANK", "0") == "0"
        self._file = tempfile.NamedTemporaryFile(prefix="clear-kb-embeddings-") if self._writes else None  # noqa: SIM115
        self._shape = (0, 0)

    def append(self, rows: np.ndarray) -> None:
        """Take rows in, (n, D).

        Raises:
            ClearKbError: there is no room for them.
        """
        self._shape = (self._shape[0] + len(rows), rows.shape[1])
        if self._file is None:
            return
        try:
            self._file.write(np.ascontiguousarray(rows, dtype=np.float32).data)
            self._file.flush()
        except OSError as error:
            raise ClearKbError(
                f"the embeddings do not fit into {tempfile.gettempdir()} ({error.strerror}): let TMPDIR name a folder "
                "with more room"
            ) from error

    def mapped(self) -> np.ndarray | None:
        """All rows, (N, D), mapped and read-only; None if there are none. Every process has to ask."""
        machine = os.environ.get("GROUP_RANK", "0")
        found = self._processes.gather_objects((machine, self._file.name if self._file else None))
        name = next(path for of, path in found if of == machine and path is not None)
        rows = np.memmap(name, np.float32, "r", shape=self._shape) if all(self._shape) else None
        self._processes.wait()  # all have it before its name goes
        if self._file is not None:
            self._file.close()
        return rows


class RowsOnDevice:
    """Rows of an array that are brought to a device when they are asked for, and kept until others are."""

    def __init__(self, rows: np.ndarray, device: str):
        self._rows, self._device = np.asarray(rows), device
        self._numbers: list[int] | None = None
        self._taken: Any = None

    def __getitem__(self, numbers: Sequence[int]) -> torch.Tensor:
        """These rows, (n, D), on the device."""
        if self._numbers != list(numbers):
            self._numbers = list(numbers)
            self._taken = to_device(self._rows[self._numbers], self._device)
        taken: torch.Tensor = self._taken
        return taken
