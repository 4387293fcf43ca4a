"""What the steps of an epoch were like, in four numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMeans:
    """What the steps of an epoch were like.

    Attributes:
        gradient_norm: mean norm of the gradient before it was clipped.
        clipped: share of the steps whose gradient was.
        scale, bias: after the last of them.
    """

    gradient_norm: float
    clipped: float
    scale: float
    bias: float
