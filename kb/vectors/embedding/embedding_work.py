"""Embedding as work for an engine: here by the model that is loaded, by workers with the same one, loaded anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from kb.engines.work import Stream, Work
from kb.vectors.embedding.embedder import Embedder, EmbedderInfo
from kb.vectors.embedding.load import load_stored_embedder


def embedding_work(embedder: Embedder) -> Work[Sequence[str], np.ndarray]:
    """The vectors of texts by `embedder`, batch by batch; a worker loads it by its name, checked to be the same."""
    # Whoever brings an embedder of their own need not tell either: it is not loaded by its name.
    device, batch_size = getattr(embedder, "device", None), getattr(embedder, "batch_size", 64)
    return Work(
        name="embedding",
        begin=partial(_begin, embedder.info, device, batch_size),
        here=partial(_embedded, embedder.embed),
        threaded=True,
        gpu=True,
    )


def _begin(info: EmbedderInfo, device: str | None, batch_size: int) -> Stream[Sequence[str], np.ndarray]:
    return partial(_embedded, load_stored_embedder(info, device, batch_size).embed)


def _embedded(embed: Callable[[Sequence[str]], np.ndarray], batches: Iterable[Sequence[str]]) -> Iterator[np.ndarray]:
    return map(embed, batches)
