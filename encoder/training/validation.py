"""Validation: how well images are told apart by the concepts that reports state, for either objective."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from encoder.training.objectives import Objective
from encoder.training.processes import ALONE, Processes
from encoder.training.statements import HOLDS, UNKNOWN
from encoder.training.training_data import Study
from kb.errors import ClearKbError
from kb.statistics.ranking import Ranking

CONCEPTS = 60
"""Concepts that are looked at: those stated most often."""

FEWEST = 5
"""Images for which a concept must hold, and for which it must not, to be counted."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How an encoder does on images it was not trained on; `auroc` is None if no concept has enough images."""

    loss: float
    auroc: float | None
    concepts: int

    def better_than(self, other: Measured | None, *, by_auroc: bool) -> bool:
        """Whether this is the better one: by AUROC where that is asked for and both have it, else by loss."""
        if other is None:
            return True
        if by_auroc and self.auroc is not None and other.auroc is not None:
            return self.auroc > other.auroc
        return self.loss < other.loss


def require_numbers(*losses: float, epoch: int, rate: float) -> None:
    """Refuse to go on with losses that are no numbers (ClearKbError)."""
    if not all(map(math.isfinite, losses)):
        raise ClearKbError(
            f"the loss is no number after epoch {epoch}: lower learning_rate (now {rate:g}), or look at the "
            "augmentation; what was best before is kept"
        )


def measure(
    objective: Objective,
    study: Study,
    examples: Sequence[int],
    *,
    images: torch.Tensor,
    batch: int,
    processes: Processes = ALONE,
) -> Measured:
    """The loss of the examples in batches, and the mean AUROC of the concepts that are stated most.

    The batches are dealt out to the processes; what is measured is the same on all of them.

    Args:
        objective: whose loss, and whose concept vectors.
        study: what the reports state.
        examples: their numbers.
        images: their vectors, (n, d).
        batch: images that are compared with each other at once.
        processes: that have the same vectors, and share the work.
    """
    starts = range(0, len(examples), batch)[processes.rank :: processes.count]
    total = 0.0
    for start in starts:
        part = examples[start : start + batch]
        total += objective.loss(images[start : start + batch], part) * len(part)
    loss = float(processes.sum(torch.tensor(total, dtype=torch.float64, device=images.device))) / len(examples)
    aurocs = _aurocs(objective, study, examples, images)
    return processes.share_object(Measured(loss, sum(aurocs) / len(aurocs) if aurocs else None, len(aurocs)))


def _aurocs(objective: Objective, study: Study, examples: Sequence[int], images: torch.Tensor) -> list[float]:
    statements = study.statements
    stated = Counter(said.concept for number in examples for said in statements.reports[number] if said.sure)
    concepts = [concept for concept, _ in stated.most_common() if statements.meanings[concept].present][:CONCEPTS]
    if not concepts:
        return []
    scores: np.ndarray = (images @ objective.concept_vectors(concepts).T).float().cpu().numpy()
    relations = statements.relations(examples, concepts)
    aurocs = []
    for column in range(len(concepts)):
        known = relations[:, column] != UNKNOWN
        holds = relations[known, column] == HOLDS
        if FEWEST <= holds.sum() <= known.sum() - FEWEST:
            aurocs.append(Ranking(holds, scores[known, column]).auroc)
    return aurocs
