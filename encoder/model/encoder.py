"""An encoder: the image tower, a text side, and the two numbers that turn a cosine into a logit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from encoder.model.architecture import Architecture
from encoder.model.image_tower import ImageTower
from encoder.model.text_tower import TextTower
from kb.errors import ClearKbError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


FIRST_SCALE, FIRST_BIAS = 10.0, -10.0
"""Where the scale and the bias of a sigmoid loss begin (Zhai et al., 2023: t' = log 10, b = -10)."""


class LinearText(nn.Module):
    """A learned projection of the vocabulary's frozen embeddings: (n, D) to unit vectors (n, d)."""

    def __init__(self, embedding: int, dimension: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(embedding, dimension) / math.sqrt(embedding))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Concept vectors of embeddings: float32, of length 1."""
        return nn.functional.normalize((embeddings @ self.weight).float(), dim=-1)


class Encoder(nn.Module):
    """Both sides of an encoder, as it is trained and as it is saved; a frozen backbone has an image side alone."""

    def __init__(self, architecture: Architecture, tokenizer: Tokenizer | None = None):
        super().__init__()
        self.architecture = architecture
        self.image = ImageTower(architecture.image)
        self.text: Any = _text_side(architecture, tokenizer)
        if self.text is None:
            return  # nothing to compare an image with: no cosine becomes a logit
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))
        self.bias = nn.Parameter(torch.tensor(FIRST_BIAS))

    @property
    def tokenizer(self) -> Tokenizer | None:
        """The tokenizer of a text transformer; None if the text side reads embeddings."""
        return self.text.tokenizer if isinstance(self.text, TextTower) else None

    def text_vectors(self, texts: Sequence[str], batch_size: int = 256) -> torch.Tensor:
        """The vectors of texts by a text transformer, without gradients: (n, d), on the CPU.

        Raises:
            ClearKbError: the text side reads embeddings and no words, or there is none.
        """
        if not isinstance(self.text, TextTower):
            raise ClearKbError("this encoder's text side reads embeddings, not words, or it has none")
        device = self.bias.device
        # Texts of like length go together, so that few tokens are padding.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        vectors = torch.empty(len(texts), self.architecture.image.dimension)
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                taken = order[start : start + batch_size]
                tokens = self.text.tokens([texts[number] for number in taken])
                vectors[taken] = self.text(tokens.to(device)).cpu()
        return vectors


def _text_side(architecture: Architecture, tokenizer: Tokenizer | None) -> LinearText | TextTower | None:
    text, dimension = architecture.text, architecture.image.dimension
    if text.kind == "none":
        return None
    if text.kind == "linear" and text.embedding:
        return LinearText(text.embedding, dimension)
    if tokenizer is None or text.transformer is None or text.context is None:
        raise ClearKbError("a text transformer without its tokenizer")
    return TextTower({**text.transformer, "projection_dim": dimension}, tokenizer, text.context)
