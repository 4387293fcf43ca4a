"""What must be said beside the figures so that nobody takes them for more than they are."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.evaluation.evaluation import Scored
from encoder.evaluation.matched_row import Row
from encoder.evaluation.options import Options
from encoder.evaluation.reader_tables import Reading
from encoder.evaluation.rows import LabelRows
from encoder.evaluation.scoring import ALIKE
from kb.statistics.calibration_beyond_chance import DRAWS


def notes_of(
    rows: Sequence[Row],
    groups: Sequence[LabelRows],
    scored: Sequence[Scored],
    *,
    options: Options,
    split: str,
    group: str | None = None,
    readings: Sequence[Reading] = (),
) -> tuple[str, ...]:
    """The notes of an evaluation, in plain words."""
    what = _split_note(split, options) if group is None else f"{_split_note(split, options)}, group by group"
    notes = [what, *_interval_notes(rows, options, split, group)]
    notes += [*_few_positives(scored), *_without(scored)]
    unknown = sum(group.unknown for group in groups)
    if unknown:
        notes.append(f"{unknown:,} predictions were left out because their label is unknown (counted in each row)")
    unlabelled = [group.label for group in groups if not len(group.truth) and not group.unknown]
    if unlabelled:
        names = list(dict.fromkeys(unlabelled))
        notes.append(f"left out: {len(names):,} labels of which nothing here says whether they hold ({_few(names)})")
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
    which = {"all": "all rows", "internal": "all rows that are not external"}.get(split, f"the {split} split")
    return f"evaluated: {which}{over}"


def _interval_notes(rows: Sequence[Row], options: Options, split: str, group: str | None) -> list[str]:
    """Which intervals go by formula, and which by what is drawn."""
    owners = {row["owner"]: row["patient_id"] is not None for row in rows if row["value"] is not None}
    of = " of external rows" if split == "external" else ""
    patients = f"{len(owners):,} patients{of}" if group is None else "the patients of each group"
    notes = ["95% intervals know of patients; AUROC and shares: by formula"]
    if options.bootstrap:
        draws = min(DRAWS, options.bootstrap)
        notes[0] += (
            f"; AUPRC, F1, MCC and means: {options.bootstrap:,} resamples of {patients}; "
            f"ECE: {draws:,} draws (seed {options.seed})"
        )
    else:
        notes[0] += "; AUPRC, F1, MCC, means and ECE have none without resamples (bootstrap)"
    nobody = sum(not known for known in owners.values())
    if nobody and group is None:
        notes.append(
            f"of {nobody:,} images or studies nobody knows the patient: each counts as a patient of its own, "
            "and if several are one patient's the intervals are too narrow"
        )
    return notes


FEW = 30
"""Positives, or negatives, under which figures are warned of."""


def _few_positives(scored: Sequence[Scored]) -> list[str]:
    """Labels whose figures say little however they come out."""
    notes = []
    for what in ("positives", "negatives"):
        few = {row.label: count for row in scored if (count := getattr(row, what)) is not None and count < FEW}
        if few:
            notes.append(
                f"under {FEW} {what}: {_few([f'{label} ({count})' for label, count in few.items()])}; these figures "
                "could well be others: go by the intervals"
            )
    return notes


def _without(scored: Sequence[Scored]) -> list[str]:
    """What there is none of, or not of all rows, and why; labels of one reason in one line."""
    reasons: dict[str, list[str]] = {}
    for row in scored:
        for name, reason in row.without.items():
            what = f"interval of {name.upper()}" if reason == ALIKE else name.replace("_", " ")
            said = reason if reason.endswith("left out") else f"none, for {reason}"
            reasons.setdefault(f"{what}: {said}", []).append(f"{row.label} ({row.run})")
    return [f"{reason} ({_few(labels)})" for reason, labels in reasons.items()]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(names[:6])}{more}"
