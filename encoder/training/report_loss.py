"""The objective `report`: symmetric InfoNCE between images and the texts of their reports (Radford et al., 2021)."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy, softplus
from torch.utils.checkpoint import checkpoint

CHUNK = 4_096
"""Texts that images are held against at once in the sigmoid loss."""


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


def sigmoid_report_loss(
    images: torch.Tensor,
    *,
    texts: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    words: torch.Tensor,
    first: int = 0,
    equal_texts_are_negatives: bool = False,
    chunk: int = CHUNK,
) -> torch.Tensor:
    """One process's share of the sigmoid loss of the whole batch (SigLIP; Zhai et al., 2023, algorithm 1).

    Each pair of an image and a text is a question of its own, so that some texts after others add up to the loss of
    all: the logits of no more than `chunk` of them are held at once, forwards and backwards.
    """
    places = torch.arange(first, first + len(images), device=images.device)

    def of_some(
        start: int, images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        columns = torch.arange(start, start + len(texts), device=images.device)
        own = places.unsqueeze(1) == columns.unsqueeze(0)
        equal = words[places].unsqueeze(1) == words[columns].unsqueeze(0)
        counts = own | ~equal | equal_texts_are_negatives
        logits = scale * images @ texts.T + bias
        return (softplus(torch.where(own, -logits, logits)) * counts).sum()

    total = images.new_zeros(())
    for start in range(0, len(texts), chunk):
        part = texts[start : start + chunk]
        total = total + checkpoint(of_some, start, images, part, scale, bias, use_reentrant=False)
    return total / len(texts)
