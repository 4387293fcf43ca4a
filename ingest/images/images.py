"""Ingesting images: decoded and resized in worker processes, their pixels kept once, as one commit.

A file that is no radiograph costs one row of the rejects. An interrupted ingest keeps the pixels it has made; the same
images again change nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.identity.normal import patient_id, study_id
from ingest.images.decoding import Outcome, decode_images
from ingest.images.image_sources import Entries, ImageEntry, Listed, list_images
from ingest.images.stored_pictures import StoredPictures, respelt
from ingest.joins import count_joins, require_image_join
from ingest.sources.ages import read_age
from kb.batched import batched
from kb.images.patient_split import marked
from kb.images.pixel_cache import PixelCache
from kb.images.preprocessing import Preprocessing
from kb.images.view import normal_view, view_of_name
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from schemas.tables import IMAGES
from schemas.terms import View

FACTS = ("study_id", "patient_id", "view", "sex", "age")
"""What may be said of an image beside its attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """What an ingest of images did; `images` are stored now, and `with_report` of them have a report.

    `known` are pictures that are stored under another id: they are that image, and no second one. `alike` have the same
    pixels as another of this ingest, of another id. `resolved` are images that labels or predictions name in another
    spelling, which was taken, by the rule.

    Of the images that were taken, `views` counts the views ("unknown" too), `as_given` the values that are no view or
    no number of years and are kept as attributes, `mended` what of a file could not be used, and `messages` what
    libraries said, each by kind. `refused` counts the rejected by their reason in few words.
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


@dataclass
class _Run:
    """What was met so far; the rows wait as Arrow batches, which hold hundreds of thousands in little memory."""

    stored: StoredPictures
    split: str | None
    batches: list[pa.RecordBatch] = field(default_factory=list)
    met: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The content and position of each image, by its id."""
    contents: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    """The stored images that came under another id: what is said of them is added."""
    rejects: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    decoded: int = 0
    known: int = 0
    alike: int = 0
    views: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    as_given: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    def keep(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep the rows of a chunk."""
        if rows:
            self.batches.append(pa.RecordBatch.from_pylist(list(rows), schema=IMAGES.schema))

    @property
    def table(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(self.batches, schema=IMAGES.schema)

    def counts(self) -> dict[str, Any]:
        """What the result tells by kind, the most frequent first."""
        kinds = {name: getattr(self, name) for name in ("views", "refused", "as_given", "mended", "messages")}
        return {name: dict(counter.most_common()) for name, counter in kinds.items()}


def ingest_images(
    kb: KnowledgeBase,
    sources: Sequence[str | Path] | Entries,
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
    any_body_part: bool = False,
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
        workers: processes that decode; default: one for each processor.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored, as a data set of their own.
        any_body_part: take DICOM radiographs of whatever part of the body, not of the chest alone.
        watcher: hears how it goes.

    Raises:
        UsageError: a source is not there, or the table cannot be read.
        ClearKbError: no image would have any of the reports (or labels) that are stored.
    """
    watcher = watcher or Silent()
    if not isinstance(sources, Entries):
        sources = Listed(list(list_images([Path(s) for s in sources], None if table is None else Path(table), mapping)))
    cache = PixelCache(kb.storage, preprocessing or Preprocessing())
    run = _Run(StoredPictures(kb), split)
    watcher.stage("decoding", len(sources))
    names: set[str] = set()
    workers = workers or os.cpu_count() or 1
    for outcomes in decode_images(sources, cache, workers=workers, any_body_part=any_body_part):
        made: dict[str, bytes] = {}
        rows = [row for entry, outcome in outcomes if (row := _take(run, entry, outcome, made)) is not None]
        names.update(entry.source for entry, _ in outcomes)
        run.keep(rows)
        if not dry_run:
            cache.store(made)
        watcher.advance(run.read, run.read)
    return _publish(kb, run, sorted(names), by, why, dry_run=dry_run, allow_unjoined=allow_unjoined)


def _take(run: _Run, entry: ImageEntry, outcome: Outcome, made: dict[str, bytes]) -> dict[str, Any] | None:
    """The row of an image; None where there is none to store, which the rejects or the counts tell."""
    run.read += 1
    run.messages.update(outcome.messages)
    reason, kind = outcome.reason, outcome.refused
    if not reason and not entry.image_id:
        reason, kind = "the row names no image", "no image named"
    image_id, facts = entry.image_id, outcome.facts
    patient = entry.patient_id or patient_id(facts.get("patient_id"))
    study = entry.study_id or study_id(facts.get("study_id"))
    if not reason:
        match run.stored.same_picture(image_id, outcome.content_hash, study=study, patient=patient):
            case None:
                pass
            case (known, why):
                reason, kind, image_id = why, "known under another id", known
                run.known += not why
                run.completed.add(known)
    if not reason and (met := run.met.get(image_id)) is not None:
        other = "" if met[0] == outcome.content_hash else ", with another picture"
        reason, kind = f"the id {image_id} was met before ({met[1]}){other}", "met before"
    if reason:
        position = entry.position if entry.source == entry.path.name else f"{entry.position} ({entry.path.name})"
        fields = {"source": entry.source, "position": position, "report_id": None, "reason": reason}
        run.rejects.append(fields)
        run.refused[kind] += 1
        return None
    if outcome.pixels is not None and outcome.content_hash not in made:
        made[outcome.content_hash] = outcome.pixels
        run.decoded += 1
    run.alike += outcome.content_hash in run.contents
    run.contents.add(outcome.content_hash)
    run.met[image_id] = (outcome.content_hash, entry.position)
    run.mended.update(outcome.notes)
    view, view_given = _view(entry, facts)
    run.views[view or "unknown"] += 1
    age_told = entry.age or facts.get("age")
    age, odd = read_age(age_told)
    given = {name: told for name, told in (("view", view_given), ("age", age_told if odd else None)) if told}
    run.as_given.update(given.keys())
    attributes = {**marked(entry.attributes, run.split), **{f"{name} as given": told for name, told in given.items()}}
    return {
        "image_id": image_id,
        "study_id": study,
        "patient_id": patient,
        "source": entry.source,
        "position": entry.position,
        "content_hash": outcome.content_hash,
        "kind": outcome.kind,
        "width": outcome.width,
        "height": outcome.height,
        "view": view,
        "sex": entry.sex or facts.get("sex"),
        "age": age,
        "attributes": [{"name": name, "value": value} for name, value in attributes.items()],
    }


_SAYS_NOTHING = frozenset(["", "nan", "none", "null", "n/a", "na", "unknown", "unk", "unspecified"])


def _view(entry: ImageEntry, facts: Mapping[str, str]) -> tuple[View | None, str | None]:
    """The view by the table, else by the file's header, else by its name; the second is what was not understood."""
    view = normal_view(entry.view) or normal_view(facts.get("view")) or view_of_name(entry.path.as_posix())
    given = entry.view or facts.get("view_given") or ""
    return view, given if view is None and given.strip().lower() not in _SAYS_NOTHING else None


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
    resolved: dict[str, int] = {}

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, dict[str, int]]:
        nonlocal resolved
        rows, resolved = respelt(publication, run.table)
        fresh, replaced, counts = _sorted_out(publication, rows, run.completed)
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
        read=run.read,
        **counts,
        rejected=len(run.rejects),
        decoded=run.decoded,
        images=images,
        with_report=with_report,
        known=run.known,
        alike=run.alike,
        resolved=resolved,
        **run.counts(),
        commit=commit,
    )


def _sorted_out(
    publication: Publication, rows: pa.Table, completed: set[str]
) -> tuple[pa.Table, list[str], dict[str, int]]:
    """The rows that are new or differ from what is stored, the ids of the latter, and how many of each there are.

    One scan of what is stored joins all rows. A row that says nothing of its picture takes nothing from what is stored,
    and those `completed` (known under another id) only say more of it.
    """
    import duckdb

    names = IMAGES.schema.names
    said = {name: f"n.{name}" for name in names}
    said |= {name: f"if(m.image_id IS NULL, n.{name}, coalesce(n.{name}, s.{name}))" for name in FACTS}
    said["attributes"] = "if(m.image_id IS NULL OR len(n.attributes) > 0, n.attributes, s.attributes)"
    chosen = ", ".join(f"{said[name]} AS {name}" for name in names)
    differs = {name: f"r.{name} IS DISTINCT FROM r.stored.{name}" for name in names}
    moved = " OR ".join(differs.pop(name) for name in ("source", "position"))
    bare = " AND ".join([*(f"n.{name} IS NULL" for name in FACTS), "len(n.attributes) = 0"])
    with duckdb.connect() as connection:
        connection.register("fresh", rows)
        connection.register("completed", pa.table({"image_id": pa.array(sorted(completed), pa.string())}))
        connection.register("stored", publication.dataset("images").scanner().to_reader())
        told = connection.sql(
            f"WITH r AS (SELECT {chosen}, {bare} AS bare, m.image_id IS NOT NULL AS completed, s AS stored FROM "
            "fresh n LEFT JOIN stored s ON s.image_id = n.image_id LEFT JOIN completed m ON m.image_id = n.image_id) "
            "SELECT r.* EXCLUDE (bare, completed, stored), r.stored.image_id IS NOT NULL AS known FROM r "
            f"WHERE r.stored.image_id IS NULL OR (({' OR '.join(differs.values())} OR ({moved}) AND NOT r.completed) "
            "AND NOT (r.bare AND r.content_hash = r.stored.content_hash))"
        ).to_arrow_table()
    changed = told.filter(told["known"])["image_id"].to_pylist()
    fresh = told.select(names).cast(IMAGES.schema)
    counts = {
        "new": fresh.num_rows - len(changed),
        "changed": len(changed),
        "unchanged": rows.num_rows - fresh.num_rows,
    }
    return fresh, changed, counts
