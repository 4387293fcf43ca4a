"""Does a thing go with the label alike at every site, on every scanner, in every month?

What belongs to a disease - its sign, its complication, its treatment - goes with it wherever it is seen. A shortcut
belongs to a place: to the ward that X-rays its patients lying, to the year in which a scanner was new. So the
difference of a thing between positives and negatives, d, is taken in each group, patients as clusters, and Cochran's Q
asks whether all are one but for chance.

That Q shows nothing is no proof: with few patients anything could hide. So they are told to be alike only where it is
shown to be absent nowhere as well: because each group shows it by itself, with the whole interval of its d, or because
no difference as large as d could hide between any two of them, 95 % sure. How large a one could hide is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from encoder.audit.confounders.result import Across, GroupDifference
from kb.statistics.interval import Z95, Interval, numbered
from kb.statistics.multiplicity import holm

ENOUGH = 10
"""Patients of each truth that a group must have to speak."""

ALIKE = 0.01
"""The p of Q under which groups differ: what is the custom of one site lies far below it."""

PLACES = frozenset(
    {
        *("site", "hospital", "institution", "center", "centre", "department", "ward", "unit", "clinic"),
        *("scanner", "device", "machine", "manufacturer", "vendor", "model", "station", "system", "detector"),
        *("month", "year"),
    }
)
"""Attributes that name a place, a device or a time."""

TECHNIQUE = PLACES | {"view", "position", "projection", "portable"}
"""Attributes that cannot belong to a disease themselves."""


def is_place(attribute: str) -> bool:
    """Whether an attribute names a place, a device or a time: "site", "scanner model"."""
    return not PLACES.isdisjoint(_words(attribute))


def is_technique(attribute: str) -> bool:
    """Whether an attribute is of how and where an image was made, and so no part of any disease."""
    return not TECHNIQUE.isdisjoint(_words(attribute))


def _words(attribute: str) -> list[str]:
    return attribute.lower().replace("_", " ").replace("-", " ").split()


def across(
    values: np.ndarray, truth: np.ndarray, owners: np.ndarray, groups: Mapping[str, np.ndarray], *, usual: float = 0.0
) -> tuple[Across, ...]:
    """Whether a thing goes with the label alike in the groups of each attribute.

    Args:
        values: how much of the thing is in each row, (n,).
        truth: (n,), bool.
        owners: the patient of each row.
        groups: for each attribute the group of each row, or None where nobody knows it.
        usual: the d that is counted from.

    Returns:
        One for each attribute that has two groups with enough of both truths.
    """
    spread = _spread(values, truth)
    if spread <= 0:
        return ()
    tested = []
    for by, names in sorted(groups.items()):
        parts = (_difference(name, names == name, values / spread, truth, owners) for name in _named(names))
        found = [one for one in parts if one is not None]
        if len(found) > 1:
            tested.append(_tested(by, found))
    adjusted = holm([one.p for one in tested])
    return tuple(_told(one, p, usual) for one, p in zip(tested, adjusted, strict=True))


def _named(names: np.ndarray) -> list[str]:
    return sorted({name for name in names.tolist() if name is not None})


def _spread(values: np.ndarray, truth: np.ndarray) -> float:
    """The standard deviation within truth strata."""
    parts = [values[truth == side] for side in (False, True)]
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in parts if len(part))
    return float(np.sqrt(squares / max(len(values) - 2, 1)))


def _difference(
    name: str, chosen: np.ndarray, values: np.ndarray, truth: np.ndarray, owners: np.ndarray
) -> GroupDifference | None:
    """D in one group with its 95% interval; None if it has too few patients of either truth."""
    values, truth, owners = values[chosen], truth[chosen], owners[chosen]
    patients = [len(np.unique(owners[truth == side])) for side in (False, True)]
    if min(patients) < ENOUGH:
        return None
    means = [float(values[truth == side].mean()) for side in (False, True)]
    d = means[1] - means[0]
    weights = np.where(truth, 1 / truth.sum(), 1 / (~truth).sum()) * np.where(truth, 1, -1)
    sums = np.bincount(numbered(owners), weights=weights * (values - np.where(truth, means[1], means[0])))
    count = len(sums)
    # Where a thing is rare its spread is not to be seen: no error is smaller than that of as many patients.
    error = max(float(np.sqrt((sums**2).sum() * count / (count - 1))), float(np.sqrt(sum(1 / n for n in patients))))
    return GroupDifference(name, len(values), count, Interval(d, d - Z95 * error, d + Z95 * error))


def _tested(by: str, found: list[GroupDifference]) -> Across:
    from scipy.stats import chi2, norm

    d = np.array([one.d.value for one in found])
    errors = np.array([(one.d.high - one.d.low) / (2 * Z95) for one in found])
    weights = 1 / errors**2
    pooled = float(weights @ d / weights.sum())
    q, freedom = float(weights @ (d - pooled) ** 2), len(d) - 1
    pairs = list(combinations(range(len(d)), 2))
    reach = float(norm.isf(0.05 / len(pairs) / 2))
    hidden = max(abs(d[i] - d[j]) + reach * float(np.hypot(errors[i], errors[j])) for i, j in pairs)
    return Across(
        by=by,
        groups=tuple(found),
        pooled=pooled,
        p=float(chi2.sf(q, freedom)),
        i2=max(0.0, (q - freedom) / q) if q > 0 else 0.0,
        hidden=float(hidden),
        told="",
    )


def _told(one: Across, p: float, usual: float) -> Across:
    if p < ALIKE:
        return replace(one, p=p, told="differs")
    sign = 1 if one.pooled >= usual else -1
    by_itself = all(min(sign * (group.d.low - usual), sign * (group.d.high - usual)) > 0 for group in one.groups)
    return replace(one, p=p, told="alike" if by_itself or one.hidden < abs(one.pooled - usual) else "")
