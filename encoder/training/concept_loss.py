"""The objective `concepts`: a sigmoid loss between images and the concepts of a batch (SigLIP; Zhai et al., 2023)."""

from __future__ import annotations

import torch
from torch.nn.functional import softplus

from encoder.training.statements import DENIED, HOLDS, UNKNOWN


def concept_loss(
    logits: torch.Tensor, relations: torch.Tensor, *, images: int | None = None, denied_weight: float = 1.0
) -> torch.Tensor:
    """The mean over pairs of -log sigmoid(y logit).

    Every pair is a question of its own: a concept that holds is drawn near (y = 1), one that the report denies or
    does not speak of is pushed away (y = -1), and one that nobody knows about adds nothing. A mean, where the paper
    sums over texts: the gradient does not grow with the vocabulary, and one `gradient_clip` serves all.

    Args:
        logits: scale * cosine + bias of images and concepts, (n, m).
        relations: what each image's report says of each concept (see `statements`), (n, m).
        images: of the whole batch, where these are some of them: the parts then add up to its mean; default: n.
        denied_weight: what a denied concept counts against any other negative.
    """
    weights = (relations != UNKNOWN).to(logits.dtype)
    weights = torch.where(relations == DENIED, weights * denied_weight, weights)
    signs = torch.where(relations == HOLDS, 1.0, -1.0).to(logits.dtype)
    return (weights * softplus(-signs * logits)).sum() / max(1, (images or len(logits)) * logits.shape[1])
