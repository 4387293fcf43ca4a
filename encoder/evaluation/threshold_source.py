"""Where thresholds come from, as a user says it: auto, given, validation, cross-fitted, a target, a run or a number."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from kb.errors import UsageError
from kb.sql.messages import near_names

WORDS = ("auto", "given", "validation", "cross-fitted")
_TARGET = re.compile(r"target:\s*(\w+)\s*=\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Target:
    """A rate that is to be reached where the threshold is chosen.

    Attributes:
        measure: of what.
        value: between 0 and 1.
    """

    measure: Literal["sensitivity", "specificity"]
    value: float


@dataclass(frozen=True, slots=True)
class ThresholdSource:
    """One way to a threshold.

    Attributes:
        kind: "auto" is the first of the operating points given, a validation and cross-fitting that there is; "target"
            is one of the latter two.
        value: the threshold itself, where it is fixed.
        run: the run that it is chosen on.
        target: what is to be reached, instead of the highest Youden index or F1.
    """

    kind: Literal["auto", "given", "validation", "cross-fitted", "target", "run", "fixed"] = "auto"
    value: float | None = None
    run: str | None = None
    target: Target | None = None


def read_threshold_source(told: str | float, runs: Collection[str]) -> ThresholdSource:
    """What a user means by `threshold_from`.

    Args:
        told: one of `WORDS`, "target:sensitivity=0.9", the name of a run, or a number.
        runs: the names of the runs that there are.

    Raises:
        UsageError: it is none of these.
    """
    text = str(told).strip()
    if text in WORDS:
        return ThresholdSource(text)  # type: ignore[arg-type]
    if text in runs:
        return ThresholdSource("run", run=text)
    if text.startswith("target:"):
        return ThresholdSource("target", target=_target(text))
    try:
        number = float(told)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return ThresholdSource("fixed", value=number)
    near = near_names(text, [*WORDS, *runs])
    hint = (
        f"did you mean {near}?" if near else f"{', '.join(WORDS)}, target:sensitivity=0.9, a number or a run is meant"
    )
    raise UsageError(f"threshold_from '{told}': {hint}")


def _target(text: str) -> Target:
    found = _TARGET.fullmatch(text)
    if found is not None and found[1] in ("sensitivity", "specificity"):
        try:
            value = float(found[2])
        except ValueError:
            value = math.nan
        if 0 < value <= 1:
            return Target(found[1], value)  # type: ignore[arg-type]
    raise UsageError(
        f"threshold_from '{text}': target:sensitivity=0.9 or target:specificity=0.9 was expected, above 0 and up to 1",
    )
