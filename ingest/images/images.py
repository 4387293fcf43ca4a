"""Ingesting images: decoded and resized in worker processes, their pixels kept once, as one commit.

A file that is no radiograph costs one row of the rejects. An interrupted ingest keeps the pixels it has made; the same
images again change nothing.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.images.decoding import Outcome, decode_images
from ingest.images.image_sources import ImageEntry, list_images
from ingest.joins import count_joins, require_image_join
from kb.batched import batched
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """What an ingest of images did; `images` are stored now, and `with_report` of them have a report.

    Of the images that were taken, `views` counts the views ("unknown" too), `as_given` the values that were not
    understood and are kept as attributes, `mended` what of a file could not be used, and `messages` what libraries
    said, each by kind. `refused` counts the rejected by their reason in few words.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    decoded: int
    images: int
    with_report: int
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
    """What was met so far."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    decoded: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    as_given: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, Any]:
        """What the result tells by kind, the most frequent first."""
        views = Counter(row["view"] or "unknown" for row in self.rows.values())
        kinds = {"views": views, "refused": self.refused, "as_given": self.as_given}
        kinds |= {"mended": self.mended, "messages": self.messages}
        return {name: dict(counter.most_common()) for name, counter in kinds.items()}


def ingest_images(
    kb: KnowledgeBase,
    sources: Sequence[str | Path],
    *,
    table: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    preprocessing: Preprocessing | None = None,
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
        sources: folders and files.
        table: a table that names the images and says whose they are; see `list_images`.
        mapping: which of its columns holds what.
        preprocessing: the square that pixels are brought to; default: 448 pixels, padded.
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
    entries = list(list_images([Path(s) for s in sources], None if table is None else Path(table), mapping))
    cache = PixelCache(kb.storage, preprocessing or Preprocessing())
    run = _Run()
    watcher.stage("decoding", len(entries))
    workers = workers or os.cpu_count() or 1
    for outcomes in decode_images(entries, cache, workers=workers, any_body_part=any_body_part):
        made: dict[str, bytes] = {}
        for entry, outcome in outcomes:
            _take(run, entry, outcome, made)
        if not dry_run:
            cache.store(made)
        watcher.advance(run.read, run.read)
    return _publish(
        kb, run, sorted({entry.source for entry in entries}), by, why, dry_run=dry_run, allow_unjoined=allow_unjoined
    )


def _take(run: _Run, entry: ImageEntry, outcome: Outcome, made: dict[str, bytes]) -> None:
    run.read += 1
    run.messages.update(outcome.messages)
    reason, kind = outcome.reason, outcome.refused
    if not reason and not entry.image_id:
        reason, kind = "the row names no image", "no image named"
    if not reason and (known := run.rows.get(entry.image_id)) is not None:
        other = "" if known["content_hash"] == outcome.content_hash else ", with another picture"
        reason, kind = f"the id {entry.image_id} was met before ({known['position']}){other}", "met before"
    if reason:
        position = entry.position if entry.source == entry.path.name else f"{entry.position} ({entry.path.name})"
        fields = {"source": entry.source, "position": position, "report_id": None, "reason": reason}
        run.rejects.append(fields)
        run.refused[kind] += 1
        return
    if outcome.pixels is not None and outcome.content_hash not in made:
        made[outcome.content_hash] = outcome.pixels
        run.decoded += 1
    run.mended.update(outcome.notes)
    view, view_given = _view(entry, outcome.facts)
    age, age_given = _age(entry.age or outcome.facts.get("age"))
    given = {name: told for name, told in (("view given", view_given), ("age given", age_given)) if told}
    run.as_given.update(name.removesuffix(" given") for name in given)
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
        "view": view,
        "sex": entry.sex or outcome.facts.get("sex"),
        "age": age,
        "attributes": [{"name": name, "value": value} for name, value in {**entry.attributes, **given}.items()],
    }


_SAYS_NOTHING = frozenset(["", "nan", "none", "null", "n/a", "na", "unknown", "unk", "unspecified"])


def _view(entry: ImageEntry, facts: Mapping[str, str]) -> tuple[View | None, str | None]:
    """The view by the table, else by the file's header, else by its name; the second is what was not understood."""
    view = normal_view(entry.view) or normal_view(facts.get("view")) or view_of_name(entry.path.as_posix())
    given = entry.view or facts.get("view_given") or ""
    return view, given if view is None and given.strip().lower() not in _SAYS_NOTHING else None


OLDEST = 130
"""Years that nobody reaches: a greater age is a mistake, or a mark for "not known"."""


def _age(told: str | None) -> tuple[float | None, str | None]:
    """An age in years ("63", "063Y", "18M"); the second is what could not be read as one ("85 or more", "414")."""
    if told is None or told.strip().lower() in _SAYS_NOTHING:
        return None, None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([YMWD]?)", told.strip(), re.I)
    years = None if match is None else float(match[1]) / _PARTS_OF_A_YEAR[match[2].upper()]
    return (years, None) if years is not None and years <= OLDEST else (None, told)


_PARTS_OF_A_YEAR = {"": 1.0, "Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}


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
        **run.counts(),
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
