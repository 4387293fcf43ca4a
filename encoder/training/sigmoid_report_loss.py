"""The objective `report` with a sigmoid loss between images and report texts (SigLIP; Zhai et al., 2023)."""

from __future__ import annotations

import torch
from torch.nn.functional import softplus
from torch.utils.checkpoint import checkpoint

CHUNK = 4_096
"""Texts that the own images are held against at once."""


def sigmoid_report_loss(
    own_images: torch.Tensor,
    all_texts: torch.Tensor,
    *,
    scale: torch.Tensor,
    bias: torch.Tensor,
    words: torch.Tensor,
    first: int = 0,
    equal_texts_are_negatives: bool = False,
    chunk: int = CHUNK,
) -> torch.Tensor:
    """One process's share of the loss of the whole batch: the shares of all processes add up to it.

    Each pair of an image and a text is a question of its own (equation 1 of the paper), so that the texts can be gone
    through some at a time (its section 3.3): forwards and backwards no more than (n, chunk) logits are held, where
    InfoNCE holds (n, N). Texts of the same words are no negatives of each other.

    Args:
        own_images: vectors of this process's images, (n, d), of length 1.
        all_texts: vectors of the reports of all processes, in their order, (N, d).
        scale: what cosines are multiplied by.
        bias: what is added to them then.
        words: a number for the words of each of all texts, equal where these are, (N,).
        first: the place of this process's first image among all.
        equal_texts_are_negatives: leave the mask out, as the plain loss does.
        chunk: texts at once.
    """
    places = torch.arange(first, first + len(own_images), device=own_images.device)

    def of_some(images: torch.Tensor, start: int, texts: torch.Tensor) -> torch.Tensor:
        columns = torch.arange(start, start + len(texts), device=images.device)
        own = places.unsqueeze(1) == columns.unsqueeze(0)
        apart = own | (words[places].unsqueeze(1) != words[columns].unsqueeze(0)) | equal_texts_are_negatives
        logits = scale * images @ texts.T + bias
        return (softplus(torch.where(own, -logits, logits)) * apart).sum()

    parts = [
        checkpoint(of_some, own_images, start, all_texts[start : start + chunk], use_reentrant=False)
        for start in range(0, len(all_texts), chunk)
    ]
    return torch.stack(parts).sum() / len(all_texts)
