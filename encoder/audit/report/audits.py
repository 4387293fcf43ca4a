"""The audits of single labels that a report holds: for confounders, and by slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from encoder.audit.confounders.audit import ConfounderOptions, audit_confounders
from encoder.audit.confounders.result import ConfounderAudit
from encoder.audit.report.options import ReportOptions
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.result import Slices
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
