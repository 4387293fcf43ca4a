"""`evaluate`: the runs of a knowledge base against its labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder.evaluation.adjusting import Adjust, adjusted
from encoder.evaluation.agreement import agree_readers
from encoder.evaluation.comparing import compare_runs
from encoder.evaluation.evaluation import Agreement, Comparison, Evaluation, LeftOut, ReaderScore, Scored
from encoder.evaluation.label_notes import label_notes
from encoder.evaluation.matched_row import Row
from encoder.evaluation.notes import notes_of
from encoder.evaluation.options import Options
from encoder.evaluation.reader_tables import Reading, find_readings
from encoder.evaluation.readers import score_readers, studies_of
from encoder.evaluation.rows import LabelRows, label_rows
from encoder.evaluation.scoring import Draws, mean_over_labels, score_label
from encoder.evaluation.selecting import Selected, known_runs, numbered, select
from encoder.evaluation.threshold_notes import threshold_notes
from encoder.evaluation.threshold_source import ThresholdSource, read_threshold_source
from encoder.evaluation.thresholds import Thresholds
from encoder.prediction.judged import chosen_on
from kb.display import Listing, listing_of
from kb.images.patient_split import fold_of
from kb.images.patients import read_patients
from kb.images.view_choice import told_left_out
from kb.knowledge_base import KnowledgeBase
from kb.sql.operating_points import operating_points
from kb.sql.trained_here import trained_here
from kb.statistics.resampling import multiplicities

SCORED_COLUMNS = ("run", "label", "n", "positives", "auroc", "auroc_low", "auroc_high", "auprc", "f1", "mcc", "ece")


def evaluate(
    kb: KnowledgeBase,
    runs: Sequence[str] = (),
    options: Options | None = None,
    *,
    against: str | None = None,
    readers: str | Path | Sequence[str | Path] | None = None,
    by: str | None = None,
    adjust: Adjust | None = None,
) -> Evaluation:
    """Score `runs` (default: all) against the labels of `kb`.

    Args:
        kb: the knowledge base, at any commit.
        runs: the names of the runs.
        options: how; see `Options`.
        against: a run that each of them is compared with, on the rows of both.
        readers: tables of readings, a source of labels whose readings are kept, or "stored" for all these; see
            `encoder.evaluation.reader_tables`.
        by: what the rows of each part are grouped by: site, source, view, sex, age_band, month, or any attribute.
        adjust: how p values are adjusted for their number: "holm" or "bh"; default: not.

    Raises:
        UsageError: there is no such run, label or split, there are no labels, or sources of labels contradict each
            other.
    """
    options = options or Options()
    known = known_runs(kb, options)
    source = read_threshold_source(options.threshold_from, known)
    selected = select(kb, runs, options, by=by, against=against, also=[source.run] if source.run else [])
    readings = find_readings(kb, readers, [row["label"] for row in selected.rows]) if readers is not None else []
    choosers = _Choosers(
        source=source,
        given={run: operating_points(row["parameters"]) for run, row in known.items()},
        trained=trained_here(kb),
        named=read_patients(kb).named,
    )
    work = _Work(selected, options=options, against=against, choosers=choosers, readings=readings)
    judged = [work.judge(part, group, members) for (part, group), members in selected.blocks.items()]
    compared = [row for one in judged for row in one.comparisons]
    p_adjusted = adjusted([row.p for row in compared], adjust)
    comparisons = [replace(row, p_adjusted=p) for row, p in zip(compared, p_adjusted, strict=True)]
    return Evaluation(
        rows=Listing([row for one in judged for row in one.scored], SCORED_COLUMNS),
        left_out=listing_of([row for one in judged for row in one.left_out], LeftOut),
        comparisons=listing_of(comparisons, Comparison),
        readers=listing_of([row for one in judged for row in one.readers], ReaderScore),
        agreement=listing_of([row for one in judged for row in one.agreement], Agreement),
        notes=_notes(
            judged,
            options=options,
            left_out=selected.left_out,
            more=(
                *label_notes(kb, [row for members in selected.blocks.values() for row in members]),
                *selected.why,
                *_chosen_notes(known, selected),
            ),
        ),
        commit=kb.commit.commit_id,
        split=", ".join(dict.fromkeys(part for part, _ in selected.blocks)),
        by=by,
        label_rows=tuple(group for one in judged for group in one.kept),
    )


def _notes(
    judged: Sequence[_Judged], *, options: Options, left_out: Mapping[str, int], more: Sequence[str]
) -> tuple[str, ...]:
    """Each thing that is to be said, once."""
    views = f"left out for their view: {told_left_out(left_out)} (views: {options.views})" if left_out else ""
    notes = [note for one in judged for note in one.notes]
    return tuple(note for note in dict.fromkeys([*notes, *more, views]) if note)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Judged:
    """What came of one part of the rows."""

    scored: list[Scored]
    left_out: list[LeftOut]
    comparisons: list[Comparison]
    readers: list[ReaderScore]
    agreement: list[Agreement]
    kept: tuple[LabelRows, ...]
    notes: list[str]


@dataclass(frozen=True, eq=False)
class _Work:
    """What is judged, part by part, by the same thresholds, and how."""

    selected: Selected
    _: KW_ONLY
    options: Options
    against: str | None
    choosers: _Choosers
    readings: Sequence[Reading]

    def judge(self, part: str, group: str | None, evaluated: Sequence[Row]) -> _Judged:
        """Score the rows of one part, or of one group in it."""
        options = self.options
        # The patients that are evaluated come first: these alone are resampled.
        owners = numbered(evaluated, self.selected.rows)
        groups = label_rows(evaluated, owners, part, group)
        thresholds = self._thresholds(owners)
        drawn = multiplicities(len({r["owner"] for r in evaluated}), options.bootstrap, options.seed)
        mine = [group for name in self.selected.runs for group in groups if group.run == name]
        scored, left_out = _score_all(mine, thresholds, drawn, options)
        comparisons, not_compared = _compare_all(self.selected.runs, self.against, groups, drawn, options.min_positives)
        notes = notes_of(evaluated, mine, scored, options=options, split=part, group=group, readings=self.readings)
        studies = studies_of(evaluated)
        kept = tuple(group for group in mine if group.few(options.min_positives) is None)
        return _Judged(
            scored=scored,
            left_out=left_out,
            comparisons=comparisons,
            readers=score_readers(kept, self.readings, studies),
            agreement=agree_readers(kept, self.readings, studies, drawn),
            kept=kept,
            notes=[*notes, *threshold_notes(kept, thresholds), *not_compared],
        )

    def _thresholds(self, owners: Mapping[str, int]) -> Thresholds:
        """What thresholds are chosen on: never on external rows."""
        own = [row for row in self.selected.rows if row["in_split"] != "external"]
        return Thresholds(
            self.options.threshold_by,
            self.choosers.source,
            given=self.choosers.given,
            choosing=label_rows([row for row in own if self.choosers.chooses(row)], owners),
            pool=label_rows([row for row in own if self.choosers.is_pooled(row)], owners),
            folds=np.array([fold_of(owner) for owner in owners], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Choosers:
    """Which rows may choose a threshold.

    A split that was drawn says nothing of a run from elsewhere: it learned and chose on none of these images.
    """

    source: ThresholdSource
    given: Mapping[str, Mapping[str, float]]
    trained: frozenset[str]
    named: frozenset[str]

    def chooses(self, row: Row) -> bool:
        """Whether a row is of the validation, or of the run that was named."""
        if self.source.run is not None:
            return bool(row["run"] == self.source.run)
        return row["in_split"] == "validation" and (row["run"] in self.trained or row["owner"] in self.named)

    def is_pooled(self, row: Row) -> bool:
        """Whether a row is cross-fitted: no run was trained on it."""
        return row["run"] not in self.trained or row["in_split"] == "test"


def _compare_all(
    runs: Sequence[str], against: str | None, groups: Sequence[LabelRows], drawn: np.ndarray, least: int
) -> tuple[list[Comparison], list[str]]:
    """Each run beside the one that all are compared with; the second says what could not be compared."""
    of = {name: [group for group in groups if group.run == name] for name in (*runs, against)}
    others = [name for name in runs if against is not None and name != against]
    comparisons: list[Comparison] = []
    notes: list[str] = []
    for name in others:
        found, left = compare_runs(of[name], of[against], drawn, least=least)
        comparisons += found
        notes += [f"{name} and {against} are not compared on {label}: {reason}" for label, reason in left.items()]
    return comparisons, notes


def _chosen_notes(known: Mapping[str, Mapping[str, Any]], selected: Selected) -> list[str]:
    """What is to be said of runs that the validation images had a say in, where these are judged too."""
    runs = selected.runs if {"all", "internal"} & {part for part, _ in selected.blocks} else ()
    entries = [chosen_on(name, json.loads(known[name]["parameters"])) for name in runs]
    return [note for note in entries if note is not None]


def _score_all(
    groups: Sequence[LabelRows], thresholds: Thresholds, drawn: np.ndarray, options: Options
) -> tuple[list[Scored], list[LeftOut]]:
    """Run by run: its labels, their mean, and last what says that there is nothing."""
    least = max(options.min_positives, 1)
    left_out = [
        LeftOut(
            run=g.run,
            label=g.label,
            n=len(g.truth),
            positives=g.positives,
            negatives=g.negatives,
            unknown=g.unknown,
            reason=_reason(g, reason),
            split=g.split,
            group=g.group,
            unlabelled=not len(g.truth) and not g.unknown,
        )
        for g in groups
        if (reason := g.few(least)) is not None
    ]
    scored: list[Scored] = []
    for run in dict.fromkeys(group.run for group in groups):
        mine = [group for group in groups if group.run == run and group.few(least) is None]
        draws: list[Draws] = [score_label(group, thresholds.of(group), drawn, seed=options.seed) for group in mine]
        in_mean = [one for one in draws if one.scored.in_mean]
        scored += [one.scored for one in in_mean]
        if len(in_mean) > 1:
            scored.append(mean_over_labels(run, in_mean, split=mine[0].split, group=mine[0].group))
        scored += [one.scored for one in draws if not one.scored.in_mean]
    return scored, left_out


def _reason(group: LabelRows, reason: str) -> str:
    if not len(group.truth) and not group.unknown:
        return f"no label of this name for any of its {group.without_label:,} predictions"
    return reason
