"""A data set as it was downloaded into the knowledge base: reports, images, labels and readers, a commit each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.datasets.description import Description, ReportPart
from ingest.datasets.image_plan import ImagePlan
from ingest.datasets.known import named_dataset, recognise, recognised_by
from ingest.datasets.label_parts import ReadLabels, read_labels
from ingest.datasets.report_sources import report_ids, report_sources
from ingest.datasets.result import DatasetResult, ImageCounts, LabelCounts, ReportCounts
from ingest.datasets.set_files import SetFiles
from ingest.identity.resolving import KnownIds
from ingest.images.images import ImageResult, ingest_images
from ingest.images.picture_files import ENDINGS
from ingest.labels.labels import LabelResult, ingest_label_tables
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions, IngestResult
from ingest.sources.source import Source
from kb.cores import core_count
from kb.engines.work import Engine
from kb.errors import ClearKbError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey
from kb.privacy.same_ids import require_same_ids
from kb.progress import Silent, Watcher
from kb.vectors.embedding import Embedder


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOptions:
    """How a data set is taken in.

    Args:
        external: it is another site: never trained on nor chosen by, judged whole.
        reports: whether its reports are mined.
        images: whether its images are taken.
        labels: whether its labels and readers are taken.
        preprocessing: the square that pixels are brought to.
        workers: processes that mine and decode on this machine; default: one for each processor.
        engine: what mines, embeds and decodes instead.
        allow_unjoined: store it also where its parts do not meet.
        key: store hashes with this key in the place of ids and names of files.
    """

    external: bool = False
    reports: bool = True
    images: bool = True
    labels: bool = True
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    workers: int | None = None
    engine: Engine | None = None
    allow_unjoined: bool = False
    key: IdKey | None = None


@dataclass
class _Set:
    """What lies under a root, read as far as it has to be before anything is stored."""

    description: Description
    there: SetFiles
    by: list[str]
    reports: ReportPart | None = None
    sources: list[Source] = field(default_factory=list)
    studies: set[str] = field(default_factory=set)
    report_count: int = 0
    plan: ImagePlan | None = None
    labels: list[ReadLabels] = field(default_factory=list)
    unjoined: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def ingest_dataset(
    kb: KnowledgeBase | Callable[[], KnowledgeBase],
    root: str | Path,
    named: str | None = None,
    options: DatasetOptions | None = None,
    *,
    embedder: Callable[[], Embedder] | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> DatasetResult:
    """Take a data set in as it was downloaded: a commit for its reports, one for its images, one for its labels.

    All that can be wrong with it is said before anything is stored. Interrupted, the same call goes on; again, it
    changes nothing.

    Args:
        kb: where to, or what makes it once it is known that there is something to store.
        root: the folder that the set lies in.
        named: which set it is, or the file that describes it; default: it is recognised by its files.
        options: what is taken, and how.
        embedder: gives the embedder for new concepts; None embeds nothing.
        by: who.
        why: the reason, for the log.
        dry_run: say what is there and what joins; mine, decode and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such folder or set, it is not recognised, or a file has not the columns that it should.
        ClearKbError: a file cannot be read, or the parts of the set do not meet.
    """
    options = options or DatasetOptions()
    found = _look(Path(root), named, options)
    if dry_run:
        return _result(found, options, dry_run=True)
    base = kb() if callable(kb) else kb
    require_same_ids(base, options.key, where=base.uri)
    workers = options.workers or core_count()
    # Whether the parts of the set meet was seen before anything is stored; a part alone has to meet what is stored.
    free = options.allow_unjoined or (found.plan is not None and len(found.plan) > 0)
    told: dict[str, Any] = {"by": by, "why": why or f"the data set {found.description.name}"}
    reports = images = None
    labels: list[LabelResult] = []
    if found.sources:
        reports = ingest_reports(
            base,
            found.sources,
            IngestOptions(workers=workers, key=options.key),
            embedder=embedder,
            watcher=watcher or Silent(),
            allow_unjoined=free,
            engine=options.engine,
            **told,
        )
    if found.plan is not None and len(found.plan):
        images = ingest_images(
            base,
            found.plan,
            preprocessing=options.preprocessing,
            workers=workers,
            engine=options.engine,
            watcher=watcher or Silent(),
            allow_unjoined=True,
            key=options.key,
            **told,
        )
    if found.labels:
        for one in found.labels if options.external else ():
            one.table.attributes.mark("external")
        tables = [(one.table, one.source) for one in found.labels]
        labels = ingest_label_tables(base, tables, allow_unjoined=free, **told)
    stored = None if images is None else _stored(base, found.plan)
    return _result(found, options, dry_run=False, reports=reports, images=images, labels=labels, stored=stored)


def _stored(base: KnowledgeBase, plan: ImagePlan | None) -> pa.Table:
    """The images of a plan as they are stored: their files may say more of them than the tables."""
    rows = base.dataset("images").to_table(columns=["image_id", "view", "patient_id"])
    mine = pa.array(sorted(plan.ids("image_id")) if plan is not None else [], pa.string())
    return rows.filter(pc.is_in(rows["image_id"], mine))


def _look(root: Path, named: str | None, options: DatasetOptions) -> _Set:
    """Find out which set lies under a root, and read of it what has to be known before anything is stored."""
    there = SetFiles(root)
    if named is None:
        description, signed = recognise(there)
    else:
        description = named_dataset(named)
        signed = recognised_by(description, there)
    found = _Set(description, there, signed)
    if options.reports:
        found.reports = next((part for part in description.reports if there.find(part.files)), None)
    if found.reports is not None:
        found.sources = report_sources(found.reports, there)
        found.used.update(there.find(found.reports.files))
        found.report_count, studies = report_ids(found.reports, found.sources, there)
        found.studies = studies if options.key is None else set(map(options.key.hash, studies))
    if options.images and description.images is not None:
        found.plan = ImagePlan(
            description.images, there, dataset=description.name, external=options.external, key=options.key
        )
        found.used |= found.plan.used
    if options.labels:
        found.labels = list(read_labels(description.labels, there, options.key))
        found.used.update(one.place for one in found.labels)
    if not found.sources and not found.labels and not (found.plan is not None and len(found.plan)):
        raise ClearKbError(f"{root} holds no reports, images or labels of {description.title}")
    if not options.allow_unjoined:
        _require_joins(found)
    return found


def _require_joins(found: _Set) -> None:
    """Refuse a set whose reports or labels meet none of its images; labels of images that are not here are left out."""
    plan = found.plan
    if plan is None or not len(plan):
        return
    studies, images = plan.ids("study_id"), plan.ids("image_id")
    if found.studies and not found.studies & studies:
        say = f"images say {min(studies)}" if studies else "images name no study"
        raise ClearKbError(
            f"no image of {found.there.root} would have a report: reports say study {min(found.studies)}, {say}",
            need="join",
        )
    known = KnownIds(images)
    joined = []
    for one in found.labels:
        asked, met = one.here(known, studies)
        if met or not asked:
            joined.append(one)
            continue
        theirs = next(image or study or "" for image, study, _ in one.table.units)
        found.unjoined[one.place] = f"none of its {asked:,} images and studies is here ({theirs})"
    if found.labels and not joined:
        one = found.labels[0]
        theirs = next((image or study or "" for image, study, _ in one.table.units), "nothing")
        here = min(images) if any(image for image, _, _ in one.table.units) else min(studies, default="no study")
        raise ClearKbError(
            f"none of the labels of {found.there.root} is of an image here: {one.place} says {theirs}, images say "
            f"{here}",
            need="join",
        )
    found.labels = joined


def _result(
    found: _Set,
    options: DatasetOptions,
    *,
    dry_run: bool,
    reports: IngestResult | None = None,
    images: ImageResult | None = None,
    labels: list[LabelResult] | tuple[()] = (),
    stored: pa.Table | None = None,
) -> DatasetResult:
    description, plan = found.description, found.plan
    known = KnownIds(plan.ids("image_id") if plan is not None else ())
    studies = plan.ids("study_id") if plan is not None else set[str]()
    counts, left = [], _left(found)
    shown: Callable[[str], str] = str if options.key is None else options.key.hash
    for at, one in enumerate(found.labels):
        units, here = one.here(known, studies)
        result = labels[at] if labels else None
        here = here if result is None else result.units_here
        counts.append(LabelCounts.of(one, place=shown(one.place), units=units, here=here, result=result))
    return DatasetResult(
        name=description.name,
        title=description.title,
        root=str(found.there.root),
        recognised_by=tuple(found.by),
        licence=description.licence,
        citation=description.citation,
        language=description.language,
        external=options.external,
        reports=ReportCounts(
            found=found.report_count,
            files=len(found.sources),
            left_out=_why_no_reports(found, options),
            result=reports,
        ),
        images=ImageCounts.of(plan, found.studies, images, stored),
        labels=tuple(counts),
        left={shown(place): reason for place, reason in left.items() if reason or not _is_picture(place)},
        left_pictures=sum(not reason and _is_picture(place) for place, reason in left.items()),
        dry_run=dry_run,
    )


def _why_no_reports(found: _Set, options: DatasetOptions) -> str:
    if found.sources:
        return ""
    if not options.reports:
        return "not asked for"
    if found.description.reports_left_out:
        return found.description.reports_left_out
    patterns = [" or ".join(one) for part in found.description.reports for one in part.files]
    return f"there are none here ({'; '.join(patterns)})" if patterns else "none are given out"


def _left(found: _Set) -> Mapping[str, str]:
    """The tables and texts under the root of which nothing was taken, with the reason where there is one."""
    known: dict[str, str] = {}
    for pattern, reason in found.description.left_out.items():
        known.update(dict.fromkeys(found.there.matching(pattern), reason))
    left = {place: known.get(place, "") for place in found.there if place not in found.used or place in found.unjoined}
    left |= {place: "packed, and also here as it is" for place in left if place.removesuffix(".gz") in found.used}
    left |= found.unjoined
    return {place: reason for place, reason in sorted(left.items()) if reason or not _is_chaff(place)}


def _is_picture(place: str) -> bool:
    """Whether a file is a picture, by its name."""
    ending = place.rpartition("/")[2].rpartition(".")
    return bool(ending[1]) and f".{ending[2].lower()}" in ENDINGS


def _is_chaff(place: str) -> bool:
    """Whether a file is of no interest: a licence, a check sum, a page."""
    name = place.rpartition("/")[2].lower()
    return name.startswith(("license", "readme", "sha256", "index.htm", "robots")) or name.endswith((".md", ".html"))
