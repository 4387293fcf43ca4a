"""Ingesting images: decoded and resized in worker processes, their pixels kept once, as one commit.

A file that is no radiograph costs one row of the rejects. An interrupted ingest keeps the pixels it has made; the same
images again change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.images.compared_rows import sorted_out
from ingest.images.decoding import decode_images
from ingest.images.image_rows import ImageRows
from ingest.images.image_sources import Entries, Listed, list_images
from ingest.images.stored_pictures import StoredPictures, respelt
from ingest.joins import count_joins, require_image_join
from kb.batched import batched
from kb.cores import core_count
from kb.engines.local import LocalEngine
from kb.engines.work import Engine
from kb.images.pixel_cache import PixelCache
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey
from kb.privacy.same_ids import require_same_ids
from kb.progress import Silent, Watcher
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """What an ingest of images did; `images` are stored now, and `with_report` of them have a report.

    Of the images that were taken, `views` counts the views ("unknown" too), `as_given` the values that were not
    understood and are kept as attributes, `mended` what of a file could not be used, and `messages` what libraries
    said, each by kind. `refused` counts the rejected by their reason in few words.

    `known` are pictures that are stored under another id: they are that image, and no second one. `alike` have the same
    pixels as another of this ingest, of another id. `resolved` are images that labels or predictions name in another
    spelling, which was taken, by the rule.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    decoded: int
    images: int
    with_report: int
    known: int = 0
    alike: int = 0
    resolved: Mapping[str, int] = field(default_factory=dict)
    views: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    as_given: Mapping[str, int] = field(default_factory=dict)
    mended: Mapping[str, int] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)
    commit: Commit | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "commit"}
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items()}
        return {**plain, "commit": self.commit.commit_id if self.commit else None}


def ingest_images(
    kb: KnowledgeBase,
    sources: Sequence[str | Path] | Entries,
    *,
    table: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    preprocessing: Preprocessing | None = None,
    split: str | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    allow_unjoined: bool = False,
    any_body_part: bool = False,
    key: IdKey | None = None,
    watcher: Watcher | None = None,
) -> ImageResult:
    """Ingest the images of `sources` into `kb` as one commit.

    Args:
        kb: where to; it stands on the new commit afterwards.
        sources: folders and files; or the images themselves, where it is known already what is to be taken.
        table: a table that names the images and says whose they are; see `list_images`.
        mapping: which of its columns holds what.
        preprocessing: the square that pixels are brought to; default: 448 pixels, padded.
        split: the split that all of them lie in, whatever the table says: "external" for those of another place.
        workers: processes that decode on this machine; default: one for each processor.
        engine: what decodes instead.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored, as a data set of their own.
        any_body_part: take DICOM radiographs of whatever part of the body, not of the chest alone.
        key: store hashes with this key in the place of ids and names of files.
        watcher: hears how it goes.

    Raises:
        UsageError: a source is not there, the table cannot be read, or ids of another kind are stored.
        ClearKbError: no image would have any of the reports (or labels) that are stored.
    """
    watcher = watcher or Silent()
    require_same_ids(kb, key, where=kb.uri)
    if not isinstance(sources, Entries):
        named = [Path(source) for source in sources]
        sources = Listed(list(list_images(named, None if table is None else Path(table), mapping, key=key)))
    cache = PixelCache(kb.storage, preprocessing or Preprocessing())
    run = ImageRows(StoredPictures(kb), split, key)
    watcher.stage("decoding", len(sources))
    engine = engine or LocalEngine(workers or core_count())
    names: set[str] = set()
    for outcomes in decode_images(sources, cache, engine=engine, any_body_part=any_body_part):
        made = run.take(outcomes)
        names.update(entry.source for entry, _ in outcomes)
        if not dry_run:
            cache.store(made)
        watcher.advance(run.read, run.read)
    return _publish(kb, run, sorted(names), by, why, dry_run=dry_run, allow_unjoined=allow_unjoined)


def _publish(
    kb: KnowledgeBase,
    run: ImageRows,
    sources: Sequence[str],
    by: str | None,
    why: str | None,
    *,
    dry_run: bool,
    allow_unjoined: bool,
) -> ImageResult:
    """Write what was read, or count it."""
    resolved: dict[str, int] = {}

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, dict[str, int]]:
        nonlocal resolved
        require_same_ids(publication, run.key, where=kb.uri)
        rows, resolved = respelt(publication, run.table)
        fresh, replaced, counts = sorted_out(publication, rows, run.completed)
        if fresh.num_rows and not allow_unjoined:
            require_image_join(publication, rows)
        moved = replace_rejects(publication, sources, run.rejects)
        for chunk in batched(replaced, 2_000):
            publication.delete("images", f"image_id IN {literals(chunk)}")
        if fresh.num_rows:
            publication.write("images", fresh.to_batches(max_chunksize=10_000))
        return ({**counts, "rejects": len(run.rejects)} if fresh.num_rows or moved else None), counts

    counts: dict[str, Any]
    commit, counts = kb.publish("ingest images", change, by=by, why=why, dry_run=dry_run)
    images, with_report = count_joins(kb)
    return ImageResult(
        **counts,
        rejected=len(run.rejects),
        images=images,
        with_report=with_report,
        **run.counts(),
        resolved=resolved,
        commit=commit,
    )
