"""`audit drift`: what changed over time for a run and label, since when, and what it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import numpy as np

from encoder.audit.confounders.audit_space import KINDS, open_audit_space
from encoder.audit.confounders.result import LEVEL
from encoder.audit.confounders.row_evidence import read_evidence
from encoder.audit.drift.causes import causes_of
from encoder.audit.drift.exchange import FEWEST
from encoder.audit.drift.measures import Measure, Name, measures_of
from encoder.audit.drift.result import Change, ChangePoint, DriftAudit, ScoreShift
from encoder.audit.drift.rows import DriftRows, DriftSelection, read_drift_rows
from encoder.audit.drift.scan import PERMUTATIONS, Scanned, Split, further_splits, scan
from encoder.audit.drift.sentences import tell
from encoder.audit.drift.spans import Spans, concept_shifts, score_shift, share_shifts, told_apart
from encoder.audit.drift.timeline import change_of, figure_of, timeline
from kb.display import Listing
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.sql.views import Views
from kb.statistics.multiplicity import holm


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions:
    """How drift is looked for.

    Attributes:
        reference: the period that the last one is held against; default: the first.
        permutations: draws behind each p.
        top: concepts, and findings and attributes, that are named at the most.
        encoder: folder or id of the encoder whose vectors count, for a run that is of none.
        seed: of draws and resamples.
    """

    reference: str | None = None
    permutations: int = PERMUTATIONS
    top: int = 20
    encoder: str | None = None
    seed: int = 0


def audit_drift(
    kb: KnowledgeBase, asked: DriftSelection, *, options: DriftOptions | None = None, watcher: Watcher | None = None
) -> DriftAudit:
    """What changed over time for a run and label.

    Args:
        kb: the knowledge base, at any commit.
        asked: which rows, in which periods.
        options: how; see `DriftOptions`.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run or label, no row has a date, or there is one period only.
    """
    options, watcher = options or DriftOptions(), watcher or Silent()
    with Views(kb) as session:
        found = read_drift_rows(session, asked)
        space = open_audit_space(kb, asked.run, options.encoder)
        evidence, notes = read_evidence(kb, session, found.rows, encoder=space.encoder, kinds=KINDS)
    audit = find_drift(found, by=asked.by, options=options, watcher=watcher)
    spans = _spans(found, audit)
    concepts, more = concept_shifts(evidence, space.concepts, spans, limit=options.top)
    aside = asked.by.replace("_", " ").lower()
    audit = replace(
        audit,
        spans=spans.names,
        told_apart=told_apart(evidence, spans, seed=options.seed),
        concepts=Listing(concepts, ("text", "finding", "difference", "q")),
        shares=Listing(
            share_shifts(evidence.exposures, found.rows, spans, aside=aside, limit=options.top),
            ("name", "kind", "before", "after", "change", "q"),
        ),
        notes=(*audit.notes, *space.notes, *notes, *more),
    )
    return replace(audit, sentences=tuple(tell(audit)))


def find_drift(
    found: DriftRows, *, by: str = "month", options: DriftOptions | None = None, watcher: Watcher | None = None
) -> DriftAudit:
    """What changed over time among rows, by their scores and truth alone.

    Args:
        found: predictions in their periods.
        by: what the periods are called.
        options: how; see `DriftOptions`.
        watcher: hears how it goes.

    Raises:
        UsageError: the reference is no period or the last one, or so few patients or draws could call nothing.
    """
    options, watcher = options or DriftOptions(), watcher or Silent()
    periods, owners = found.periods, found.rows.owners
    if found.rows.patients < FEWEST:
        raise UsageError(
            f"{found.rows.patients} patients are too few to tell a change from chance: {FEWEST} at the least"
        )
    reference = 0 if options.reference is None else periods.number_of(options.reference)
    if reference == len(periods) - 1:
        raise UsageError(f"{periods.names[-1]} is the last period, which is what the reference is held against")
    measures = {one.name: one for one in measures_of(found)}
    _check_draws(options.permutations, 2 * len(measures) + 1)
    watcher.stage("exchanging patients over time", options.permutations)
    scanned = scan(
        list(measures.values()),
        periods.at,
        owners,
        reference=reference,
        permutations=options.permutations,
        seed=options.seed,
        watcher=watcher,
    )
    first_and_last = _between(found, reference, len(periods) - 1)
    scores = score_shift(found.rows.score, owners, first_and_last, permutations=options.permutations, seed=options.seed)
    adjusted, scores, tests = _adjusted(scanned, scores)
    changes = _changes(found, measures, scanned, adjusted, reference=reference, options=options)
    since = min(
        (one for one in changes if one.point and one.point.sure), key=lambda one: _surest(one, scanned), default=None
    )
    audit = DriftAudit(
        run=found.rows.run,
        label=found.rows.label,
        source=found.source,
        split=found.rows.split,
        by=by,
        n=len(found),
        patients=found.rows.patients,
        labelled=int(found.labelled.sum()),
        threshold=found.threshold,
        threshold_from=found.chosen_on,
        timeline=Listing(timeline(found, measures), ("period", "n", "patients", "positives", "alerts", "auroc")),
        changes=Listing(changes, ("measure", "first", "last", "change", "p")),
        reference=periods.names[reference],
        since=since.point if since else None,
        causes=causes_of(changes, scanned, scores),
        scores=scores,
        spans=first_and_last.names,
        told_apart=None,
        concepts=Listing([], ("text", "finding", "difference", "q")),
        shares=Listing([], ("name", "kind", "before", "after", "change", "q")),
        permutations=options.permutations,
        smallest_p=tests / (options.permutations + 1),
        notes=(*found.notes, *_notes(found)),
    )
    return replace(audit, sentences=tuple(tell(audit)))


def _check_draws(permutations: int, tests: int) -> None:
    """Refuse so few draws that nothing could be called, whatever happened."""
    least = math.ceil(tests / LEVEL)
    if permutations < least:
        raise UsageError(
            f"{permutations} permutations cannot give a p below {LEVEL} for {tests} tests: {least} at the least"
        )


@dataclass(frozen=True, slots=True)
class _Adjusted:
    """The p of one measure after Holm: of the last period against the first, and of the best split."""

    last: float
    split: float


def _adjusted(scanned: Mapping[Name, Scanned], scores: ScoreShift) -> tuple[dict[Name, _Adjusted], ScoreShift, int]:
    """Every p of the audit, adjusted for the number of all of them, and that number."""
    raw = [p for one in scanned.values() for p in (one.p, one.split.p if one.split else np.nan)] + [scores.p]
    known = [p for p in raw if np.isfinite(p)]
    told = iter(holm(known))
    all_of_them = [next(told) if np.isfinite(p) else float("nan") for p in raw]
    pairs = zip(all_of_them[0:-1:2], all_of_them[1:-1:2], strict=True)
    by_name = {name: _Adjusted(*pair) for name, pair in zip(scanned, pairs, strict=True)}
    return by_name, replace(scores, p=all_of_them[-1]), len(known)


def _changes(
    found: DriftRows,
    measures: Mapping[Name, Measure],
    scanned: Mapping[Name, Scanned],
    adjusted: Mapping[Name, _Adjusted],
    *,
    reference: int,
    options: DriftOptions,
) -> list[Change]:
    """Every measure over time; those whose best split is sure are split further."""
    sure = {name: one.split for name, one in scanned.items() if one.split is not None and adjusted[name].split < LEVEL}
    price = max((adjusted[name].split / split.p for name, split in sure.items()), default=1.0)
    further = further_splits(found, sure, level=LEVEL / price, permutations=options.permutations, seed=options.seed)
    return [
        _change(found, measures[name], one, adjusted[name], reference, further.get(name, []))
        for name, one in scanned.items()
    ]


def _change(
    found: DriftRows,
    measure: Measure,
    scanned: Scanned,
    adjusted: _Adjusted,
    reference: int,
    further: Sequence[Split],
) -> Change:
    at, last = found.periods.at, len(found.periods) - 1
    return Change(
        measure=measure.name,
        first=figure_of(measure, found, at == reference),
        last=figure_of(measure, found, at == last),
        change=change_of(measure, found, reference, last),
        p=adjusted.last,
        points=tuple(_points(found, measure, scanned, adjusted, further)),
        values=scanned.values,
    )


def _points(
    found: DriftRows, measure: Measure, scanned: Scanned, adjusted: _Adjusted, further: Sequence[Split]
) -> list[ChangePoint]:
    """The best split of a measure; where it is sure, with further ones that are sure at the same price."""
    if scanned.split is None:
        return []
    splits, price = list(further) or [scanned.split], adjusted.split / scanned.split.p
    ends = [0, *(one.at for one in splits), len(found.periods)]
    levels = [_level(measure, found.periods.at, start, end) for start, end in pairwise(ends)]
    return [
        ChangePoint(
            since=found.periods.names[one.at],
            before=levels[number],
            after=levels[number + 1],
            p=min(1.0, one.p * price),
            within=tuple(found.periods.names[period] for period in one.within),
        )
        for number, one in enumerate(splits)
    ]


def _level(measure: Measure, at: np.ndarray, start: int, end: int) -> float:
    """A measure over the periods from one on and before another."""
    sums, counts = measure.tally(at, int(at.max()) + 1)
    counted = counts[start:end].sum()
    return float(sums[start:end].sum() / counted) if counted else float("nan")


def _surest(change: Change, scanned: Mapping[Name, Scanned]) -> float:
    split = cast(Split, scanned[cast(Name, change.measure)].split)
    return -abs(split.z)


def _between(found: DriftRows, before: int, after: int) -> Spans:
    at = found.periods.at
    inside = np.flatnonzero((at == before) | (at == after))
    return Spans((found.periods.names[before], found.periods.names[after]), inside, at[inside] == after)


def _spans(found: DriftRows, audit: DriftAudit) -> Spans:
    """What is compared: all rows before the surest change with all since; without one, the first and last period."""
    names, at = found.periods.names, found.periods.at
    if audit.since is None:
        return _between(found, names.index(audit.reference), len(names) - 1)
    start = names.index(audit.since.since)
    return Spans((f"before {names[start]}", f"since {names[start]}"), np.arange(len(found)), at >= start)


def _notes(found: DriftRows) -> list[str]:
    notes = []
    missing = len(found) - int(found.labelled.sum())
    if missing and found.source is not None:
        notes.append(f"{missing:,} of {len(found):,} rows have no label: they count among scores and alerts alone")
    at = found.periods.at
    silent = [name for number, name in enumerate(found.periods.names) if not found.labelled[at == number].any()]
    if silent and found.source is not None:
        notes.append(f"no label speaks of {', '.join(silent)}: what is told of performance leaves them out")
    if found.threshold is None:
        notes.append("no threshold is known: alerts, sensitivity and specificity are not followed")
    elif found.chosen_on == "cross-fitted":
        notes.append("the threshold is the middle of the five that folds of the patients choose")
    if chose := int(found.chose.sum()):
        notes.append(f"sensitivity and specificity leave out {chose:,} validation rows, which chose the threshold")
    return notes
