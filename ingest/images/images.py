"""Ingesting images: decoded and resized in worker processes, their pixels kept once, as one commit.

A file that is no radiograph costs one row of the rejects. An interrupted ingest keeps the pixels it has made; the same
images again change nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.images.image_sources import ImageEntry, list_images
from ingest.joins import count_joins, require_image_join
from kb.batched import batched
from kb.images.patient_split import marked
from kb.images.pixel_cache import PixelCache
from kb.images.preprocessing import Preprocessing
from kb.images.radiograph import ImageError, read_radiograph
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from schemas.tables import IMAGES

CHUNK = 256
"""Images whose pixels are written together."""

TASK = 16
"""Images that a worker is given at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """What an ingest of images did; `images` are stored now, and `with_report` of them have a report."""

    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    decoded: int
    images: int
    with_report: int
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "commit"}
        return {**fields, "commit": self.commit.commit_id if self.commit else None}


@dataclass
class _Run:
    """What was met so far."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    decoded: int = 0


def ingest_images(
    kb: KnowledgeBase,
    sources: Sequence[str | Path],
    *,
    table: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    preprocessing: Preprocessing | None = None,
    split: str | None = None,
    workers: int | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    allow_unjoined: bool = False,
    watcher: Watcher | None = None,
) -> ImageResult:
    """Ingest the images of `sources` into `kb` as one commit.

    Args:
        kb: where to; it stands on the new commit afterwards.
        sources: folders and files.
        table: a table that names the images and says whose they are; see `list_images`.
        mapping: which of its columns holds what.
        preprocessing: the square that pixels are brought to; default: 448 pixels, padded.
        split: the split that all of them lie in, whatever the table says: "external" for those of another place.
        workers: processes that decode; default: one for each processor.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored, as a data set of their own.
        watcher: hears how it goes.

    Raises:
        UsageError: a source is not there, or the table cannot be read.
        ClearKbError: no image would have any of the reports (or labels) that are stored.
    """
    watcher = watcher or Silent()
    entries = list(list_images([Path(s) for s in sources], None if table is None else Path(table), mapping))
    entries = [replace(entry, attributes=marked(entry.attributes, split)) for entry in entries]
    cache = PixelCache(kb.storage, preprocessing or Preprocessing())
    run = _Run()
    watcher.stage("decoding", len(entries))
    for outcomes in _decoded(entries, cache, workers or os.cpu_count() or 1):
        made: dict[str, bytes] = {}
        for entry, outcome in outcomes:
            _take(run, entry, outcome, made)
        if not dry_run:
            cache.store(made)
        watcher.advance(run.read, run.read)
    return _publish(
        kb, run, sorted({entry.source for entry in entries}), by, why, dry_run=dry_run, allow_unjoined=allow_unjoined
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What came of one file: a reason against it, or what it holds; no pixels where the cache has them."""

    reason: str = ""
    content_hash: str = ""
    kind: str = ""
    width: int = 0
    height: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    pixels: bytes | None = None


def _decoded(
    entries: Sequence[ImageEntry], cache: PixelCache, workers: int
) -> Iterator[list[tuple[ImageEntry, _Outcome]]]:
    """The entries with what came of each, in their order, a few hundred at a time."""
    known = frozenset(cache.known())
    if workers == 1 or len(entries) <= TASK:
        _begin(cache.preprocessing, known)
        for chunk in batched(entries, CHUNK):
            yield [(entry, _decode(entry.path)) for entry in chunk]
        return
    # Lance's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (cache.preprocessing, known)) as pool:
        outcomes = pool.map(_decode, (entry.path for entry in entries), chunksize=TASK)
        yield from batched(zip(entries, outcomes, strict=True), CHUNK)


_SETUP: dict[str, Any] = {}


def _begin(preprocessing: Preprocessing, known: frozenset[str]) -> None:
    _SETUP.update(preprocessing=preprocessing, known=known)


def _decode(path: Path) -> _Outcome:
    try:
        data = path.read_bytes()
    except OSError as error:
        return _Outcome(reason=f"cannot be read: {error.strerror}")
    try:
        found = read_radiograph(data)
    except ImageError as error:
        return _Outcome(reason=str(error))
    except Exception as error:  # a decoder's own failure on a crafted file must cost that file and no more
        return _Outcome(reason=f"broken image: {type(error).__name__}: {error}")
    content = blake2b(data, digest_size=16).hexdigest()
    pixels = None if content in _SETUP["known"] else _SETUP["preprocessing"].apply(found.pixels).tobytes()
    height, width = found.pixels.shape
    return _Outcome(
        reason="", content_hash=content, kind=found.kind, width=width, height=height, facts=found.facts, pixels=pixels
    )


def _take(run: _Run, entry: ImageEntry, outcome: _Outcome, made: dict[str, bytes]) -> None:
    run.read += 1
    reason = outcome.reason or ("" if entry.image_id else "the row names no image")
    if not reason and (known := run.rows.get(entry.image_id)) is not None:
        other = "" if known["content_hash"] == outcome.content_hash else ", with another picture"
        reason = f"the id {entry.image_id} was met before ({known['position']}){other}"
    age, odd = _age(entry.age or outcome.facts.get("age"))
    if not reason and odd:
        reason = f"age '{odd}' is no number of years"
    if reason:
        position = entry.position if entry.source == entry.path.name else f"{entry.position} ({entry.path.name})"
        fields = {"source": entry.source, "position": position, "report_id": None, "reason": reason}
        run.rejects.append(fields)
        return
    if outcome.pixels is not None and outcome.content_hash not in made:
        made[outcome.content_hash] = outcome.pixels
        run.decoded += 1
    run.rows[entry.image_id] = {
        "image_id": entry.image_id,
        "study_id": entry.study_id or outcome.facts.get("study_id"),
        "patient_id": entry.patient_id or outcome.facts.get("patient_id"),
        "source": entry.source,
        "position": entry.position,
        "content_hash": outcome.content_hash,
        "kind": outcome.kind,
        "width": outcome.width,
        "height": outcome.height,
        "view": entry.view or outcome.facts.get("view"),
        "sex": entry.sex or outcome.facts.get("sex"),
        "age": age,
        "attributes": [{"name": name, "value": value} for name, value in entry.attributes.items()],
    }


def _age(told: str | None) -> tuple[float | None, str | None]:
    """An age in years ("63", "063Y", "18M"); the second is what could not be read."""
    if told is None or told.strip().lower() in ("", "nan", "none", "unknown"):
        return None, None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([YMWD]?)", told.strip(), re.I)
    if match is None:
        return None, told
    return float(match[1]) / {"M": 12, "W": 52.18, "D": 365.25}.get(match[2].upper(), 1), None


def _publish(
    kb: KnowledgeBase,
    run: _Run,
    sources: Sequence[str],
    by: str | None,
    why: str | None,
    *,
    dry_run: bool,
    allow_unjoined: bool,
) -> ImageResult:
    """Write what was read, or count it."""
    studies = {row["study_id"] for row in run.rows.values()} - {None}

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, dict[str, int]]:
        fresh, counts = _sorted_out(publication, run.rows)
        if fresh and not allow_unjoined:
            require_image_join(publication, run.rows.keys(), studies)
        moved = replace_rejects(publication, sources, run.rejects)
        for chunk in batched(fresh, 2_000):
            _replace(publication, chunk)
        return ({**counts, "rejects": len(run.rejects)} if fresh or moved else None), counts

    commit, counts = kb.publish("ingest images", change, by=by, why=why, dry_run=dry_run)
    images, with_report = count_joins(kb)
    return ImageResult(
        read=run.read,
        **counts,
        rejected=len(run.rejects),
        decoded=run.decoded,
        images=images,
        with_report=with_report,
        commit=commit,
    )


def _sorted_out(
    publication: Publication, rows: Mapping[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The rows that are new or differ from what is stored, and how many of each there are."""
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    fresh: list[dict[str, Any]] = []
    for chunk in batched(rows.values(), 2_000):
        where = f"image_id IN {literals(row['image_id'] for row in chunk)}"
        stored = {row["image_id"]: row for row in publication.dataset("images").to_table(filter=where).to_pylist()}
        for row in chunk:
            now = stored.get(row["image_id"])
            what = "new" if now is None else "unchanged" if now == row else "changed"
            counts[what] += 1
            fresh += [] if what == "unchanged" else [row]
    return fresh, counts


def _replace(publication: Publication, rows: Iterable[dict[str, Any]]) -> None:
    lines = list(rows)
    where = f"image_id IN {literals(row['image_id'] for row in lines)}"
    publication.replace("images", where, [pa.RecordBatch.from_pylist(lines, schema=IMAGES.schema)])
