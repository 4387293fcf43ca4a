"""The limits that a lab sets: beyond which value a figure warns, and beyond which it fails.

auroc: {warn: 0.90, fail: 0.85}
subgroup_gap_sensitivity: {warn: 0.05, fail: 0.10}
confounders: {warn: 0}
by: interval
labels:
  pneumothorax:
    sensitivity: {warn: 0.95, fail: 0.90}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from encoder.audit.report.settings import check_names, read_settings
from kb.errors import UsageError
from kb.language.label_names import plain_label

HIGHER: Mapping[str, str] = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "mcc": "MCC",
}
"""Figures of which more is better, and how they are called."""

LOWER: Mapping[str, str] = {
    "ece": "ECE",
    "ece_beyond_chance": "ECE beyond chance",
    "brier": "Brier score",
    "alerts": "alerts, of all",
    "subgroup_gap_auroc": "AUROC of all rows less that of the weakest group",
    "subgroup_gap_sensitivity": "sensitivity of all rows less that of the weakest group",
    "subgroup_gap_specificity": "specificity of all rows less that of the weakest group",
    "confounders": "confounders called",
    "harmful_leans": "harmful leans called",
    "low_slices": "low slices",
}
"""Figures of which less is better."""

COUNTED = ("confounders", "harmful_leans", "low_slices")
"""Figures that are counts, and no shares."""

MEASURES: Mapping[str, str] = {**HIGHER, **LOWER}
By = Literal["point", "interval"]


@dataclass(frozen=True, slots=True)
class Limit:
    """Beyond which value a figure warns, and beyond which it fails: at the limit itself it is still well."""

    warn: float | None
    fail: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of each measure, for every label and for some.

    Attributes:
        general: by measure.
        labels: by label (its plain name) and measure: these go before the general ones.
        by: what is judged: the "point", or the end of the 95% "interval" that is nearer to the limit, where there is
            one: then a figure passes only if all of its interval does.
        names: the labels as the file writes them, by their plain name.
    """

    general: Mapping[str, Limit] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, Limit]] = field(default_factory=dict)
    by: By = "point"
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, label: str) -> dict[str, Limit]:
        """What holds for a label, in the order of the measures."""
        own = {**self.general, **self.labels.get(plain_label(label), {})}
        return {name: own[name] for name in MEASURES if name in own}


def read_limits(path: str | Path) -> Limits:
    """The limits in a file.

    Raises:
        UsageError: there is no such file, it names no measure that there is, or a limit makes no sense.
    """
    told = read_settings(Path(path))
    check_names(str(path), told, (*MEASURES, "labels", "by"))
    by = told.get("by", "point")
    if by not in get_args(By):
        raise UsageError(f"{path}: by: {' or '.join(get_args(By))} was expected, not '{by}'")
    general = {name: _limit(f"{path}: {name}", name, told[name]) for name in MEASURES if name in told}
    labels = _labels(path, told.get("labels") or {})
    if not general and not any(labels.values()):
        raise UsageError(f"{path}: it sets no limit: {', '.join(MEASURES)} can have one")
    names = {plain_label(str(label)): str(label) for label in told.get("labels") or {}}
    return Limits(general, labels, by, names)


def _labels(path: str | Path, told: Any) -> dict[str, dict[str, Limit]]:
    if not isinstance(told, dict) or any(not isinstance(value, dict) for value in told.values()):
        raise UsageError(f"{path}: labels: the limits of each label were expected, by its name")
    found: dict[str, dict[str, Limit]] = {}
    for label, limits in told.items():
        where = f"{path}: labels: {label}"
        check_names(where, limits, MEASURES)
        found[plain_label(str(label))] = {name: _limit(f"{where}: {name}", name, limits[name]) for name in limits}
    return found


def _limit(where: str, name: str, told: Any) -> Limit:
    if not isinstance(told, dict) or not told:
        raise UsageError(f"{where}: {{warn: NUMBER, fail: NUMBER}} was expected, or one of the two")
    check_names(where, told, ("warn", "fail"))
    for value in told.values():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{where}: a number was expected, not '{value}'")
        if name not in COUNTED and not -1 <= value <= 1:
            raise UsageError(f"{where}: {value:g} is no share: 0.9 is meant by 90 %")
    warn, fail = told.get("warn"), told.get("fail")
    if warn is not None and fail is not None and (fail > warn if name in HIGHER else fail < warn):
        raise UsageError(f"{where}: it would fail ({fail:g}) before it warns ({warn:g})")
    return Limit(warn, fail)
