"""The report of an audit: everything about one run gathered, part by part; a part that cannot be made says why.

data = gather(KnowledgeBase.open("clear.kb"), "probe")
write_report(data, "report.html")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from encoder.audit.confounders.result import ConfounderAudit
from encoder.audit.page.errors import MOST_ERRORS
from encoder.audit.page.slices import MOST_IMAGES, shown_slices
from encoder.audit.report.audits import confounders_of, drift_of, each_label, segments_of, slices_of
from encoder.audit.report.card import read_card
from encoder.audit.report.errors import errors_of, images_by_unit
from encoder.audit.report.examples import examples_of, open_explainer
from encoder.audit.report.flags import Judged, check_labels, flags_of
from encoder.audit.report.heatmaps import heatmaps_of
from encoder.audit.report.labels import shown_labels
from encoder.audit.report.limits import read_limits
from encoder.audit.report.operating import operating_of
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.provenance import provenance_of
from encoder.audit.report.reliability import calibration_of
from encoder.audit.report.report_data import Errors, Example, Flag, Part, ReportData
from encoder.audit.report.thumbnails import thumbnails_of
from encoder.audit.report.without_ids import refuse_ids, without_ids
from encoder.audit.segments.result import SegmentAudit
from encoder.audit.slices.result import Slices
from encoder.evaluation import Evaluation, Options, evaluate
from encoder.evaluation.rows import LabelRows
from encoder.prediction.judged import judged_parts
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher

Found = TypeVar("Found")


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
        UsageError: there is no such run or label, or nothing to judge it by; or without ids one would still be told.
    """
    options = options or ReportOptions()
    work = _Work(kb, _run_row(kb, run), options, watcher or Silent())
    data = work.data(now or datetime.now(UTC))
    if options.ids:
        return data
    told = without_ids(data)
    refuse_ids(kb, told)
    return told


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
        # Read before the work begins: a mistake in a file is told at once.
        self.limits = None if options.limits is None else read_limits(options.limits)
        self.card = None if options.card is None else read_card(options.card)
        self.name = str(run["run"])
        self.parts = judged_parts(kb, [self.name], options.split)
        self.notes: dict[Part, list[str]] = {}

    def data(self, now: datetime) -> ReportData:
        given = self.options
        self.watcher.stage("metrics", None)
        evaluation = self._evaluate(self.parts[0], [self.name])
        rows, told = shown_labels(evaluation, given.labels)
        self._note("metrics", *told)
        if self.limits is not None:
            check_labels(self.limits, [one.label for one in evaluation.label_rows])
        labels = tuple(one.label for one in rows)
        source = self._source()
        beside = self._beside(labels)
        segments = self._audited("segments", labels, segments_of)
        confounders = self._audited("confounders", labels, confounders_of)
        slices = self._audited("slices", labels, slices_of)
        errors = self._errors(evaluation, rows)
        examples, heatmaps = self._examples(evaluation, rows)
        return ReportData(
            title=given.title or f"Audit of {self.name}",
            run=self.name,
            method=str(self.run["method"]),
            source=source,
            evaluation=evaluation,
            external=self._evaluate("external", [self.name]) if "external" in self.parts[1:] else None,
            beside=beside,
            beside_operating=tuple(operating_of(beside, one) for one in beside.label_rows) if beside else (),
            labels=labels,
            operating=tuple(operating_of(evaluation, one) for one in rows),
            calibration=tuple(calibration_of(one) for one in rows),
            segments=segments,
            drift=self._audited("timeline", labels, drift_of),
            confounders=confounders,
            slices=slices,
            errors=errors,
            examples=examples,
            thumbnails=self._thumbnails(slices, errors, examples),
            heatmaps=heatmaps,
            with_evidence=given.evidence,
            card=self.card,
            flags=self._flags(evaluation, rows, segments, confounders, slices),
            provenance=provenance_of(
                self.kb, self.run, evaluation, options=given, source=source, labels=labels, now=now
            ),
            notes={part: tuple(dict.fromkeys(told)) for part, told in self.notes.items()},
        )

    def _note(self, part: Part, *told: str) -> None:
        if told:
            self.notes.setdefault(part, []).extend(told)

    def _evaluate(
        self, split: str, runs: Sequence[str], *, labels: Sequence[str] = (), against: str | None = None
    ) -> Evaluation:
        given = self.options
        options = Options(
            labels=labels,
            split=split,  # type: ignore[arg-type]  # a part, as `judged_parts` names them
            where=given.where,
            views=given.views,
            source=given.source,
            min_positives=given.min_positives,
            bootstrap=given.bootstrap,
            seed=given.seed,
        )
        return evaluate(self.kb, runs, options, against=against)

    def _beside(self, labels: Sequence[str]) -> Evaluation | None:
        """The further runs, on the part of the rows that the report is of."""
        others = [name for name in dict.fromkeys(self.options.beside) if name != self.name]
        if not others or not labels:
            return None
        self.watcher.stage("other runs", None)
        return self._evaluate(self.parts[0], others, labels=labels, against=self.name)

    def _source(self) -> str:
        """The labels that the run is judged by, in words."""
        if self.options.source:
            return f"the labels of {self.options.source}"
        sources = sorted(set(self.kb.dataset("labels").to_table(columns=["source"])["source"].to_pylist()))
        more = f" and {len(sources) - 4} more" if len(sources) > 4 else ""
        return f"the labels of {', '.join(sources[:4])}{more}"

    def _audited(self, part: Part, labels: Sequence[str], audit: Callable[..., Found]) -> tuple[Found, ...]:
        """The audits of each label; one that cannot be made leaves a note."""
        found, refused = each_label(
            labels, lambda label: audit(self.kb, self.name, label, self.options, watcher=self.watcher)
        )
        self._note(part, *(f"no {part} for {', '.join(of)}: {why}" for why, of in refused.items()))
        return tuple(found)

    def _errors(self, evaluation: Evaluation, rows: Sequence[LabelRows]) -> tuple[Errors, ...]:
        if not rows:
            return ()
        images = images_by_unit(self.kb)
        return tuple(error for one in rows for error in errors_of(evaluation, one, images))

    def _examples(
        self, evaluation: Evaluation, rows: Sequence[LabelRows]
    ) -> tuple[tuple[Example, ...], dict[tuple[str, str], str]]:
        """The explained predictions of each label, and where in the image each comes from."""
        if not rows:
            return (), {}
        try:
            explainer = open_explainer(self.kb, self.name, self.options.encoder)
        except UsageError as error:
            self._note("examples", f"no prediction is explained: {error}")
            return (), {}
        self.watcher.stage("examples", len(rows))
        found: list[Example] = []
        for number, one in enumerate(rows, start=1):
            made, told = examples_of(explainer, evaluation, one, evidence=self.options.evidence)
            found += made
            self._note("examples", *told)
            self.watcher.advance(number, number)
        if not self.options.images or not self.options.heatmaps:
            return tuple(found), {}
        heatmaps, told = heatmaps_of(explainer, found, self.watcher)
        self._note("examples", *told)
        return tuple(found), heatmaps

    def _thumbnails(
        self, slices: Sequence[Slices], errors: Sequence[Errors], examples: Sequence[Example]
    ) -> dict[str, str]:
        """The thumbnails of the images that are shown, where there are pixels."""
        wanted = [one.explanation.image_id for one in examples]
        for one in (shown for found in slices for shown in shown_slices(found)):
            wanted += [*one.images[:MOST_IMAGES], *one.wrong[:MOST_IMAGES]]
        wanted += [wrong.image for one in errors for wrong in one.worst[:MOST_ERRORS] if wrong.image is not None]
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

    def _flags(
        self,
        evaluation: Evaluation,
        rows: Sequence[LabelRows],
        segments: Sequence[SegmentAudit],
        confounders: Sequence[ConfounderAudit],
        slices: Sequence[Slices],
    ) -> tuple[Flag, ...]:
        """The figures of every label that is scored beside the limits, if there are any."""
        if self.limits is None:
            return ()
        groups = {one.label: one for one in segments}
        audits = {one.label: one for one in confounders}
        parts = {one.label: one for one in slices}
        shown = {one.label for one in rows}
        judged = {
            one.label: Judged(
                scored=evaluation.get(self.name, one.label),
                in_full=one.label in shown,
                segments=groups.get(one.label),
                confounders=audits.get(one.label),
                slices=parts.get(one.label),
            )
            for one in evaluation.label_rows
        }
        return tuple(flags_of(self.limits, judged))
