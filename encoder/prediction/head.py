"""Heads: one label's prediction as a linear function of an image in one of the spaces.

    encoder    y = <f, w> + b                  f the image vector, of length 1
    llm        y = <z, w>/|z| + b              z = P f, its projection
    backbone   y = <h, w> + b                  h what the backbone says, before the projection

The logit is scale * y, the score its sigmoid. Whatever was fitted (standardised features, concepts, a temperature) is
folded into w, b and scale, so that every prediction can be taken apart the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Space = Literal["encoder", "llm", "backbone"]


@dataclass(frozen=True, eq=False)
class Head:
    """One label: weights w, a bias b, and the scale that makes y a logit."""

    label: str
    weights: np.ndarray
    bias: float = 0.0
    scale: float = 1.0

    def to_row(self) -> dict[str, Any]:
        """The head as it is stored in `runs`."""
        return {
            "label": self.label,
            "weights": [float(weight) for weight in self.weights],
            "bias": self.bias,
            "scale": self.scale,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Head:
        """The head that `to_row` made."""
        return cls(row["label"], np.array(row["weights"], dtype=np.float64), row["bias"], row["scale"])


def scores(logit: np.ndarray) -> np.ndarray:
    """Logits as scores between 0 and 1."""
    from scipy.special import expit

    found: np.ndarray = expit(logit)
    return found
