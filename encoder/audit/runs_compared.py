"""Runs side by side on one label: figures with intervals, curves, reliability, and what their thresholds do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from encoder.audit.points import bin_points, confusion_points, precision_points, roc_points, score_points
from encoder.audit.report.operating import operating_of
from encoder.audit.report.reliability import calibration_of
from encoder.audit.report.report_data import Calibration, Operating
from encoder.evaluation import Evaluation, Options, evaluate
from encoder.prediction.judged import judged_split
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase

Shown = Literal["figures", "roc", "precision", "reliability", "scores", "confusion"]
SHOWN: tuple[Shown, ...] = get_args(Shown)
"""What is shown of runs side by side."""

COMPARED = {
    "auroc_less_first": "difference",
    "auroc_less_first_low": "low",
    "auroc_less_first_high": "high",
    "p": "p",
    "p_is_floor": "p_is_floor",
    "test": "test",
}
"""How a run's AUROC differs from that of the first, by the names of its row."""


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Some runs on one label and one part of the rows; the others are held against the first.

    Attributes:
        runs: in the order in which they were asked for.
        label: as it was asked for.
        split: the part of the rows.
        evaluation: their figures, with what they differ by from the first; what could not be scored says why.
        operating: the curves and the threshold of each that was scored.
        calibration: the reliability of each, in the same order.
    """

    runs: tuple[str, ...]
    label: str
    split: str
    evaluation: Evaluation
    operating: tuple[Operating, ...]
    calibration: tuple[Calibration, ...]

    def points(self, shown: Shown) -> list[dict[str, Any]]:
        """The rows that one figure is drawn from."""
        if shown == "figures":
            return self._figures()
        if shown == "reliability":
            pairs = zip(self.operating, self.calibration, strict=True)
            return [row for one, bins in pairs for row in bin_points(one.run, bins.bins)]
        made = {"roc": roc_points, "precision": precision_points, "scores": score_points, "confusion": confusion_points}
        return made[shown](self.operating)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        named = {"runs": list(self.runs), "label": self.label, "split": self.split}
        notes = {"left_out": self.evaluation.left_out.rows(), "notes": list(self.evaluation.notes)}
        return {**named, **{shown: self.points(shown) for shown in SHOWN}, **notes}

    def _figures(self) -> list[dict[str, Any]]:
        """Each run's figures, with how its AUROC differs from that of the first."""
        compared = {one.run: one for one in self.evaluation.comparisons}
        return [
            {
                **self.evaluation.get(one.run, one.label).to_dict(),
                **{name: getattr(compared.get(one.run), field, None) for name, field in COMPARED.items()},
            }
            for one in self.operating
        ]


def side_by_side(
    base: KnowledgeBase,
    runs: Sequence[str],
    label: str,
    *,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    min_positives: int = 10,
    bootstrap: int = 1000,
    seed: int = 0,
) -> SideBySide:
    """Runs side by side on one label, the first of them held against the others.

    Args:
        base: the knowledge base, at any commit.
        runs: their names.
        label: that they predict.
        source: the source of labels to go by, if several contradict each other.
        split: default: "test" where one was trained here, else "all".
        where: SQL over the images.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        min_positives: a run with fewer positives, or negatives, is left out.
        bootstrap: resamples of the patients.
        seed: of the resamples.

    Raises:
        UsageError: there is no such run or label, or nothing to judge it by.
    """
    names = tuple(dict.fromkeys(runs))
    if not names:
        raise UsageError("one run at least was expected", parameter="run")
    part = judged_split(base, names, split)
    options = Options(
        labels=(label,),
        split=part,  # type: ignore[arg-type]  # a part, as `judged_split` names them
        where=where,
        views=views,
        source=source,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
    )
    evaluation = evaluate(base, names, options, against=names[0] if len(names) > 1 else None)
    rows = sorted(evaluation.label_rows, key=lambda one: names.index(one.run))
    return SideBySide(
        runs=names,
        label=label,
        split=part,
        evaluation=evaluation,
        operating=tuple(operating_of(evaluation, one) for one in rows),
        calibration=tuple(calibration_of(one) for one in rows),
    )
