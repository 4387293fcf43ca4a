"""Where a report comes from, and the commands that make each part of it again."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report_data import Provenance
from encoder.evaluation import Evaluation
from encoder.model.checkpoint import code_version
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase


def provenance_of(
    kb: KnowledgeBase,
    run: Mapping[str, Any],
    evaluation: Evaluation,
    *,
    options: ReportOptions,
    source: str,
    labels: Iterable[str],
    now: datetime,
) -> Provenance:
    """The provenance of a report on a run (its stored row)."""
    commit = kb.commit
    facts = [
        ("knowledge base", str(kb.uri)),
        ("commit", f"{commit.commit_id}, {_when(commit.time)}, {commit.operation}"),
        ("run", run["run"]),
        ("method", _method(run)),
        ("predicted", _when(run["time"])),
        ("encoder", run["encoder"] or "none of this knowledge base"),
        ("embedder", _embedder(kb, run["embedder"])),
        ("vocabulary commit", run["vocabulary_commit"] or "the predictions depend on none"),
        ("labels", source),
        ("split", evaluation.split),
        ("only images where", options.where or "no condition"),
        ("views", options.views),
        ("minimum of positives and negatives", str(options.min_positives)),
        ("resamples of patients", f"{options.bootstrap:,}, seed {options.seed}"),
        ("clear-kb", code_version()),
        ("Python", platform.python_version()),
        ("this report", _when(now)),
    ]
    return Provenance(tuple(facts), tuple(_commands(kb, run, evaluation, options, list(labels))))


def _when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _method(run: Mapping[str, Any]) -> str:
    return f"{run['method']}, space {run['space']}" if run["space"] else str(run["method"])


def _embedder(kb: KnowledgeBase, embedder: str | None) -> str:
    if embedder is None:
        return "the predictions depend on none"
    used = kb.embedder
    name = getattr(used, "name", None) if used is not None and getattr(used, "embedder_id", None) == embedder else None
    return f"{name} ({embedder})" if name else embedder


def _commands(
    kb: KnowledgeBase, run: Mapping[str, Any], evaluation: Evaluation, options: ReportOptions, labels: list[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """One command for each part, on the same commit."""
    where = ["--kb", str(kb.uri), "--at", kb.commit.commit_id]
    chosen = ["--run", run["run"], "--split", evaluation.split]
    chosen += ["--source", options.source] if options.source else []
    chosen += ["--where", options.where] if options.where else []
    chosen += ["--views", options.views] if options.views != FRONTAL else []
    by_label = [word for label in labels for word in ("--label", label)]
    drawn = ["--bootstrap", str(options.bootstrap), "--seed", str(options.seed)]
    least = ["--min-positives", str(options.min_positives)]
    made = [
        ("metrics and calibration", ["evaluate", *chosen, *least, *drawn]),
    ]
    for label in labels[:1]:
        made.append(("groups and segments, a label at a time", ["audit", "segments", *chosen, "--label", label]))
        made.append(("timeline, a label at a time", ["audit", "drift", *chosen, "--label", label]))
        made.append(("confounders, a label at a time", ["audit", "confounders", *chosen, "--label", label]))
        made.append(("slices, a label at a time", ["audit", "slices", *chosen, "--label", label]))
    if run["encoder"]:
        made.append(("an explained example", ["explain", "IMAGE", *(labels[:1] or ["LABEL"]), "--run", run["run"]]))
    page = ["audit", "report", *chosen, *by_label, *least, *drawn, *_page_options(options), "-o", "report.html"]
    made.append(("this page", page))
    return [(said, ("clear-kb", *words, *where)) for said, words in made]


def _page_options(options: ReportOptions) -> list[str]:
    """What only the page is told: runs beside the first, files of the lab, and what is left out."""
    told = [word for name in options.beside for word in ("--run", name)]
    told += [
        word
        for flag, path in (("--limits", options.limits), ("--card", options.card))
        if path is not None
        for word in (flag, str(path))
    ]
    left = (
        ("--no-heatmaps", options.heatmaps),
        ("--no-evidence", options.evidence),
        ("--no-images", options.images),
        ("--no-ids", options.ids),
    )
    return told + [flag for flag, wanted in left if not wanted]
