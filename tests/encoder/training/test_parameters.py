"""How fast each parameter learns and whether it decays: every one once, deeper layers faster, by the equations."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.model.architecture import Architecture, ImageArchitecture, TextArchitecture
from encoder.model.encoder import Encoder
from encoder.training.backbone_layers import layer_names, parameter_depths
from encoder.training.config import TrainConfig
from encoder.training.freezing import freeze
from encoder.training.optimiser import adamw, update
from encoder.training.parameters import parameter_groups, undecayed_names
from kb.errors import UsageError
from tests.support.shapes import CONFIG, NET, RESNET, VIT

TRANSFORMER = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}
SWIN = {"image_size": 32, "embed_dim": 8, "depths": [1, 2], "num_heads": [2, 2], "window_size": 4}
BACKBONES: dict[str, tuple[dict[str, Any], int]] = {
    "dinov2": (VIT, 2),
    "vit": ({"model_type": "vit", **TRANSFORMER}, 3),
    "clip": ({"model_type": "clip_vision_model", **TRANSFORMER}, 3),
    "siglip": ({"model_type": "siglip_vision_model", **TRANSFORMER}, 3),
    "convnext": (NET, 2),
    "resnet": (RESNET, 2),
    "swin": ({"model_type": "swin", **SWIN}, 3),
    "regnet": (
        {"model_type": "regnet", "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2], "groups_width": 8},
        3,
    ),
}
"""Each with the number of its layers."""


@functools.cache
def made(name: str) -> Encoder:
    image = ImageArchitecture(BACKBONES[name][0], 8, 100.0, 80.0)
    return Encoder(Architecture(image, TextArchitecture("linear", embedding=6)))


@pytest.mark.parametrize("name", BACKBONES)
def test_the_layers_of_a_backbone_are_found(name: str) -> None:
    backbone, count = made(name).image.backbone, BACKBONES[name][1]
    assert len(layer_names(backbone)) == count
    depths = parameter_depths(backbone)
    assert depths.keys() == dict(backbone.named_parameters()).keys()
    assert min(depths.values()) == 0
    assert {*range(1, count + 1)} <= {*depths.values()} <= {*range(count + 2)}


@given(
    name=st.sampled_from(sorted(BACKBONES)),
    frozen=st.sets(st.sampled_from(["backbone", "projection", "text", "scale", "1 layer", "2 layers"]), max_size=3),
    layer_decay=st.sampled_from([1.0, 0.75, 0.5]),
    head_rate=st.sampled_from([1.0, 10.0]),
)
@settings(max_examples=60, deadline=None)
def test_every_trained_parameter_is_in_one_group_and_deeper_ones_learn_faster(
    name: str, frozen: set[str], layer_decay: float, head_rate: float
) -> None:
    encoder = made(name).requires_grad_(True)
    try:
        freeze(encoder, sorted(frozen))
    except UsageError:
        assert {name for name, one in encoder.named_parameters() if one.requires_grad} <= {"log_scale", "bias"}
    config = CONFIG.with_values({"layer_decay": layer_decay, "head_rate": head_rate, "scale_rate": 3.0})
    groups = parameter_groups(encoder, config)
    held = [id(parameter) for group in groups for parameter in group["params"]]
    trained = {id(p): name for name, p in encoder.named_parameters() if p.requires_grad}
    assert sorted(held) == sorted(trained)
    factor = {trained[id(p)]: group["factor"] for group in groups for p in group["params"]}
    depths = parameter_depths(encoder.image.backbone)
    deepest = max(depths.values())
    for parameter, one in factor.items():
        if parameter.startswith("image.backbone."):
            depth = depths[parameter.removeprefix("image.backbone.")]
            assert one == pytest.approx(layer_decay ** (deepest - depth))
        else:
            assert one == (3.0 if parameter in ("log_scale", "bias") else head_rate)


@pytest.mark.parametrize("name", BACKBONES)
def test_only_the_weights_of_linear_maps_and_kernels_decay(name: str) -> None:
    encoder = made(name)
    names = dict(encoder.named_parameters())
    decayed = names.keys() - undecayed_names(encoder)
    assert {"image.projection.weight", "text.weight"} <= decayed
    assert not {"image.projection.bias", "log_scale", "bias"} & decayed
    for one in decayed:
        assert not any(word in one for word in ("token", "position", "norm", "bias")), one
    for one in names:
        if one.endswith((".cls_token", ".mask_token", "position_embeddings", "position_embedding.weight")):
            assert one not in decayed


def test_word_and_position_embeddings_of_a_text_transformer_do_not_decay() -> None:
    from encoder.model.text_tower import learn_tokenizer

    tokenizer = learn_tokenizer(["no effusion"], 300)
    fields = {"vocab_size": 300, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "max_position_embeddings": 8, "bos_token_id": 0, "eos_token_id": 1}  # fmt: skip
    text = TextArchitecture("transformer", transformer=fields, context=8)
    encoder = Encoder(Architecture(ImageArchitecture(VIT, 8, 100.0, 80.0), text), tokenizer)
    undecayed = undecayed_names(encoder)
    embeddings = {name for name, _ in encoder.named_parameters() if "_embedding.weight" in name}
    assert len(embeddings) == 2 and embeddings <= undecayed
    assert "text.model.text_projection.weight" not in undecayed


def test_a_step_is_that_of_adamw_with_each_parameters_own_rate_and_decay() -> None:
    encoder = made("dinov2").requires_grad_(True)
    config = CONFIG.with_values({"layer_decay": 0.5, "head_rate": 4.0, "scale_rate": 2.0, "weight_decay": 0.1})
    optimiser = adamw(encoder, config)
    draw = torch.Generator().manual_seed(0)
    before = {name: parameter.detach().clone() for name, parameter in encoder.named_parameters()}
    given = {name: torch.randn(p.shape, generator=draw) for name, p in encoder.named_parameters()}
    for name, parameter in encoder.named_parameters():
        parameter.grad = given[name].clone()
    norm = update(encoder, optimiser, rate=1e-2, clip=1e6)
    assert float(norm) == pytest.approx(math.sqrt(sum(float(g.square().sum()) for g in given.values())), rel=1e-4)
    undecayed, depths = undecayed_names(encoder), parameter_depths(encoder.image.backbone)
    for name, parameter in encoder.named_parameters():
        factor = 2.0 if name in ("log_scale", "bias") else 4.0
        if name.startswith("image.backbone."):
            factor = 0.5 ** (3 - depths[name.removeprefix("image.backbone.")])
        kept = before[name] * (1 - (0.0 if name in undecayed else 1e-2 * factor * 0.1))
        gradient = given[name]
        # The first step of Adam is the sign of the gradient (but for epsilon).
        wanted = kept - 1e-2 * factor * gradient / (gradient.abs() + 1e-8)
        assert torch.allclose(parameter, wanted, atol=1e-5), name


@pytest.mark.parametrize(("clip", "share"), [(0.5, 0.25), (2.0, 1.0), (8.0, 1.0)])
def test_a_gradient_is_scaled_down_to_the_clip_and_its_norm_before_is_told(clip: float, share: float) -> None:
    encoder = made("convnext").requires_grad_(True)
    optimiser = torch.optim.SGD([{"params": [encoder.bias], "factor": 0.5}], lr=1.0)
    before = float(encoder.bias.detach())
    encoder.zero_grad()
    encoder.bias.grad = torch.tensor(-2.0)
    assert float(update(encoder, optimiser, rate=0.1, clip=clip)) == 2.0
    assert float(encoder.bias.detach()) == pytest.approx(before + 0.1 * 0.5 * 2.0 * share, rel=1e-5)


def test_the_scale_stays_between_one_and_a_hundred_unless_it_is_frozen() -> None:
    encoder = made("convnext").requires_grad_(True)
    encoder.zero_grad()
    for began, ended in ((9.0, 100.0), (-3.0, 1.0), (2.0, math.exp(2.0))):
        with torch.no_grad():
            encoder.log_scale.fill_(began)
        update(encoder, adamw(encoder, TrainConfig()), rate=1e-3, clip=1.0)
        assert float(encoder.log_scale.detach().exp()) == pytest.approx(ended, rel=1e-5)
    with torch.no_grad():
        encoder.log_scale.fill_(9.0)
    freeze(encoder, ["scale"])
    update(encoder, adamw(encoder, TrainConfig()), rate=1e-3, clip=1.0)
    assert float(encoder.log_scale.detach()) == 9.0
