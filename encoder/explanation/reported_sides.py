"""Where in the space of an encoder the left of a finding lies, as far as reports tell it: fitted, not named.

Concepts name the sides ("left effusion"), but an encoder that learned them among much else may have their directions
askew: what goes with a side in other findings leans on them. Reports of the training images say on which side a finding
is; where enough patients have it on one side alone, the direction that tells these apart (Fisher's linear discriminant,
shrunk, halfway between their means) is taken instead of the difference of the concepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from encoder.explanation.spanned import Spread
from encoder.vectors.image_vectors import ImageVectors
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views

FEWEST = 10
"""Patients with the finding on either side alone, for its sides to be fitted."""

SHRINK = 1e-3
"""What is added to the spread within sides in every direction, as a share of the widest spread of all images."""

_SIDED = """
SELECT study_id, patient_id, finding, min(laterality) AS side
FROM observations
WHERE assertion = 'present' AND temporality NOT IN ('resolved', 'historical') AND laterality <> 'none'
    AND study_id IS NOT NULL
GROUP BY study_id, patient_id, finding
HAVING count(DISTINCT laterality) = 1 AND min(laterality) IN ('left', 'right')
"""

Side = Literal["left", "right"]


@dataclass(frozen=True, eq=False)
class FittedSide:
    """The sides of one finding: left where (f - mean image).direction is above `middle`; images deviate by 1 there."""

    direction: np.ndarray
    middle: float
    patients: int


def reported_sides(kb: KnowledgeBase, images: ImageVectors) -> dict[str, dict[int, Side]]:
    """The training images whose reports state a finding on one side alone, by finding: their number, and the side."""
    by_study: dict[str, list[int]] = {}
    for number, study in enumerate(images.studies):
        if study is not None and images.splits[number] == "train":
            by_study.setdefault(study, []).append(number)
    found: dict[str, dict[int, Side]] = {}
    with Views(kb) as session:
        for told in session.run(_SIDED):
            for number in by_study.get(told["study_id"], ()):
                if None in (told["patient_id"], images.patient_ids[number]) or (
                    told["patient_id"] == images.patient_ids[number]
                ):
                    found.setdefault(told["finding"], {})[number] = told["side"]
    return found


def fitted_side(
    stated: Mapping[int, Side], images: ImageVectors, spread: Spread, mean: np.ndarray
) -> FittedSide | None:
    """The sides of a finding by what reports state; None where too few patients have it on either side alone.

    Args:
        stated: the images by number, and the side.
        images: all vectors.
        spread: of them.
        mean: the image that others are told against, (d,).
    """
    numbers = {side: [n for n, told in stated.items() if told == side] for side in ("left", "right")}
    patients = {side: len({images.patients[n] for n in found}) for side, found in numbers.items()}
    if min(patients.values()) < FEWEST:
        return None
    left, right = (images.matrix[numbers[side]].astype(np.float64) - mean for side in ("left", "right"))
    middles = left.mean(axis=0), right.mean(axis=0)
    apart = [part - middle for part, middle in zip((left, right), middles, strict=True)]
    within = sum(part.T @ part / len(part) for part in apart) / 2
    shrunk = within + SHRINK * spread.widest**2 * np.eye(len(mean))
    direction = np.linalg.solve(shrunk, middles[0] - middles[1])
    direction /= spread.deviations(direction[None])[0]
    return FittedSide(direction, float(direction @ (middles[0] + middles[1]) / 2), sum(patients.values()))
