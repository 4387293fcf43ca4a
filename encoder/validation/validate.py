"""`validate`: models by sites and labels, with paired tests against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder.evaluation.adjusting import Adjust, adjusted
from encoder.evaluation.evaluation import MEAN, ReaderScore
from encoder.evaluation.options import Options
from encoder.evaluation.reader_tables import Reading, find_readings
from encoder.evaluation.readers import score_readers, studies_of
from encoder.evaluation.rows import LabelRows, label_rows
from encoder.evaluation.selecting import Block, known_runs, numbered, select
from encoder.validation.models import Model, models_of
from encoder.validation.notes import notes_of
from encoder.validation.result import ReaderRow, Row, Unscored, Validation
from encoder.validation.scoring import Cell, Difference, by_resamples, cell_of, difference_of
from kb.display import listing_of
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import is_no_finding, plain_label
from kb.statistics.resampling import multiplicities, spread


def validate(
    kb: KnowledgeBase,
    runs: Sequence[str] = (),
    options: Options | None = None,
    *,
    seeds: Mapping[str, Sequence[str]] | None = None,
    sites: Sequence[str] = (),
    by: str = "site",
    baseline: str | None = None,
    readers: str | Path | Sequence[str | Path] | None = None,
    adjust: Adjust | None = "holm",
) -> Validation:
    """Score models at each site by itself: AUROC by label and as mean, and how far each lies from a baseline.

    Args:
        kb: the knowledge base, at any commit.
        runs: models of one run each; default: all runs, unless there are models of several.
        options: labels, split, views, source, resamples, ...
        seeds: models of several runs, which count as one.
        sites: these only; default: all.
        by: what a site is: a column or attribute; see `encoder.evaluation.matching.match`.
        baseline: the model that all others are compared with.
        readers: tables of readings, a source of labels whose readings are kept, or "stored" for all these.
        adjust: how the p values of all comparisons are adjusted for their number.

    Raises:
        UsageError: there is no such run, model, site or label, or nothing to judge by.
    """
    options = options or Options()
    named = tuple(runs) or (() if seeds else sorted(known_runs(kb, options)))
    models = models_of(named, seeds or {})
    if baseline is not None and baseline not in [model.name for model in models]:
        raise UsageError(f"baseline '{baseline}': the models are {', '.join(model.name for model in models)}")
    selected = select(kb, [run for model in models for run in model.runs], options, by=by)
    readings = find_readings(kb, readers, [row["label"] for row in selected.rows]) if readers is not None else []
    blocks = _wanted(selected.blocks, sites, by)
    work = _Work(models, baseline, options, readings)
    found = [work.judge(block, members) for block, members in blocks.items()]
    scored = [row for one in found for row in one.rows]
    p_adjusted = adjusted([row.p for row in scored], adjust)
    rows = [replace(row, p_adjusted=p) for row, p in zip(scored, p_adjusted, strict=True)]
    unscored = [left for one in found for left in one.left_out]
    notes = notes_of(models, rows, unscored, options=options, baseline=baseline, adjust=adjust, views=selected.left_out)
    return Validation(
        rows=listing_of(rows, Row),
        readers=listing_of([reader for one in found for reader in one.readers], ReaderRow),
        left_out=listing_of(unscored, Unscored),
        notes=(*notes, *selected.why, *(one.note for one in found if one.note)),
        baseline=baseline,
        by=by,
        commit=kb.commit.commit_id,
    )


def _with_labels(rows: Sequence[LabelRows]) -> list[tuple[LabelRows, str]]:
    return [(one, plain_label(one.label)) for one in rows]


def _wanted(blocks: Mapping[Block, Any], sites: Sequence[str], by: str) -> dict[Block, Any]:
    there = sorted({str(site) for _, site in blocks})
    if unknown := [site for site in sites if site not in there]:
        raise UsageError(f"{by} '{unknown[0]}': predictions are of {', '.join(there)}")
    return {block: rows for block, rows in blocks.items() if not sites or block[1] in sites}


@dataclass(frozen=True, eq=False)
class _Judged:
    rows: list[Row]
    readers: list[ReaderRow]
    left_out: list[Unscored]
    note: str


@dataclass(frozen=True, eq=False)
class _Work:
    """What is asked of every site."""

    models: Sequence[Model]
    baseline: str | None
    options: Options
    readings: Sequence[Reading]

    def judge(self, block: Block, members: Sequence[Mapping[str, Any]]) -> _Judged:
        """All models on the rows of one site in one split."""
        split, site = block[0], str(block[1])
        owners = numbered(members, ())
        drawn = multiplicities(len(owners), self.options.bootstrap, self.options.seed)
        every = label_rows(members, owners, split, site)
        # Models may spell a label each in its own way: here it is one label.
        names: dict[str, str] = {}
        for one, label in _with_labels(every):
            names.setdefault(label, one.label)
        groups = {(one.run, label): replace(one, label=names[label]) for one, label in _with_labels(every)}
        cells: dict[tuple[str, str], Cell] = {}
        left_out: list[Unscored] = []
        for label in sorted(names, key=is_no_finding):
            for model in self.models:
                of = [groups.get((run, label)) for run in model.runs]
                if (reason := self._few(of)) is None:
                    cells[model.name, label] = cell_of(model, [one for one in of if one is not None], drawn)
                else:
                    left_out.append(
                        Unscored(model=model.name, site=site, split=split, label=names[label], reason=reason)
                    )
        kept = [one for cell in cells.values() for one in cell.rows]
        readers = self._readers(kept, studies_of(members))
        return _Judged(self._rows(cells, drawn), readers, left_out, _of_nobody(site, members))

    def _few(self, of: Sequence[LabelRows | None]) -> str | None:
        """Why a model is not scored on a label."""
        known = [one for one in of if one is not None]
        if len(known) < len(of):
            return "not predicted" if not known else "not predicted by all of its runs"
        if all(not len(one.truth) and not one.unknown for one in known):
            return "nothing is held to be true of it here"
        return next((few for one in known if (few := one.few(max(self.options.min_positives, 1)))), None)

    def _rows(self, cells: Mapping[tuple[str, str], Cell], drawn: np.ndarray) -> list[Row]:
        """Label by label all models, their mean before what is in no mean."""
        labels = list(dict.fromkeys(label for _, label in cells))
        shared = [
            label
            for label in labels
            if not is_no_finding(label) and all((model.name, label) in cells for model in self.models)
        ]
        differences = {
            (model, label): found
            for model, label in cells
            if self.baseline not in (None, model)
            and (base := cells.get((str(self.baseline), label))) is not None
            and (found := difference_of(cells[model, label], base, drawn, least=self.options.min_positives))
        }
        rows = [_row(cells[key], differences.get(key)) for key in cells if not is_no_finding(key[1])]
        if len(shared) > 1:
            rows += [
                self._mean(model, [cells[model.name, label] for label in shared], differences) for model in self.models
            ]
        return rows + [_row(cells[key], differences.get(key)) for key in cells if is_no_finding(key[1])]

    def _mean(self, model: Model, cells: Sequence[Cell], differences: Mapping[tuple[str, str], Difference]) -> Row:
        """The mean over the labels that all models have, resampled with the same patients for all of them."""
        labels = [plain_label(cell.rows[0].label) for cell in cells]
        below = [differences.get((model.name, label)) for label in labels]
        known = [one for one in below if one is not None]
        compared = None
        if known and len(known) == len(cells):
            compared = by_resamples(
                float(np.mean([one.value for one in known])), np.mean([one.resamples for one in known], axis=0)
            )
        by_seed = np.mean([cell.aurocs for cell in cells], axis=0)
        first = _row(cells[0], compared)
        ends = spread(float(np.mean(by_seed)), np.mean([cell.resamples for cell in cells], axis=0))
        return replace(
            first,
            label=MEAN,
            labels=len(cells),
            n=len({unit for cell in cells for unit in cell.rows[0].unit}),
            positives=sum(cell.rows[0].positives for cell in cells),
            patients=len({owner for cell in cells for owner in cell.rows[0].cluster.tolist()}),
            auroc=float(np.mean(by_seed)),
            low=None if ends is None else ends.low,
            high=None if ends is None else ends.high,
            sd=float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else None,
        )

    def _readers(self, kept: Sequence[LabelRows], studies: Mapping[str, str]) -> list[ReaderRow]:
        """Each reader beside each model, and last the mean of all."""
        found: dict[tuple[str, str, str], list[ReaderScore]] = {}
        model_of = {run: model.name for model in self.models for run in model.runs}
        for one in score_readers(kept, self.readings, studies):
            found.setdefault((one.label, model_of[one.run], one.reader), []).append(one)
        rows: list[ReaderRow] = []
        for label, model in dict.fromkeys((label, model) for label, model, _ in found):
            rows += [_reader(model, scores) for (a, b, _), scores in found.items() if (a, b) == (label, model)]
        return rows


def _of_nobody(site: str, members: Sequence[Mapping[str, Any]]) -> str:
    """What is to be said of images and studies of which nobody knows the patient; "" if there are none."""
    nobody = {row["owner"] for row in members if row["patient_id"] is None}
    if not nobody:
        return ""
    return (
        f"{site}: of {len(nobody):,} images or studies nobody knows the patient: each counts as one, and if several "
        "are one patient's the intervals are too narrow"
    )


def _row(cell: Cell, compared: Difference | None) -> Row:
    one = cell.rows[0]
    ends = cell.interval
    row = Row(
        model=cell.model.name,
        seeds=len(cell.rows),
        site=str(one.group),
        split=one.split,
        label=one.label,
        n=len(one.truth),
        positives=one.positives,
        patients=one.patients,
        auroc=cell.auroc,
        low=None if ends is None else ends.low,
        high=None if ends is None else ends.high,
        sd=cell.sd,
        in_mean=not is_no_finding(one.label),
    )
    if compared is None:
        return row
    return replace(
        row,
        difference=compared.value,
        difference_low=compared.low,
        difference_high=compared.high,
        p=compared.p,
        p_is_floor=compared.p_is_floor,
        test=compared.test,
    )


def _reader(model: str, scores: Sequence[ReaderScore]) -> ReaderRow:
    first = scores[0]
    return ReaderRow(
        site=str(first.group),
        split=first.split,
        label=first.label,
        reader=first.reader,
        n=first.n,
        positives=first.positives,
        specificity=first.specificity,
        sensitivity=first.sensitivity,
        model=model,
        model_sensitivity=float(np.mean([one.model_sensitivity for one in scores])),
    )
