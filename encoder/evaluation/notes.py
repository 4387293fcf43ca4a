"""What must be said beside the figures so that nobody takes them for more than they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from encoder.evaluation.evaluation import Scored
from encoder.evaluation.options import Options
from encoder.evaluation.reader_tables import Reading
from encoder.evaluation.rows import LabelRows


def notes_of(
    rows: Sequence[Mapping[str, Any]],
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
    notes = [what, *_cluster_notes(rows, options, split, group)]
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


def _cluster_notes(rows: Sequence[Mapping[str, Any]], options: Options, split: str, group: str | None) -> list[str]:
    if not options.bootstrap:
        return []
    if group is not None:
        return [f"95% intervals: {options.bootstrap:,} resamples of the patients of each group (seed {options.seed})"]
    owners = {row["owner"]: row["patient_id"] is not None for row in rows}
    nobody = sum(not known for known in owners.values())
    of = " of external rows" if split == "external" else ""
    notes = [f"95% intervals: {options.bootstrap:,} resamples of {len(owners):,} patients{of} (seed {options.seed})"]
    if nobody:
        notes.append(
            f"of {nobody:,} images or studies nobody knows the patient: each counts as a patient of its own, "
            "and if several are one patient's the intervals are too narrow"
        )
    return notes


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(names[:6])}{more}"
