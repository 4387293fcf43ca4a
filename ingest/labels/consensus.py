"""What the readings of one image come to, by a rule that the user names."""

from __future__ import annotations

import numpy as np

from ingest.labels.choices import Consensus
from ingest.labels.values import Values, groups


def agree(values: Values, rule: Consensus) -> tuple[Values, int]:
    """One value of each unit and label out of one a reader, and how many are unknown because as many say 1 as 0.

    Only readers who said 1 or 0 have a voice: a blank or a doubt counts for neither, and where nobody has one the
    label is unknown.

    Args:
        values: one of each unit, label and reader.
        rule: "majority": what more than half say; "any": 1 if any says so; "all": 1 if all do; "first": what the first
            of them in the file says.
    """
    of, sizes = groups(values, by_reader=False)
    if not len(sizes):
        return values, 0
    voice = ~np.isnan(values.value)
    said = np.bincount(of, weights=voice, minlength=len(sizes))
    yes = np.bincount(of, weights=voice & (values.value == 1), minlength=len(sizes))
    # Of each group the first row that has a voice stands for it.
    order = np.lexsort((values.row, ~voice, of))
    first = order[np.r_[True, of[order][1:] != of[order][:-1]]]
    if rule == "majority":
        found = np.where(2 * yes > said, 1.0, np.where(2 * yes < said, 0.0, np.nan))
    elif rule == "any":
        found = np.where(yes > 0, 1.0, 0.0)
    elif rule == "all":
        found = np.where(yes == said, 1.0, 0.0)
    else:
        found = values.value[first]
    found = np.where(said > 0, found, np.nan)
    ties = int((np.isnan(found) & (said > 0)).sum())
    united = values.take(first)
    blank = np.minimum.reduceat(values.blank[np.argsort(of, kind="stable")], np.r_[0, np.cumsum(sizes)[:-1]])
    return (
        Values(
            unit=united.unit,
            label=united.label,
            value=found,
            blank=blank.astype(bool),
            row=united.row,
            reader=np.zeros(len(united), np.int32),
        ),
        ties,
    )
