"""The objective `report`: symmetric InfoNCE between images and the texts of their reports (Radford et al., 2021)."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy


def report_loss(
    own_images: torch.Tensor,
    own_texts: torch.Tensor,
    all_images: torch.Tensor,
    *,
    all_texts: torch.Tensor,
    scale: torch.Tensor,
    words: torch.Tensor,
    first: int = 0,
    equal_texts_are_negatives: bool = False,
) -> torch.Tensor:
    """One process's share of the loss of the whole batch: the shares of all processes add up to it.

    Each of the own images is to find its text among all texts, and each of the own texts its image among all images.
    Texts of the same words are no negatives of each other: a normal study is not told off the report of another.

    Args:
        own_images: vectors of this process's images, (n, d), of length 1.
        own_texts: vectors of their reports, (n, d).
        all_images: those of all processes, in their order, (N, d).
        all_texts: likewise.
        scale: what cosines are multiplied by.
        words: a number for the words of each of all texts, equal where these are, (N,).
        first: the place of this process's first image among all.
        equal_texts_are_negatives: leave the mask out, as the plain loss does.
    """
    count, total = len(own_images), len(all_images)
    places = torch.arange(first, first + count, device=own_images.device)
    equal = words[places].unsqueeze(1) == words.unsqueeze(0)
    equal[torch.arange(count, device=equal.device), places] = False
    if equal_texts_are_negatives:
        equal = torch.zeros_like(equal)
    losses = [
        cross_entropy((scale * mine @ others.T).masked_fill(equal, float("-inf")), places, reduction="sum")
        for mine, others in ((own_images, all_texts), (own_texts, all_images))
    ]
    return (losses[0] + losses[1]) / (2 * total)
