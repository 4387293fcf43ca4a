"""What taking a data set in has come to: what it was recognised as, what was taken, what joined and what was left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ingest.datasets.image_plan import ImagePlan
from ingest.datasets.label_parts import ReadLabels
from ingest.images.images import ImageResult
from ingest.labels.labels import LabelResult
from ingest.reports.options import IngestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCounts:
    """The reports of a set: how many there are, in how many sources, or why none are taken; `result` once they are."""

    found: int
    files: int
    left_out: str
    result: IngestResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCounts:
    """The images of a set.

    `found` have a file and are taken; tables name `named`, of which `missing` have none here; `unlisted` pictures are
    named by no table. `with_report` have a report of the set, `patients` counts the patients that are known, `unknown`
    the images of none.
    """

    found: int = 0
    named: int = 0
    missing: int = 0
    first_missing: str = ""
    unlisted: int = 0
    with_report: int = 0
    patients: int = 0
    of_no_patient: int = 0
    views: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    result: ImageResult | None = None

    @classmethod
    def of(
        cls, plan: ImagePlan | None, studies: set[str], result: ImageResult | None, stored: pa.Table | None
    ) -> ImageCounts:
        """The counts of a plan, whose reports are of `studies`; of what is stored, where the files have told more."""
        if plan is None:
            return cls()
        views, patients = plan.tally("view"), plan.tally("patient_id")
        if stored is not None:
            views, patients = (Counter(name or "" for name in stored[of].to_pylist()) for of in ("view", "patient_id"))
        return cls(
            found=len(plan),
            named=plan.named,
            missing=plan.missing,
            first_missing=plan.first_missing,
            unlisted=plan.unlisted,
            with_report=plan.count("study_id", studies),
            patients=len(patients.keys() - {""}),
            of_no_patient=patients.get("", 0),
            views={name or "unknown": count for name, count in sorted(views.items())},
            splits=dict(sorted(plan.splits.items())),
            result=result,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCounts:
    """One file of labels: what it is stored as, of how many images and studies, and how many of those are here."""

    place: str
    source: str
    readers: tuple[str, ...]
    labels: tuple[str, ...]
    units: int
    here: int
    positive: int
    negative: int
    unknown: int
    rejected: int
    result: LabelResult | None = None

    @classmethod
    def of(cls, one: ReadLabels, *, place: str, units: int, here: int, result: LabelResult | None) -> LabelCounts:
        """The counts of a table that was read, of the file that is called `place` where it is told."""
        table = one.table
        told = table.values if table.readings is None or len(table.values) else table.readings
        return cls(
            place=place,
            source=one.source,
            readers=table.readers,
            labels=tuple(table.names),
            units=units,
            here=here,
            positive=int((told.value == 1).sum()),
            negative=int((told.value == 0).sum()),
            unknown=int((told.value != told.value).sum()),
            rejected=len(table.rejects),
            result=result,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetResult:
    """What taking a data set in came to.

    `left` are the files of which nothing was taken, with the reason where it is known; `left_pictures` counts those
    pictures that are of no part of the set.
    """

    name: str
    title: str
    root: str
    recognised_by: tuple[str, ...]
    licence: str
    citation: str
    language: str
    external: bool
    reports: ReportCounts
    images: ImageCounts
    labels: tuple[LabelCounts, ...]
    left: Mapping[str, str]
    left_pictures: int
    dry_run: bool

    @property
    def rejected(self) -> int:
        """The inputs that could not be taken, of all kinds."""
        reports, images = self.reports.result, self.images.result
        counted = (reports.rejected if reports else 0) + (images.rejected if images else 0)
        return counted + sum(one.rejected for one in self.labels)

    @property
    def commits(self) -> dict[str, str]:
        """The commits that were made, by what they hold."""
        results: dict[str, Any] = {"reports": self.reports.result, "images": self.images.result}
        results["labels"] = next((one.result for one in self.labels if one.result is not None), None)
        return {what: one.commit.commit_id for what, one in results.items() if one is not None and one.commit}

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("reports", "images", "labels")}
        return {
            **plain,
            "recognised_by": list(self.recognised_by),
            "reports": _plain(self.reports),
            "images": _plain(self.images),
            "labels": [_plain(one) for one in self.labels],
            "rejected": self.rejected,
            "commits": self.commits,
        }


def _plain(counts: ReportCounts | ImageCounts | LabelCounts) -> dict[str, Any]:
    fields = {name: getattr(counts, name) for name in counts.__slots__ if name != "result"}
    lists = {name: list(value) for name, value in fields.items() if isinstance(value, tuple)}
    return {**fields, **lists, "result": counts.result.to_dict() if counts.result else None}
