"""`evaluate`: the runs of a knowledge base against its labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from encoder.evaluation.agreement import agree_readers
from encoder.evaluation.comparing import compare_runs
from encoder.evaluation.evaluation import Agreement, Comparison, Evaluation, LeftOut, ReaderScore, Scored
from encoder.evaluation.label_notes import label_notes
from encoder.evaluation.matching import match, wanted_labels
from encoder.evaluation.notes import notes_of
from encoder.evaluation.options import Options
from encoder.evaluation.reader_tables import find_readings
from encoder.evaluation.readers import score_readers
from encoder.evaluation.rows import LabelRows, label_rows
from encoder.evaluation.scoring import Draws, mean_over_labels, score_label
from encoder.evaluation.thresholds import Thresholds
from encoder.prediction.runs import chosen_on, judged_split
from kb.display import Listing
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.statistics.resampling import multiplicities
from kb.store.sqltext import literals

SCORED_COLUMNS = ("run", "label", "n", "positives", "auroc", "auroc_low", "auroc_high", "auprc", "f1", "mcc", "ece")


def evaluate(
    kb: KnowledgeBase,
    runs: Sequence[str] = (),
    options: Options | None = None,
    *,
    against: str | None = None,
    readers: str | Path | Sequence[str | Path] | None = None,
) -> Evaluation:
    """Score `runs` (default: all) against the labels of `kb`.

    Args:
        kb: the knowledge base, at any commit.
        runs: the names of the runs.
        options: how; see `Options`.
        against: a run that each of them is compared with, on the rows of both.
        readers: tables of readings, a source of labels whose readings are kept, or "stored" for all these; see
            `encoder.evaluation.reader_tables`.

    Raises:
        UsageError: there is no such run, label or split, there are no labels, or sources of labels contradict each
            other.
    """
    options = options or Options()
    known = _known_runs(kb, options)
    chosen = _chosen(known, runs, against)
    fixed, other_run = _threshold_source(options.threshold_from, known)
    asked = dict.fromkeys([*chosen, *([against] if against else []), *([other_run] if other_run else [])])
    rows = wanted_labels(match(kb, list(asked), source=options.source, where=options.where), options.labels)
    split = judged_split(kb, chosen, options.split)
    wanted = None if split == "all" else split
    evaluated = [r for r in rows if r["run"] in (*chosen, against) and (wanted is None or r["in_split"] == wanted)]
    if not evaluated:
        over = f", of images where {options.where}" if options.where else ""
        raise UsageError(
            f"none of these predictions is of {'any row' if wanted is None else f'the {split} split'}{over}"
        )
    # The patients that are evaluated come first: these alone are resampled.
    owners = _numbered(evaluated, rows)
    groups = label_rows(evaluated, owners)
    choosing = [r for r in rows if (r["run"] == other_run if other_run else r["in_split"] == "validation")]
    thresholds = Thresholds(options.threshold_by, fixed, label_rows(choosing, owners), other_run)
    drawn = multiplicities(len({r["owner"] for r in evaluated}), options.bootstrap, options.seed)
    mine = [group for name in chosen for group in groups if group.run == name]
    scored, left_out = _score_all(mine, thresholds, drawn, options.min_positives)
    comparisons, not_compared = _compare_all(chosen, against, groups, drawn, options.min_positives)
    readings = find_readings(kb, readers, [group.label for group in mine]) if readers is not None else []
    studies = {row["unit"]: f"study {row['study_id']}" for row in evaluated if row["image_id"] and row["study_id"]}
    kept = tuple(group for group in mine if group.few(options.min_positives) is None)
    return Evaluation(
        rows=Listing(scored, SCORED_COLUMNS),
        left_out=_listing(left_out, LeftOut),
        comparisons=_listing(comparisons, Comparison),
        readers=_listing(score_readers(kept, readings, studies), ReaderScore),
        agreement=_listing(agree_readers(kept, readings, studies, drawn), Agreement),
        notes=(
            *notes_of(evaluated, mine, scored, options=options, split=split, readings=readings),
            *label_notes(kb, evaluated),
            *_chosen_notes(known, chosen, split),
            *not_compared,
        ),
        commit=kb.commit.commit_id,
        split=split,
        label_rows=kept,
    )


def _numbered(first: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The owners of rows, numbered; those of the `first` ones come first."""
    owners = [*sorted({row["owner"] for row in first}), *sorted({row["owner"] for row in rows})]
    return {owner: at for at, owner in enumerate(dict.fromkeys(owners))}


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


def _listing(items: Iterable[Any], kind: type) -> Listing[Any]:
    return Listing(items, [one.name for one in fields(kind)])


def _known_runs(kb: KnowledgeBase, options: Options) -> dict[str, Mapping[str, Any]]:
    """The runs that there are; UsageError if there is nothing to evaluate."""
    runs = kb.dataset("runs").to_table(columns=["run", "method", "encoder", "parameters"]).to_pylist()
    if not runs:
        raise UsageError(f"{kb.uri} holds no predictions", need="predictions")
    if not kb.dataset("labels").count_rows():
        raise UsageError(f"{kb.uri} holds no labels to evaluate by", need="labels")
    where = f"source IN {literals([options.source])}" if options.source else None
    if where and not kb.dataset("labels").count_rows(filter=where):
        sources = sorted(set(kb.dataset("labels").to_table(columns=["source"])["source"].to_pylist()))
        raise UsageError(f"source '{options.source}': there are labels of {', '.join(sources)}")
    return {row["run"]: row for row in runs}


def _chosen(known: Mapping[str, Any], runs: Sequence[str], against: str | None) -> list[str]:
    for name in (*runs, *([against] if against else [])):
        if name not in known:
            raise UsageError(f"there is no run '{name}': there are {', '.join(sorted(known))}")
    return list(dict.fromkeys(runs)) or sorted(known)


def _chosen_notes(known: Mapping[str, Mapping[str, Any]], runs: Sequence[str], split: str) -> list[str]:
    """What is to be said of runs that the validation images had a say in, where these are judged too."""
    entries = [chosen_on(name, json.loads(known[name]["parameters"])) for name in runs if split == "all"]
    return [note for note in entries if note is not None]


def _threshold_source(told: str | float, known: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """A fixed threshold, or the run that it is chosen on; neither: the validation split."""
    if isinstance(told, str) and told in known:
        return None, told
    if told == "validation":
        return None, None
    try:
        return float(told), None
    except ValueError as error:
        raise UsageError(
            f"threshold_from '{told}': 'validation', a number or the name of a run was expected"
        ) from error


def _score_all(
    groups: Sequence[LabelRows], thresholds: Thresholds, drawn: np.ndarray, least: int
) -> tuple[list[Scored], list[LeftOut]]:
    """Run by run: its labels, their mean, and last what says that there is nothing."""
    left_out = [
        LeftOut(
            run=g.run,
            label=g.label,
            n=len(g.truth),
            positives=g.positives,
            negatives=g.negatives,
            unknown=g.unknown,
            reason=_reason(g, reason),
        )
        for g in groups
        if (reason := g.few(max(least, 1))) is not None
    ]
    scored: list[Scored] = []
    for run in dict.fromkeys(group.run for group in groups):
        mine = [group for group in groups if group.run == run and group.few(max(least, 1)) is None]
        draws: list[Draws] = [score_label(group, thresholds.of(group), drawn) for group in mine]
        in_mean = [one for one in draws if one.scored.in_mean]
        scored += [one.scored for one in in_mean]
        if len(in_mean) > 1:
            scored.append(mean_over_labels(run, in_mean))
        scored += [one.scored for one in draws if not one.scored.in_mean]
    return scored, left_out


def _reason(group: LabelRows, reason: str) -> str:
    if not len(group.truth) and not group.unknown:
        return f"no label of this name for any of its {group.without_label:,} predictions"
    return reason
