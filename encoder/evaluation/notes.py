"""What must be said beside the figures so that nobody takes them for more than they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from encoder.evaluation.evaluation import Scored
from encoder.evaluation.options import Options
from encoder.evaluation.reader_tables import Reading
from encoder.evaluation.rows import LabelRows
from encoder.evaluation.thresholds import SAME


def notes_of(
    rows: Sequence[Mapping[str, Any]],
    groups: Sequence[LabelRows],
    scored: Sequence[Scored],
    *,
    options: Options,
    split: str,
    readings: Sequence[Reading] = (),
) -> tuple[str, ...]:
    """The notes of an evaluation, in plain words."""
    notes = [_split_note(split, options), *_threshold_notes(scored, options), *_cluster_notes(rows, options)]
    unknown = sum(group.unknown for group in groups)
    if unknown:
        notes.append(f"{unknown:,} predictions were left out because their label is unknown (counted in each row)")
    without = sum(group.without_label for group in groups)
    if without:
        notes.append(f"{without:,} predictions were left out because nothing is held to be true of them")
    if not scored:
        notes.append("nothing could be scored: see what was left out, and why")
    if any(not row.in_mean for row in scored):
        notes.append('"No Finding" stands apart: it says that there is none, and is in no mean')
    if readings:
        notes.append("readers are compared with the model on the rows that each of them read")
    return tuple(note for note in notes if note)


def _split_note(split: str, options: Options) -> str:
    over = f" where {options.where}" if options.where else ""
    return f"evaluated: {'all rows' if split == 'all' else f'the {split} split'}{over}"


def _threshold_notes(scored: Sequence[Scored], options: Options) -> list[str]:
    """Where thresholds come from: F1, MCC, sensitivity and specificity stand on them."""
    by = "Youden's J" if options.threshold_by == "youden" else "F1"
    origins = {row.threshold_from for row in scored if row.threshold is not None}
    notes = []
    same = [f"{row.label} ({row.run})" for row in scored if row.threshold_from == SAME]
    if same:
        which = "every label" if len(same) == sum(row.threshold is not None for row in scored) else _few(same)
        notes.append(
            f"threshold chosen on these same rows (by {by}) for {which}: F1, MCC, sensitivity and specificity are "
            "too good there; there was too little to choose by elsewhere (threshold_from)"
        )
    for origin in sorted(origins - {SAME, "fixed"}):
        where = "the validation split" if origin == "validation" else f"other patients of {origin}"
        notes.append(f"threshold chosen on {where} (by {by}); those rows are not judged by it")
    return notes


def _cluster_notes(rows: Sequence[Mapping[str, Any]], options: Options) -> list[str]:
    if not options.bootstrap:
        return []
    owners = {row["owner"]: row["patient_id"] is not None for row in rows}
    nobody = sum(not known for known in owners.values())
    notes = [f"95% intervals: {options.bootstrap:,} resamples of {len(owners):,} patients (seed {options.seed})"]
    if nobody:
        notes.append(
            f"of {nobody:,} images or studies nobody knows the patient: each counts as a patient of its own, "
            "and if several are one patient's the intervals are too narrow"
        )
    return notes


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(names[:6])}{more}"
