"""The embedding cache: a vector is computed once for one (embedder, text), whatever happens afterwards."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from kb.batched import batched
from kb.engines.local import LocalEngine
from kb.engines.work import Engine
from kb.store.sqltext import literals
from kb.store.storage import Storage
from kb.vectors.embedding.embedder import Embedder, EmbedderInfo
from kb.vectors.embedding.embedding_work import embedding_work

logger = logging.getLogger("clear_kb.vectors")

CHUNK = 2048
"""Texts looked up, computed and stored together: what an interrupted run has to compute again at most."""

PIECE = 512
"""Texts that are embedded at once, whatever does it: which are padded together decides the last bit of a vector."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some texts to be computed; the last of its chunk settles so many texts, those that were known among them."""

    texts: list[str]
    settles: int | None = None


class EmbeddingCache:
    """The cached vectors of one embedder in one knowledge base."""

    def __init__(self, storage: Storage, info: EmbedderInfo):
        self._storage = storage
        self._info = info

    def vectors(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Those of `texts` that the cache holds, each with its vector (dimension,), float32."""
        keys = {self._key(text): text for text in texts}
        found: dict[str, np.ndarray] = {}
        dataset = self._storage.dataset("embeddings")
        for chunk in batched(keys, CHUNK):
            for batch in dataset.to_batches(columns=["key", "vector"], filter=f"key IN {literals(chunk)}"):
                width = self._info.dimension
                matrix = batch["vector"].flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
                found.update(
                    zip(
                        (keys[key] for key in batch["key"].to_pylist()),
                        matrix.astype(np.float32),
                        strict=True,
                    )
                )
        return found

    def fill(
        self,
        texts: Sequence[str],
        embedder: Embedder,
        on_done: Callable[[int], object] = lambda _: None,
        engine: Engine | None = None,
    ) -> int:
        """Compute and store the vectors of those `texts` that are missing; says how many were computed.

        `on_done` hears after every chunk how many texts it settled. Every chunk is stored when it is done, so
        an interrupted run goes on from there. `engine` does it; None is this machine.
        """
        started, computed, settled = time.monotonic(), 0, 0
        waiting: list[str] = []
        vectors: list[np.ndarray] = []
        work = embedding_work(embedder)
        for piece, made in (engine or LocalEngine()).map(work, self._pieces(texts), lambda piece: piece.texts):
            waiting += piece.texts
            vectors.append(made)
            if piece.settles is not None:
                self._store(waiting, np.concatenate(vectors))
                logger.debug("embedding: %d of a chunk of %d computed", len(waiting), piece.settles)
                computed, settled = computed + len(waiting), settled + piece.settles
                waiting, vectors = [], []
                on_done(piece.settles)
        if settled < len(texts):
            on_done(len(texts) - settled)
        seconds = time.monotonic() - started
        logger.info("embedding: %d of %d vectors computed, %.2f s", computed, len(texts), seconds)
        return computed

    def _pieces(self, texts: Sequence[str]) -> Iterator[_Piece]:
        """What is missing of each chunk, in pieces; they are asked for while earlier ones are still worked on."""
        asked_for: set[str] = set()
        known_before = 0
        for batch in batched(texts, CHUNK):
            chunk = [text for text in dict.fromkeys(batch) if text not in asked_for]
            known = self.vectors(chunk)
            missing = [text for text in chunk if text not in known]
            if not missing:
                known_before += len(batch)
                continue
            asked_for.update(missing)
            *pieces, last = batched(missing, PIECE)
            yield from (_Piece(piece) for piece in pieces)
            yield _Piece(last, settles=len(batch) + known_before)
            known_before = 0

    def _store(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        offsets = pa.array(range(0, vectors.size + 1, vectors.shape[1]), pa.int32())
        table = pa.table(
            {
                "key": [self._key(text) for text in texts],
                "embedder": [self._info.embedder_id] * len(texts),
                "vector": pa.ListArray.from_arrays(offsets, pa.array(vectors.reshape(-1), pa.float32())),
            }
        )
        self._storage.append("embeddings", table.cast(self._storage.dataset("embeddings").schema))

    def _key(self, text: str) -> str:
        said = f"{self._info.embedder_id}\0{text}"
        return blake2b(said.encode(), digest_size=16).hexdigest()
