"""The encoder that a training begins with: built from its configuration, with the weights that are taken over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from encoder.model.architecture import Architecture, TextArchitecture
from encoder.model.backbones.opening import OpenedBackbone, open_backbone
from encoder.model.backbones.trial import DoesNotFitError, tried
from encoder.model.checkpoint import Checkpoint
from encoder.model.encoder import Encoder
from encoder.model.text_tower import END, START, learn_tokenizer
from encoder.training.config import TrainConfig
from encoder.training.freezing import freeze, to_training
from encoder.training.lora import add_lora
from encoder.training.origin import Origin
from encoder.training.parts import PARTS
from encoder.training.training_data import Study
from kb.errors import NotEmbeddedError, UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def first_encoder(
    config: TrainConfig,
    study: Study,
    embedder_dimension: int | None,
    origin: Origin | None = None,
    *,
    backbone: OpenedBackbone | None = None,
) -> Encoder:
    """An encoder with the weights of before the first step, in training mode; the seed decides those that are random.

    What the configuration freezes asks for no gradient, and LoRA stands in the backbone where that is asked for.

    Args:
        config: the training.
        study: its texts teach a text transformer's tokenizer.
        embedder_dimension: numbers of the vocabulary's embeddings, for the objective `concepts`.
        origin: what is taken over from a checkpoint; default: nothing.
        backbone: its backbone, if that is open already.

    Raises:
        UsageError: the vocabulary is not embedded though the objective needs it, pictures of that size do not fit the
            backbone, or what is frozen leaves nothing to train.
        ClearKbError: the backbone is not to be had.
    """
    checkpoint = origin.checkpoint if origin else None
    taken = origin.taken if origin else ()
    if checkpoint is None:
        encoder = _new_encoder(config, study, embedder_dimension, backbone or open_backbone(config.backbone_choice))
    else:
        encoder = _started_encoder(config, study, embedder_dimension, checkpoint=checkpoint, taken=taken)
    if config.lora is not None:
        add_lora(encoder.image.backbone, config.lora)
    freeze(encoder, config.freeze)
    to_training(encoder)
    return encoder


def _new_encoder(
    config: TrainConfig, study: Study, embedder_dimension: int | None, backbone: OpenedBackbone
) -> Encoder:
    """An encoder of a configuration's architecture, its backbone pretrained where that names one."""
    image = backbone.image_architecture(dimension=config.dimension, mean=config.mean, deviation=config.deviation)
    text, tokenizer = _text_side(config, study, embedder_dimension)
    torch.manual_seed(config.seed)
    encoder = Encoder(Architecture(image, text), tokenizer)
    if isinstance(config.backbone, str):
        encoder.image.backbone.load_state_dict(backbone.network.module.state_dict())
    return encoder


def _started_encoder(
    config: TrainConfig,
    study: Study,
    embedder_dimension: int | None,
    *,
    checkpoint: Checkpoint,
    taken: tuple[str, ...],
) -> Encoder:
    """An encoder of a checkpoint's image architecture, with the weights of the parts that are taken over."""
    before = checkpoint.encoder
    if "text" in taken:
        text, tokenizer = before.architecture.text, before.tokenizer
    else:
        text, tokenizer = _text_side(config, study, embedder_dimension)
    torch.manual_seed(config.seed)
    image = replace(before.architecture.image, dimension=config.dimension, projected=True)
    encoder = Encoder(Architecture(image, text), tokenizer)
    begins = tuple(begin for part in taken for begin in PARTS[part])
    encoder.load_state_dict(
        {name: tensor for name, tensor in before.state_dict().items() if name.startswith(begins)}, strict=False
    )
    if config.size != checkpoint.preprocessing.size:
        _try_size(encoder, config.size)
    return encoder


def _try_size(encoder: Encoder, size: int) -> None:
    """UsageError where an image tower cannot read pictures of another size than it was made for."""
    try:
        tried(encoder.image.network, size)
    except DoesNotFitError as error:
        raise UsageError(f"size {size}: the checkpoint's image tower does not read such pictures: {error}") from error


def _text_side(
    config: TrainConfig, study: Study, embedder_dimension: int | None
) -> tuple[TextArchitecture, Tokenizer | None]:
    """A text side without weights yet, for the objective."""
    if config.objective == "concepts":
        if embedder_dimension is None:
            raise NotEmbeddedError("the objective `concepts` trains against embeddings, and nothing is embedded")
        return TextArchitecture("linear", embedding=embedder_dimension), None
    tokenizer = _tokenizer(config, study)
    return _transformer(config, tokenizer), tokenizer


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
