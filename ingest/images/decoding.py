"""Pictures decoded and resized by many workers, in order, with as much in flight as keeps the workers busy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path

from ingest.images.image_sources import Entries, ImageEntry
from kb.batched import batched
from kb.engines.work import Engine, Stream, Work, whole
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
"""Tasks for each worker that may be done before an earlier one is: pixels must not pile up in the memory."""


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
    entries: Entries, cache: PixelCache, *, engine: Engine, any_body_part: bool = False
) -> Iterator[list[tuple[ImageEntry, Outcome]]]:
    """The entries with what came of each, in their order, a few hundred at a time."""
    decoder = Decoder(cache.preprocessing, frozenset(cache.known()), any_body_part)
    work = Work(name="decoding", begin=partial(_begin, decoder), first_here=1, ahead=AHEAD)
    done = engine.map(work, batched(entries, TASK), whole)
    yield from batched(chain.from_iterable(zip(task, found, strict=True) for task, found in done), CHUNK)


def _begin(decoder: Decoder) -> Stream[Sequence[ImageEntry], list[Outcome]]:
    return partial(_decoded, decoder)


def _decoded(decoder: Decoder, tasks: Iterable[Sequence[ImageEntry]]) -> Iterator[list[Outcome]]:
    return ([decoder.take(entry) for entry in task] for task in tasks)
