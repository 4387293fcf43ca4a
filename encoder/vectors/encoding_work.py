"""Encoding as work for an engine: the same forward pass, batch by batch, here or by workers that load the encoder.

A worker reads the pixels itself, from the knowledge base, by their places: they do not pass through the process that
asks. So what is sent is small either way: some places there, a vector for each of them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from encoder.devices import choose_device, to_device
from encoder.model.checkpoint import Checkpoint, load_checkpoint
from encoder.vectors.pixels import PixelReader, PixelsByPlace, read_ahead
from encoder.vectors.precision import Precision, computing_in, kind_of_device
from kb.engines.work import Stream, Work
from kb.errors import ClearKbError
from kb.store.storage import Storage

if TYPE_CHECKING:
    import torch

Layer = Literal["projection", "backbone"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The vectors of one batch of images, float32, (n, d), and the kind of device that they were computed on."""

    vectors: np.ndarray
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How images are encoded; all of it can be sent elsewhere.

    Attributes:
        folder: of the checkpoint.
        encoder_id: of the encoder that stands there.
        layer: what of it gives the vectors.
        precision: of the forward pass.
        device: the one that was asked for; None: the best there is.
    """

    folder: Path
    encoder_id: str
    layer: Layer
    precision: Precision
    device: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pixels:
    """Where pixels lie, for a process that has not opened the knowledge base."""

    uri: str
    options: Mapping[str, str] | None
    version: int
    size: int

    def opened(self) -> PixelsByPlace:
        """The pixels, by place."""
        return PixelsByPlace(Storage(self.uri, self.options).dataset("pixels", self.version), self.size)


def encoding_work(
    how: Encoding, checkpoint: Checkpoint | None, storage: Storage, reader: PixelReader
) -> Work[Sequence[int], Encoded]:
    """The vectors of images, batch by batch, by the places of their pixels.

    Args:
        how: how they are encoded.
        checkpoint: where this process encodes, the encoder; None where workers load it.
        storage: of the knowledge base, which workers open by its address.
        reader: of the pixels.
    """
    pixels = reader.placed
    folder = storage.folder
    told = _Pixels(
        uri=storage.uri if folder is None else str(folder.resolve()),
        options=storage.options,
        version=pixels.version,
        size=reader.preprocessing.size,
    )
    return Work(
        name="encoding",
        begin=partial(_begin, how, told),
        here=None if checkpoint is None else _stream(how, checkpoint, pixels),
        threaded=True,
        gpu=how.device is None or not how.device.startswith("cpu"),
        together=4,
    )


def _begin(how: Encoding, pixels: _Pixels) -> Stream[Sequence[int], Encoded]:
    for place in (how.folder, *([Path(pixels.uri)] if "://" not in pixels.uri else [])):
        if not place.is_dir():
            raise ClearKbError(f"a worker does not see {place}: put it where all machines of the cluster find it")
    checkpoint = load_checkpoint(how.folder)
    if checkpoint.encoder_id != how.encoder_id:
        raise ClearKbError(f"{how.folder} holds encoder {checkpoint.encoder_id} for a worker, not {how.encoder_id}")
    return _stream(how, checkpoint, pixels.opened())


def _stream(how: Encoding, checkpoint: Checkpoint, pixels: PixelsByPlace) -> Stream[Sequence[int], Encoded]:
    device = choose_device(how.device)
    tower = checkpoint.encoder.image.to(device).eval()
    run = tower if how.layer == "projection" else tower.features

    def encoded(batch: np.ndarray) -> Encoded:
        import torch

        with torch.inference_mode(), computing_in(how.precision, device):
            vectors: torch.Tensor = run(to_device(batch, device)).float()
        if not torch.isfinite(vectors).all():
            raise ClearKbError(f"encoder {how.encoder_id} gives vectors that are no numbers: train it again")
        return Encoded(vectors.cpu().numpy(), kind_of_device(device))

    def stream(batches: Iterable[Sequence[int]]) -> Iterator[Encoded]:
        return map(encoded, read_ahead(pixels.take, batches))

    return stream
