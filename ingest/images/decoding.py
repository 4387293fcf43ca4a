"""Pictures decoded and resized in worker processes, in order, with as much in flight as keeps the workers busy."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from ingest.images.image_sources import Entries, ImageEntry
from kb.batched import batched
from kb.images.library_messages import heard_messages
from kb.images.pixel_cache import PixelCache
from kb.images.preprocessing import Preprocessing
from kb.images.radiograph import ImageError, describe_radiograph, read_radiograph
from kb.reading.regular_file import read_regular

CHUNK = 256
"""Images whose pixels are written together."""

TASK = 16
"""Images that a worker is given at once."""

LARGEST_FILE = 512 << 20
"""Bytes of a file that are read: uncompressed, the largest picture that is taken has half as many."""

AHEAD = 4
"""Tasks for each worker that may wait or be done before they are fetched: pixels must not pile up in the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one file: a reason against it, or what it holds; no pixels where the cache has them.

    `refused` is the reason in few words, `notes` what of the file could not be used, `messages` what libraries said.
    """

    reason: str = ""
    refused: str = ""
    content_hash: str = ""
    kind: str = ""
    width: int = 0
    height: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    pixels: bytes | None = None


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes files to the pixels of one preprocessing; contents that are `known` are described and no more."""

    preprocessing: Preprocessing
    known: frozenset[str]
    any_body_part: bool = False

    def take(self, entry: ImageEntry) -> Outcome:
        """What comes of one image; one that has a fault is not looked for."""
        return Outcome(reason=entry.fault, refused="unclear which file") if entry.fault else self.decode(entry.path)

    def decode(self, path: Path) -> Outcome:
        """What comes of one file; whatever a decoder does with it costs that file and no more."""
        try:
            data = read_regular(path, LARGEST_FILE)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            told = getattr(error, "strerror", None) or error
            return Outcome(reason=f"cannot be read: {told}", refused="no such file or not readable")
        if len(data) > LARGEST_FILE:
            return Outcome(reason=f"more than {LARGEST_FILE >> 20} MB", refused="too large")
        found = Outcome(reason="not decoded")
        with heard_messages() as messages:
            try:
                found = self._found(data)
            except ImageError as error:
                found = Outcome(reason=str(error), refused=error.kind)
            except Exception as error:
                found = Outcome(reason=f"broken image: {type(error).__name__}: {error}", refused="broken")
        return replace(found, messages=tuple(messages)) if messages else found

    def _found(self, data: bytes) -> Outcome:
        content = blake2b(data, digest_size=16).hexdigest()
        if content in self.known:
            known = describe_radiograph(data, any_body_part=self.any_body_part)
            width, height = known.size
            return Outcome(content_hash=content, kind=known.kind, width=width, height=height, facts=known.facts)
        found = read_radiograph(data, any_body_part=self.any_body_part)
        height, width = found.pixels.shape
        return Outcome(
            content_hash=content,
            kind=found.kind,
            width=width,
            height=height,
            facts=found.facts,
            notes=found.notes,
            pixels=self.preprocessing.apply(found.pixels).tobytes(),
        )


def decode_images(
    entries: Entries, cache: PixelCache, *, workers: int, any_body_part: bool = False
) -> Iterator[list[tuple[ImageEntry, Outcome]]]:
    """The entries with what came of each, in their order, a few hundred at a time."""
    decoder = Decoder(cache.preprocessing, frozenset(cache.known()), any_body_part)
    if workers == 1 or len(entries) <= TASK:
        for chunk in batched(entries, CHUNK):
            yield [(entry, decoder.take(entry)) for entry in chunk]
        return
    # Lance's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (decoder,)) as pool:
        yield from batched(_in_order(pool, entries, workers), CHUNK)


def _in_order(pool: ProcessPoolExecutor, entries: Entries, workers: int) -> Iterator[tuple[ImageEntry, Outcome]]:
    under_way: deque[tuple[list[ImageEntry], Future[list[Outcome]]]] = deque()
    for task in batched(entries, TASK):
        under_way.append((task, pool.submit(_decode, task)))
        if len(under_way) >= workers * AHEAD:
            done, outcomes = under_way.popleft()
            yield from zip(done, outcomes.result(), strict=True)
    while under_way:
        done, outcomes = under_way.popleft()
        yield from zip(done, outcomes.result(), strict=True)


_DECODER: list[Decoder] = []
"""The decoder of a worker process: handed over once, for the contents that are known may be many."""


def _begin(decoder: Decoder) -> None:
    _DECODER[:] = [decoder]


def _decode(entries: Sequence[ImageEntry]) -> list[Outcome]:
    return [_DECODER[0].take(entry) for entry in entries]
