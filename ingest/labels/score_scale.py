"""Scores as probabilities: what the numbers of a table of predictions are, and how they come between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["probabilities", "logits"]
MISSING = -1.0
"""What some tables write if there is no score."""


@dataclass(frozen=True)
class Scaled:
    """Scores between 0 and 1 in the order of the raw ones; a reason where a number is no score.

    `divided` are the labels whose scores were above 1, with what all scores of theirs were divided by.
    """

    kind: Kind
    scores: list[float]
    logits: list[float | None]
    reasons: dict[int, str]
    divided: dict[str, float] = field(default_factory=dict)


def scale_scores(labels: Sequence[str], raw: Sequence[float], kind: Kind | None = None) -> Scaled:
    """Bring the raw scores of a file between 0 and 1, each label's in their order.

    Numbers below 0 make it a file of logits, unless they are all -1 beside probabilities: that stands for "none".
    Some models give "probabilities" a little above 1. They are divided by the label's highest: the order, and so
    AUROC and AUPRC, stay as they are, which cutting them off at 1 would not do.
    """
    if kind is None:
        below = {score for score in raw if score < 0}
        sentinel = below == {MISSING} and max(raw) <= 1
        kind = "logits" if below and not sentinel else "probabilities"
    if kind == "logits":
        return Scaled(kind, [sigmoid(score) for score in raw], list(raw), {})
    reasons = {at: f"{score:g} is no probability" for at, score in enumerate(raw) if score < 0}
    highest: dict[str, float] = {}
    for at, (label, score) in enumerate(zip(labels, raw, strict=True)):
        if at not in reasons:
            highest[label] = max(score, highest.get(label, 0.0))
    divided = {label: _divisor(labels, raw, label, most) for label, most in highest.items() if most > 1}
    scores = [score / divided.get(label, 1.0) for label, score in zip(labels, raw, strict=True)]
    return Scaled(kind, scores, [None] * len(scores), reasons, divided)


def sigmoid(logit: float) -> float:
    """The probability that a logit stands for."""
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


def _divisor(labels: Sequence[str], raw: Sequence[float], label: str, highest: float) -> float:
    """The highest score; where rounding would make two scores one, the next power of two, which rounds nothing."""
    mine = {score for name, score in zip(labels, raw, strict=True) if name == label}
    if len({score / highest for score in mine}) == len(mine):
        return highest
    return 2.0 ** math.ceil(math.log2(highest))
