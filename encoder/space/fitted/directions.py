"""Concepts as fitted directions of an encoder's space, with how well each finding is told by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from kb.display import Listing
from kb.statistics.interval import Interval

Measure = Literal["R2", "AUROC"]

LEAST: dict[Measure, float] = {"R2": 0.25, "AUROC": 0.7}
"""What a direction has to reach for patients it was not fitted on; its interval has to lie above `CHANCE` too."""

CHANCE: dict[Measure, float] = {"R2": 0.0, "AUROC": 0.5}
"""What a direction that tells nothing comes to."""

COLUMNS = ("finding", "concepts", "held", "patients", "measure", "value", "low", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedFinding:
    """How well the directions of one finding tell it, of patients that they were not fitted on.

    Attributes:
        finding: which.
        concepts: concepts of it that were fitted.
        held: those of them that have a direction.
        patients: patients whose reports state it; for a map, all that it was fitted on.
        measure: "R2" of the other encoder's score, or "AUROC" of what reports state.
        value: of its concept in the middle.
        low: lower end of the 95% interval, patients as clusters.
        high: upper end.
        stated: of a map, the AUROC of what reports state with its interval, on images that the encoder has not learned
            from; None where too few reports state the finding.
    """

    finding: str
    concepts: int
    held: int
    patients: int
    measure: Measure
    value: float
    low: float
    high: float
    stated: Interval | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedDirections:
    """The concepts that have a direction in a foreign encoder's space.

    Attributes:
        encoder: whose space it is.
        origin: what they were fitted to: the id of an encoder, or "reports".
        images: that they were fitted on.
        patients: of these.
        measure: how they were judged.
        concepts: an Arrow table with `concept_id, text, assertion, finding`, N rows.
        vectors: the directions, (N, d), float32, rows of length 1.
        scale: what a product with an image's vector is multiplied by to be a score, (N,).
        bias: what is then added: the score is that of the other encoder, or the share of reports that state it.
        fitted: all concepts that were tried.
        findings: how well each finding is told, the best first.
        untried: findings of too few patients to be tried.
        entangled: whether nothing told what goes with what in these images: a direction may lean on what goes with it.
        doubt: why none of them is kept though some reach the limit; "" where there is no reason.
    """

    encoder: str
    origin: str
    images: int
    patients: int
    measure: Measure
    concepts: pa.Table
    vectors: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    fitted: int
    findings: Listing[FittedFinding]
    untried: int = 0
    entangled: bool = False
    doubt: str = ""

    def __len__(self) -> int:
        return self.concepts.num_rows

    @property
    def limit(self) -> float:
        """What a direction has to reach."""
        return LEAST[self.measure]

    def to_dict(self) -> dict[str, Any]:
        """How they were fitted and how good they are as plain data, without the numbers of the directions."""
        names = (
            "encoder",
            "origin",
            "images",
            "patients",
            "measure",
            "limit",
            "fitted",
            "untried",
            "entangled",
            "doubt",
        )
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "held": len(self), "findings": self.findings.rows()}

    @property
    def told(self) -> str:
        """What they are, and how good, in a sentence."""
        what = "findings" if self.origin == "reports" else "concepts"
        how = (
            f"fitted to what reports state of {self.images:,} images"
            if self.origin == "reports"
            else f"carried over from encoder {self.origin} by a linear map fitted on {self.images:,} images"
        )
        middle = float(np.median([one.value for one in self.findings if one.held] or [np.nan]))
        few = f", and {self.untried:,} are stated of too few patients" if self.untried else ""
        lean = (
            "; no reports tell what goes with what in these images, so that a direction may lean on the disease itself"
            if self.entangled
            else ""
        )
        return (
            f"directions of encoder {self.encoder} are {how}: {len(self):,} of {self.fitted:,} {what} hold "
            f"(cross-validated {named(self.measure)} of {self.limit:g} at least, {middle:.2f} in the middle); the "
            f"others have none{few}{lean}"
        )


def named(measure: Measure) -> str:
    """A measure as it is written."""
    return "R²" if measure == "R2" else measure


def holds(value: np.ndarray, low: np.ndarray, measure: Measure) -> np.ndarray:
    """Which directions are good enough."""
    good: np.ndarray = (value >= LEAST[measure]) & (low > CHANCE[measure])
    return good
