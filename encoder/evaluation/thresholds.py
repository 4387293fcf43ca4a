"""Where the threshold of a label comes from: never from the rows that it is judged on, where that can be helped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoder.evaluation.rows import LabelRows
from encoder.evaluation.thresholded import ThresholdBy, choose_threshold
from kb.language.label_names import plain_label

if TYPE_CHECKING:
    import numpy as np

SAME = "same rows"
"""What is said of a threshold that was chosen on the very rows it is judged on."""

LEAST = 5
"""Positives, and negatives, that a threshold is chosen by at the least."""


@dataclass(frozen=True, eq=False)
class Threshold:
    """A threshold, where it comes from, and the rows that it may be judged on."""

    value: float
    origin: str
    judged: np.ndarray


@dataclass(frozen=True)
class Thresholds:
    """Chooses the threshold of each label.

    `fixed` is taken as it is; else it is chosen on `choosing`: the rows of the validation split, or of another run.
    """

    by: ThresholdBy
    fixed: float | None
    choosing: Sequence[LabelRows]
    other_run: str | None = None

    def of(self, rows: LabelRows) -> Threshold:
        """The threshold of `rows`. Where it is chosen on some of them, these are not judged by it."""
        import numpy as np

        everything = np.ones(len(rows.truth), dtype=bool)
        if self.fixed is not None:
            return Threshold(self.fixed, "fixed", everything)
        chosen = self._on_others(rows)
        if chosen is None:
            return Threshold(choose_threshold(rows.truth, rows.score, self.by), SAME, everything)
        judged = ~np.isin(rows.unit.astype(str), chosen.unit.astype(str))
        origin = f"run {self.other_run}" if self.other_run else "validation"
        return Threshold(choose_threshold(chosen.truth, chosen.score, self.by), origin, judged)

    def _on_others(self, rows: LabelRows) -> LabelRows | None:
        """Rows to choose on, such that enough of both classes are left to choose by and to judge."""
        import numpy as np

        run = self.other_run or rows.run
        found = [r for r in self.choosing if (r.run, plain_label(r.label)) == (run, plain_label(rows.label))]
        if not found or min(found[0].positives, found[0].negatives) < LEAST:
            return None
        # A run that holds the rows to be judged lends those alone that are of other patients.
        apart = found[0].take(~np.isin(found[0].cluster, rows.cluster)) if self.other_run else found[0]
        if min(apart.positives, apart.negatives) < LEAST:
            return None
        left = rows.truth[~np.isin(rows.unit.astype(str), apart.unit.astype(str))]
        return apart if 0 < int(left.sum()) < len(left) else None
