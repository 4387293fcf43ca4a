"""The text tower: a CLIP text transformer over byte-pair tokens, taken at the end token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from tokenizers import Tokenizer

START, END = "<|startoftext|>", "<|endoftext|>"


class TextTower(nn.Module):
    """CLIP's text transformer (Radford et al., 2021) with its projection; the tokenizer belongs to it.

    Args:
        config: a configuration of transformers' CLIPTextModel.
        tokenizer: its byte-pair tokens, with a start and an end.
        context: tokens that a text may have; a longer one is cut, its end token kept.
    """

    def __init__(self, config: Mapping[str, Any], tokenizer: Tokenizer, context: int):
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

        super().__init__()
        self.model = CLIPTextModelWithProjection(CLIPTextConfig(**config))
        self.tokenizer, self.context = tokenizer, context
        self.tokenizer.enable_truncation(context)
        self.tokenizer.no_padding()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Text vectors of tokens (n, length): float32, (n, d), of length 1."""
        return nn.functional.normalize(self.model(input_ids=tokens).text_embeds.float(), dim=-1)

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        """Texts as tokens, (n, length of the longest); what follows a text's end token is more end tokens.

        The attention is causal and the vector is taken at the first end token, so that they change nothing.
        """
        rows = [encoded.ids for encoded in self.tokenizer.encode_batch(list(texts))]
        padded = torch.full((len(rows), max(map(len, rows))), self.tokenizer.token_to_id(END), dtype=torch.long)
        for number, row in enumerate(rows):
            padded[number, : len(row)] = torch.tensor(row)
        return padded


def learn_tokenizer(texts: Sequence[str], size: int) -> Tokenizer:
    """A byte-pair tokenizer learned from `texts`: lower case, digits alone, at most `size` tokens.

    The same texts give the same tokenizer. That is why words begin with a space (as GPT-2's do) rather than end with
    a mark as CLIP's: the library numbers marked letters in the order of a hash table, which no seed decides.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=END))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(t, tokenizer.token_to_id(t)) for t in (START, END)]
    )
    return tokenizer
