"""What the stored vectors of an encoder were computed in: one precision, and the kinds of device that had a part.

A vector in bfloat16 is another than in float32: about the mean image they agree to two digits or three. So the
description of an encoder's vectors (the table `encoders`) names their precision, and there is only ever one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from kb.errors import UsageError
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables

Precision = Literal["float32", "bfloat16"]
Asked = Literal["auto", "float32", "bfloat16"]
"""`auto`: that of the vectors that are there, else float32, whatever the device: one command gives the same numbers
anywhere, and they are those of the published encoder to 1e-4, which bfloat16 is not."""

DEFAULT: Precision = "float32"


@dataclass(frozen=True, slots=True)
class Computed:
    """What the stored vectors of an encoder were computed in.

    Attributes:
        precision: None where nobody knows: a foreign encoder computed them elsewhere.
        devices: the kinds of device that had a part, sorted: "cpu", "cuda", "mps".
    """

    precision: Precision | None
    devices: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """In words: "float32 on cpu"."""
        where = f" on {' and '.join(self.devices)}" if self.devices else ""
        return f"{self.precision or 'unknown precision'}{where}"


def computed(tables: Tables, encoder: str) -> Computed | None:
    """What the vectors of an encoder were computed in; None if there are none."""
    where = f"encoder IN {literals([encoder])}"
    rows = tables.dataset("encoders").to_table(columns=["precision", "devices"], filter=where).to_pylist()
    if not rows or not tables.dataset("image_vectors").count_rows(where):
        return None
    return Computed(rows[0]["precision"], tuple(rows[0]["devices"] or ()))


def chosen_precision(stored: Computed | None, asked: Asked, encoder: str) -> Precision:
    """The precision of further vectors of an encoder: as asked for, else that of the stored ones, else float32.

    Raises:
        UsageError: they would lie beside vectors of another precision; the message names both.
    """
    there = stored and stored.precision
    if stored is not None and there is not None and asked not in ("auto", there):
        raise UsageError(
            f"the vectors of {encoder} here are {stored.told}, and {asked} ones would be other numbers: encode in "
            f"{there}, or all images again",
            parameter="precision",
        )
    return there or (DEFAULT if asked == "auto" else asked)


@contextmanager
def computing_in(precision: Precision, device: str) -> Iterator[None]:
    """Run a network in a precision on a device ("cuda:1"); float32 is float32 there too, and not TF32."""
    import torch

    if precision == "bfloat16":
        with torch.autocast(kind_of_device(device), torch.bfloat16):
            yield
        return
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def kind_of_device(device: str) -> str:
    """The kind of a device: "cuda" of "cuda:1"."""
    return device.split(":")[0]
