"""The report of an audit: everything about one run gathered, and written as one self-contained HTML page.

data = gather(KnowledgeBase.open("clear.kb"), "probe")
write_report(data, "report.html")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from encoder.audit.confounders.audit import ConfounderOptions, audit_confounders
from encoder.audit.confounders.result import ConfounderAudit
from encoder.audit.page.page import GENERATOR, render
from encoder.audit.page.slices import MOST_IMAGES, shown_slices
from encoder.audit.report.examples import examples_of, open_explainer
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.provenance import provenance_of
from encoder.audit.report.reliability import calibration_of
from encoder.audit.report.report_data import Example, Part, ReportData
from encoder.audit.report.subgroups import read_groups, subgroups_of
from encoder.audit.report.thumbnails import thumbnails_of
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.result import Slices
from encoder.evaluation import Evaluation, Options, evaluate
from encoder.evaluation.rows import LabelRows
from encoder.prediction.runs import judged_parts
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.progress import Silent, Watcher

MOST_LABELS = 6
"""Labels that are shown in full unless some are named."""


def gather(
    kb: KnowledgeBase,
    run: str | None = None,
    options: ReportOptions | None = None,
    *,
    watcher: Watcher | None = None,
    now: datetime | None = None,
) -> ReportData:
    """All that a report on one run shows; a part that cannot be made says why.

    Args:
        kb: the knowledge base, at any commit.
        run: the name of the run; not needed if there is one only.
        options: see `ReportOptions`.
        watcher: hears how far it is.
        now: the time that the report bears; default: this moment.

    Raises:
        UsageError: there is no such run or label, or nothing to judge it by.
    """
    options = options or ReportOptions()
    work = _Work(kb, _run_row(kb, run), options, watcher or Silent())
    return work.data(now or datetime.now(UTC))


def _run_row(kb: KnowledgeBase, run: str | None) -> dict[str, Any]:
    """The stored row of the run, without its heads."""
    columns = ["run", "method", "space", "encoder", "embedder", "vocabulary_commit", "time"]
    rows = {row["run"]: row for row in kb.dataset("runs").to_table(columns=columns).to_pylist()}
    if not rows:
        raise UsageError(f"{kb.uri} holds no predictions", need="predictions")
    if run is None and len(rows) > 1:
        raise UsageError(f"there are several runs: {', '.join(sorted(rows))}; name one", parameter="run")
    name = run if run is not None else next(iter(rows))
    if name not in rows:
        raise UsageError(f"there is no run '{name}': there are {', '.join(sorted(rows))}")
    return rows[name]


class _Work:
    """One report in the making: what has been found so far, and what could not be said."""

    def __init__(self, kb: KnowledgeBase, run: dict[str, Any], options: ReportOptions, watcher: Watcher):
        self.kb, self.run, self.options, self.watcher = kb, run, options, watcher
        self.name = str(run["run"])
        self.parts = judged_parts(kb, [self.name], options.split)
        self.notes: dict[Part, list[str]] = {}

    def data(self, now: datetime) -> ReportData:
        self.watcher.stage("metrics", None)
        evaluation = self._evaluate(self.parts[0])
        rows = self._shown(evaluation)
        labels = tuple(one.label for one in rows)
        source = self._source()
        subgroups = self._subgroups(evaluation, rows)
        confounders = self._audited("confounders", labels)
        slices = self._audited("slices", labels)
        examples = self._examples(evaluation, rows)
        return ReportData(
            title=self.options.title or f"Audit of {self.name}",
            run=self.name,
            method=str(self.run["method"]),
            source=source,
            evaluation=evaluation,
            external=self._evaluate("external") if "external" in self.parts[1:] else None,
            labels=labels,
            calibration=tuple(calibration_of(evaluation, one) for one in rows),
            subgroups=subgroups,
            confounders=tuple(confounders),
            slices=tuple(slices),
            examples=tuple(examples),
            thumbnails=self._thumbnails(slices, examples),
            with_evidence=self.options.evidence,
            provenance=provenance_of(
                self.kb, self.run, evaluation, options=self.options, source=source, labels=labels, now=now
            ),
            notes={part: tuple(dict.fromkeys(told)) for part, told in self.notes.items()},
        )

    def _note(self, part: Part, told: str) -> None:
        self.notes.setdefault(part, []).append(told)

    def _evaluate(self, split: str) -> Evaluation:
        given = self.options
        return evaluate(
            self.kb,
            [self.name],
            Options(
                split=split,  # type: ignore[arg-type]  # a part, as `judged_parts` names them
                where=given.where,
                views=given.views,
                source=given.source,
                min_positives=given.min_positives,
                bootstrap=given.bootstrap,
                seed=given.seed,
            ),
        )

    def _shown(self, evaluation: Evaluation) -> list[LabelRows]:
        """The rows of the labels that are shown in full, in the order of the metrics."""
        scored = {plain_label(one.label): one for one in evaluation.label_rows}
        if asked := self.options.labels:
            named = [self._named(evaluation, label) for label in asked]
            return [one for at, one in enumerate(named) if one not in named[:at]]
        in_mean = {row.label for row in evaluation.rows if row.in_mean}
        offered = [one for one in scored.values() if one.label in in_mean] or list(scored.values())
        kept = sorted(offered, key=lambda one: -one.positives)[:MOST_LABELS]
        if left := [one.label for one in offered if one not in kept]:
            self._note(
                "metrics",
                f"shown in full are the {len(kept)} labels with the most positives; the metrics of {', '.join(left)} "
                "stand in the tables, and a label that is named is shown in full",
            )
        return [one for one in offered if one in kept]

    def _named(self, evaluation: Evaluation, label: str) -> LabelRows:
        """The rows of a label that was asked for; UsageError if it was not scored."""
        for one in evaluation.label_rows:
            if plain_label(one.label) == plain_label(label):
                return one
        for left in evaluation.left_out:
            if plain_label(left.label) == plain_label(label):
                raise UsageError(f"label '{label}': it cannot be scored: {left.reason}")
        known = ", ".join(sorted(one.label for one in evaluation.label_rows))
        raise UsageError(f"label '{label}': there are predictions for {known}")

    def _source(self) -> str:
        """The labels that the run is judged by, in words."""
        if self.options.source:
            return f"the labels of {self.options.source}"
        sources = sorted(set(self.kb.dataset("labels").to_table(columns=["source"])["source"].to_pylist()))
        more = f" and {len(sources) - 4} more" if len(sources) > 4 else ""
        return f"the labels of {', '.join(sources[:4])}{more}"

    def _subgroups(self, evaluation: Evaluation, rows: Sequence[LabelRows]) -> tuple[Any, ...]:
        if not rows:
            return ()
        self.watcher.stage("subgroups", len(rows))
        known, given = read_groups(self.kb), self.options
        found = []
        for number, one in enumerate(rows, start=1):
            found.append(subgroups_of(evaluation, one, known, least=given.min_positives))
            self.watcher.advance(number, number)
        return tuple(found)

    def _audited(self, part: Part, labels: Sequence[str]) -> list[Any]:
        """The audits for confounders, or by slices, of each label; one that cannot be made leaves a note."""
        audit = _confounders if part == "confounders" else _slices
        found = []
        refused: dict[str, list[str]] = {}
        for label in labels:
            try:
                found.append(audit(self.kb, self.name, label, self.options, self.watcher))
            except UsageError as error:
                refused.setdefault(str(error), []).append(label)
        for why, of in refused.items():
            self._note(part, f"no {part} for {', '.join(of)}: {why}")
        return found

    def _examples(self, evaluation: Evaluation, rows: Sequence[LabelRows]) -> list[Example]:
        try:
            explainer = open_explainer(self.kb, self.name, self.options.encoder) if rows else None
        except UsageError as error:
            self._note("examples", f"no prediction is explained: {error}")
            return []
        if explainer is None:
            return []
        self.watcher.stage("examples", len(rows))
        found: list[Example] = []
        for number, one in enumerate(rows, start=1):
            made, told = examples_of(explainer, evaluation, one, evidence=self.options.evidence)
            found += made
            for note in told:
                self._note("examples", note)
            self.watcher.advance(number, number)
        return found

    def _thumbnails(self, slices: Sequence[Slices], examples: Sequence[Example]) -> dict[str, str]:
        """The thumbnails of the images that are shown, where there are pixels."""
        wanted = [one.explanation.image_id for one in examples]
        for one in (shown for found in slices for shown in shown_slices(found)):
            wanted += [*one.images[:MOST_IMAGES], *one.wrong[:MOST_IMAGES]]
        if not self.options.images:
            self._note("thumbnails", "images were left out, as asked")
            return {}
        made = thumbnails_of(self.kb, wanted)
        if gone := len(set(wanted) - made.keys()):
            self._note(
                "thumbnails",
                f"{gone:,} of {len(set(wanted)):,} images have no picture here: {self.kb.uri} keeps no pixels of them",
            )
        return made


def _confounders(kb: KnowledgeBase, run: str, label: str, given: ReportOptions, watcher: Watcher) -> ConfounderAudit:
    options = ConfounderOptions(
        source=given.source, split=given.split, where=given.where, views=given.views, encoder=given.encoder
    )
    return audit_confounders(kb, run, label, options=options, watcher=watcher)


def _slices(kb: KnowledgeBase, run: str, label: str, given: ReportOptions, watcher: Watcher) -> Slices:
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


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that no report can be written to (UsageError), before the work begins."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path}: a report ends in .html")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}")
    if path.is_dir():
        raise UsageError(f"{path}: that is a folder")
    if path.exists() and not overwrite and not _is_report(path):
        raise UsageError(
            f"{path}: a file of that name is there, is no report of ours, and is replaced only if asked",
            parameter="overwrite",
        )


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return f'name="generator" content="{GENERATOR}"'.encode() in file.read(2_000)


def write_report(data: ReportData, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the page: aside, and then moved to its place whole.

    Raises:
        UsageError: the path is no .html in a folder that is there, or another file stands there.
    """
    path = Path(path)
    check_target(path, overwrite=overwrite)
    page = render(data)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(page, encoding="utf-8", newline="\n")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path
