"""The audits of single labels that a report holds: for confounders, by slices, by groups and over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from encoder.audit.confounders.audit import ConfounderOptions, audit_confounders
from encoder.audit.confounders.result import ConfounderAudit
from encoder.audit.drift.audit import DriftOptions, audit_drift
from encoder.audit.drift.result import DriftAudit
from encoder.audit.drift.rows import DriftSelection
from encoder.audit.report.options import ReportOptions
from encoder.audit.segments.audit import SegmentOptions, audit_segments
from encoder.audit.segments.result import SegmentAudit
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.result import Slices
from encoder.prediction.judged import judged_split
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher

Found = TypeVar("Found")


def each_label(labels: Sequence[str], audit: Callable[[str], Found]) -> tuple[list[Found], dict[str, list[str]]]:
    """The audit of each label, and the labels that have none by the reason."""
    found: list[Found] = []
    refused: dict[str, list[str]] = {}
    for label in labels:
        try:
            found.append(audit(label))
        except UsageError as error:
            refused.setdefault(str(error), []).append(label)
    return found, refused


def confounders_of(
    kb: KnowledgeBase, run: str, label: str, given: ReportOptions, *, watcher: Watcher
) -> ConfounderAudit:
    """The confounders of one label, by the options of a report."""
    options = ConfounderOptions(
        source=given.source, split=given.split, where=given.where, views=given.views, encoder=given.encoder
    )
    return audit_confounders(kb, run, label, options=options, watcher=watcher)


def slices_of(kb: KnowledgeBase, run: str, label: str, given: ReportOptions, *, watcher: Watcher) -> Slices:
    """The slices of one label, by the options of a report."""
    return audit_slices(
        kb,
        run,
        label,
        source=given.source,
        split=given.split,
        where=given.where,
        views=given.views,
        seed=given.seed,
        encoder=given.encoder,
        watcher=watcher,
    )


def segments_of(kb: KnowledgeBase, run: str, label: str, given: ReportOptions, *, watcher: Watcher) -> SegmentAudit:
    """The groups and segments of one label, by the options of a report."""
    options = SegmentOptions(
        source=given.source,
        split=given.split,
        where=given.where,
        views=given.views,
        min_positives=given.min_positives,
        seed=given.seed,
    )
    return audit_segments(kb, run, label, options=options, watcher=watcher)


def drift_of(kb: KnowledgeBase, run: str, label: str, given: ReportOptions, *, watcher: Watcher) -> DriftAudit:
    """What changed over time for one label, month by month, by the options of a report."""
    asked = DriftSelection(
        run=run,
        label=label,
        source=given.source,
        split=judged_split(kb, [run], given.split),
        where=given.where,
        views=given.views,
    )
    options = DriftOptions(encoder=given.encoder, seed=given.seed)
    return audit_drift(kb, asked, options=options, watcher=watcher)
