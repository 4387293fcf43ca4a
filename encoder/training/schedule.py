"""The learning rate: warm-up, then half a cosine to zero, counted in optimiser steps."""

from __future__ import annotations

import math


def rate_at(step: int, steps: int, warmup: float) -> float:
    """The share of the highest rate at a step, 0 < share <= 1.

    Args:
        step: the optimiser steps done before this one, from 0 on.
        steps: all steps of the training.
        warmup: the share of them in which the rate rises.
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    through = (step - rising) / max(1, steps - rising)
    return max(0.5 * (1 + math.cos(math.pi * min(1.0, through))), 1e-6)
