"""Pixels for an encoder: read from the cache by content, as fast as it takes them, ahead of its work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa

from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase

if TYPE_CHECKING:
    import lance

Key = TypeVar("Key", str, int)

AHEAD = 4
"""Batches that are read while the encoder works on an earlier one."""

THREADS = 2
"""Threads that read them, unless more are asked for."""

IN_MEMORY_BYTES = 4 * 2**30
"""Pixels of a training are kept in memory where they are no more than this."""


class PixelReader:
    """The cached pixels of one preprocessing, by the content of their files; read by place, without a search."""

    def __init__(self, kb: KnowledgeBase, preprocessing: Preprocessing):
        self._dataset = kb.storage.dataset("pixels")
        self.preprocessing = preprocessing
        self._kb = kb
        keys = self._dataset.to_table(columns=["content_hash", "preprocessing"])
        wanted = preprocessing.preprocessing_id
        self._places = {
            content: place
            for place, (content, made) in enumerate(
                zip(keys["content_hash"].to_pylist(), keys["preprocessing"].to_pylist(), strict=True)
            )
            if made == wanted
        }

    def holds(self, content: str) -> bool:
        """Whether the pixels of a content are here."""
        return content in self._places

    def check(self, contents: Sequence[str]) -> None:
        """Refuse a work of which pixels are missing (UsageError), before it begins."""
        missing = [content for content in contents if content not in self._places]
        if missing:
            raise UsageError(
                f"the pixels of {len(missing):,} of {len(contents):,} images are not in {self._kb.uri} as they are "
                f"wanted here ({self.preprocessing.described}): ingest them so",
                need="pixels",
            )

    def take(self, contents: Sequence[str]) -> np.ndarray:
        """The pixels of some contents in their order: uint8, (n, size, size)."""
        return self.placed.take(self.places(contents))

    def places(self, contents: Sequence[str]) -> list[int]:
        """Where the pixels of some contents lie."""
        self.check(contents)
        return [self._places[content] for content in contents]

    @property
    def placed(self) -> PixelsByPlace:
        """The same pixels by the places that they lie at."""
        return PixelsByPlace(self._dataset, self.preprocessing.size)

    def batches(self, batches: Iterable[Sequence[str]], threads: int = THREADS) -> Iterator[np.ndarray]:
        """The pixels of one batch of contents after another, read ahead by threads."""
        return read_ahead(self.take, batches, threads)


class PixelsByPlace:
    """Pixels by the places that they lie at in one version of the cache: who knows these need not look for them."""

    def __init__(self, dataset: lance.LanceDataset, size: int):
        self._dataset, self._size = dataset, size

    @property
    def version(self) -> int:
        """The version of the cache in which they lie there."""
        return int(self._dataset.version)

    def take(self, places: Sequence[int]) -> np.ndarray:
        """The pixels at some places, in their order: uint8, (n, size, size)."""
        # Lance wants each row once, and gives them in the order asked for.
        once = sorted(set(places))
        column = self._dataset.take(once, columns=["pixels"])["pixels"].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0)
        offsets = np.frombuffer(column.buffers()[1], dtype=np.int64)[column.offset : column.offset + len(column) + 1]
        data = np.frombuffer(column.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
        pixels = data.reshape(len(once), self._size, self._size)
        return np.ascontiguousarray(pixels[np.searchsorted(once, places)])


def read_ahead(
    take: Callable[[Sequence[Key]], np.ndarray], batches: Iterable[Sequence[Key]], threads: int = THREADS
) -> Iterator[np.ndarray]:
    """What `take` gives of one batch after another, read ahead by threads."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[np.ndarray]] = []
        for batch in batches:
            waiting.append(pool.submit(take, batch))
            if len(waiting) > max(AHEAD, threads):
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


class PixelsInMemory:
    """The pixels of a whole small study, read once."""

    def __init__(self, reader: PixelReader, contents: Sequence[str]):
        once = list(dict.fromkeys(contents))
        size = reader.preprocessing.size
        self._numbers = {content: number for number, content in enumerate(once)}
        self._pixels = np.empty((len(once), size, size), dtype=np.uint8)
        for start in range(0, len(once), 1_024):
            part = once[start : start + 1_024]
            self._pixels[start : start + len(part)] = reader.take(part)

    def batches(self, batches: Sequence[Sequence[str]], threads: int = THREADS) -> Iterator[np.ndarray]:
        """The pixels of one batch of contents after another."""
        for batch in batches:
            yield self._pixels[[self._numbers[content] for content in batch]]


def kept_pictures(kb: KnowledgeBase, contents: Sequence[str]) -> list[np.ndarray]:
    """The largest square that is kept of each content, whatever it was made for: to be looked at.

    Raises:
        UsageError: nothing is kept of one.
    """
    dataset, places = kb.storage.dataset("pixels"), dict[str, tuple[int, int]]()
    keys = dataset.to_table(columns=["content_hash", "size"])
    for place, row in enumerate(zip(keys["content_hash"].to_pylist(), keys["size"].to_pylist(), strict=True)):
        content, size = row
        places[content] = max(places.get(content, (0, 0)), (size, place))
    if missing := [content for content in contents if content not in places]:
        raise UsageError(f"no pixels are kept of {len(missing):,} of these {len(contents):,} images", need="pixels")
    found = []
    for content in contents:
        size, place = places[content]
        data = dataset.take([place], columns=["pixels"])["pixels"][0].as_py()
        found.append(np.frombuffer(data, dtype=np.uint8).reshape(size, size))
    return found


def training_pixels(
    kb: KnowledgeBase, preprocessing: Preprocessing, contents: Sequence[str]
) -> PixelReader | PixelsInMemory:
    """The pixels that a training goes through many times: in memory where they fit, else from the cache.

    Raises:
        UsageError: pixels are missing; the message says how they are made.
    """
    reader = PixelReader(kb, preprocessing)
    reader.check(contents)
    on_this_machine = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    few = len(set(contents)) * preprocessing.size**2 * on_this_machine <= IN_MEMORY_BYTES
    return PixelsInMemory(reader, contents) if few else reader
