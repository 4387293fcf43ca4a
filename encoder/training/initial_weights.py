"""The encoder that a training begins with: built from its configuration, pretrained where that names a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from encoder.model.architecture import Architecture, TextArchitecture
from encoder.model.backbones.opening import OpenedBackbone, open_backbone
from encoder.model.encoder import Encoder
from encoder.model.text_tower import END, START, learn_tokenizer
from encoder.training.config import TrainConfig
from encoder.training.training_data import Study
from kb.errors import NotEmbeddedError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def first_encoder(
    config: TrainConfig, study: Study, embedder_dimension: int | None, backbone: OpenedBackbone | None = None
) -> Encoder:
    """An encoder with the weights of before the first step; the seed decides those that are random.

    Args:
        config: the training.
        study: its texts teach a text transformer's tokenizer.
        embedder_dimension: numbers of the vocabulary's embeddings, for the objective `concepts`.
        backbone: its backbone, if that is open already.

    Raises:
        ClearKbError: the backbone is not to be had.
        UsageError: the vocabulary is not embedded though the objective needs it.
    """
    backbone = backbone or open_backbone(config.backbone_choice)
    image = backbone.image_architecture(dimension=config.dimension, mean=config.mean, deviation=config.deviation)
    tokenizer = None
    if config.objective == "concepts":
        if embedder_dimension is None:
            raise NotEmbeddedError("the objective `concepts` trains against embeddings, and nothing is embedded")
        text = TextArchitecture("linear", embedding=embedder_dimension)
    else:
        tokenizer = _tokenizer(config, study)
        text = _transformer(config, tokenizer)
    torch.manual_seed(config.seed)
    encoder = Encoder(Architecture(image, text), tokenizer)
    if isinstance(config.backbone, str):
        encoder.image.backbone.load_state_dict(backbone.network.module.state_dict())
    return encoder


def _tokenizer(config: TrainConfig, study: Study) -> Tokenizer:
    """A tokenizer learned from the reports that are trained on, and from no others."""
    return learn_tokenizer([study.examples[number].text for number in study.splits["train"]], config.text.tokens)


def _transformer(config: TrainConfig, tokenizer: Tokenizer) -> TextArchitecture:
    end = tokenizer.token_to_id(END)
    fields = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": config.text.width,
        "intermediate_size": 4 * config.text.width,
        "num_hidden_layers": config.text.layers,
        "num_attention_heads": config.text.heads,
        "max_position_embeddings": config.text.context,
        "hidden_act": "quick_gelu",
        "bos_token_id": tokenizer.token_to_id(START),
        "eos_token_id": end,
        "pad_token_id": end,
    }
    return TextArchitecture("transformer", transformer=fields, context=config.text.context)
