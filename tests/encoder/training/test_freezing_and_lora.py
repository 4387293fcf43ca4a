"""Frozen parts stay to the bit; LoRA stays in its rank, and its checkpoint is a plain one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from encoder.model.architecture import Architecture, ImageArchitecture, TextArchitecture
from encoder.model.checkpoint import load_checkpoint
from encoder.model.encoder import Encoder
from encoder.training.config import TrainConfig, read_config
from encoder.training.config_parts import Lora
from encoder.training.freezing import freeze, to_training
from encoder.training.lora import add_lora, lora_targets, merged_encoder
from encoder.training.train_result import TrainResult
from encoder.training.trainer import train
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import CONFIG, NET, RESNET, VIT

SHORT = {"epochs": 1, "batch_size": 12, "learning_rate": 1e-2, "ema": 0.0}


def settings(start: Path, **values: object) -> TrainConfig:
    return read_config("cpu-demo", str(start)).with_values({**SHORT, **values})


def trained(kb: KnowledgeBase, config: TrainConfig, out: Path, resume: bool = False) -> TrainResult:
    result = train(kb, config, out, device="cpu", resume=resume)
    assert result is not None
    return result


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def changed(before: Path, after: Path) -> set[str]:
    old, new = weights(before), weights(after)
    return {name for name in old if not torch.equal(old[name], new[name])}


def small(backbone: object = VIT) -> Encoder:
    torch.manual_seed(0)
    image = ImageArchitecture(dict(backbone), 8, 100.0, 80.0)
    return Encoder(Architecture(image, TextArchitecture("linear", embedding=6)))


LAYER = "image.backbone.encoder.layer"


@pytest.mark.soak
@pytest.mark.parametrize(
    ("frozen", "held", "moved"),
    [
        (["image"], ("image.",), ("text.", "log_scale", "bias")),
        (["backbone"], ("image.backbone.",), ("image.projection.", "text.", "log_scale")),
        (["projection", "scale"], ("image.projection.", "log_scale", "bias"), ("image.backbone.", "text.")),
        (
            ["text", "1 layer"],
            ("text.", "image.backbone.embeddings.", f"{LAYER}.0."),
            (f"{LAYER}.1.", "image.projection."),
        ),
    ],
)
def test_a_frozen_part_is_the_same_to_the_bit(few, begun, tmp_path: Path, frozen, held, moved) -> None:
    trained(few, settings(begun["concepts"], freeze=frozen, weight_decay=0.5), tmp_path / "e")
    found = changed(begun["concepts"], tmp_path / "e")
    assert not {name for name in found if name.startswith(held)}
    for begin in moved:
        assert any(name.startswith(begin) for name in found), begin


@pytest.mark.soak
def test_frozen_batch_norms_keep_their_statistics_and_can_be_cut_in_parts(few, tmp_path: Path) -> None:
    trained(few, CONFIG.with_values({"backbone": RESNET, "epochs": 1}), tmp_path / "first")
    config = settings(tmp_path / "first", freeze="backbone", micro_batch=4)
    trained(few, config, tmp_path / "e")
    assert {name.split(".")[1] for name in changed(tmp_path / "first", tmp_path / "e") if "image" in name} == {
        "projection"
    }
    with pytest.raises(UsageError, match="batch norms"):
        trained(few, settings(tmp_path / "first", micro_batch=4), tmp_path / "f")


def test_what_is_frozen_is_in_evaluation_mode_and_the_rest_in_training() -> None:
    encoder = small(RESNET)
    freeze(encoder, ["1 layer"])
    encoder.eval()
    to_training(encoder)
    stages = encoder.image.backbone.encoder.stages
    assert not any(part.training for part in stages[0].modules())
    assert all(part.training for part in stages[1].modules())
    assert encoder.text.training and encoder.image.projection.training


@pytest.mark.parametrize(
    ("frozen", "message"),
    [
        (["image", "text"], "nothing would be left to train"),
        (["9 layers"], "the backbone has 2 layers"),
        (["head"], "one of image, backbone, projection, text, scale, or a number of layers"),
    ],
)
def test_what_cannot_be_frozen_is_said(few, begun, tmp_path: Path, frozen, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        trained(few, settings(begun["concepts"], freeze=frozen), tmp_path / "e")


@pytest.mark.parametrize("backbone", [VIT, {**NET, "layer_scale_init_value": 1.0}])
def test_what_lora_learned_is_added_to_the_weights_within_its_rank(backbone) -> None:
    encoder = small(backbone)
    pixels = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1)) * 255
    plain = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    first = encoder.eval().image(pixels).detach()
    targets = add_lora(encoder.image.backbone, Lora(rank=2, alpha=6.0))
    assert torch.equal(encoder.image(pixels), first)  # its product is zero at first
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(2))
    adapted = encoder.image(pixels).detach()
    assert (adapted - first).abs().max() > 1e-3
    merged = merged_encoder(encoder)
    assert merged.state_dict().keys() == plain.keys()
    assert torch.allclose(merged.image(pixels), adapted, atol=1e-6)
    for name, tensor in merged.state_dict().items():
        difference = tensor - plain[name]
        if name.removeprefix("image.backbone.").removesuffix(".weight") in targets:
            assert 0 < int(torch.linalg.matrix_rank(difference, atol=1e-4)) <= 2, name
        else:
            assert not difference.any(), name
    assert merged_encoder(merged) is merged


def test_a_checkpoint_of_lora_is_a_plain_one_that_needs_no_peft(
    few, begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(begun["concepts"], lora={"rank": 2, "dropout": 0.1, "targets": ["q_proj", "v_proj"]})
    result = trained(few, config, tmp_path / "e")
    assert result.beginning.trained < result.beginning.numbers
    old, new = weights(begun["concepts"]), weights(tmp_path / "e")
    assert old.keys() == new.keys()
    moved = {name for name in changed(begun["concepts"], tmp_path / "e") if name.startswith("image.backbone.")}
    assert moved == {f"{LAYER}.{n}.attention.{part}_proj.weight" for n in range(2) for part in "qv"}
    for name in moved:
        assert int(torch.linalg.matrix_rank(new[name] - old[name], atol=1e-6)) <= 2
    monkeypatch.setitem(sys.modules, "peft", None)
    assert load_checkpoint(tmp_path / "e").encoder_id == result.checkpoint.encoder_id


@pytest.mark.soak
def test_lora_with_frozen_layers_goes_on_to_the_same_bits(few, begun, tmp_path: Path) -> None:
    config = settings(
        begun["concepts"], lora={"rank": 2, "dropout": 0.2}, freeze=["1 layer", "projection"], epochs=3, ema=0.9
    )
    trained(few, config, tmp_path / "whole")

    def stop(epoch: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(few, config, tmp_path / "cut", device="cpu", on_epoch=stop)
    trained(few, config, tmp_path / "cut", resume=True)
    assert not changed(tmp_path / "whole", tmp_path / "cut")
    assert not {name for name in changed(begun["concepts"], tmp_path / "cut") if name.startswith(f"{LAYER}.0.")}


def test_targets_of_lora_are_ends_of_names_or_every_linear_map() -> None:
    backbone = small().image.backbone
    assert lora_targets(backbone, ("q_proj",)) == [f"encoder.layer.{n}.attention.q_proj" for n in range(2)]
    assert len(lora_targets(backbone, ("linear",))) == 2 * 6
    with pytest.raises(UsageError, match=r"lora\.targets 'qkv': no matrix of the backbone; there are fc1, fc2, k_proj"):
        lora_targets(backbone, ("linear", "qkv"))
    with pytest.raises(UsageError, match="there are convolution"):
        lora_targets(small(RESNET).image.backbone, ("linear",))


def test_lora_beside_a_trained_backbone_is_a_contradiction(begun) -> None:
    with pytest.raises(UsageError, match="freeze need not name it"):
        settings(begun["concepts"], lora={"rank": 2}, freeze=["backbone"])


def test_without_peft_lora_is_refused_before_the_study_is_read(
    kb: KnowledgeBase, begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UsageError, match=r'LoRA needs peft: pip install "clear-kb\[training\]"'):
        trained(kb, settings(begun["concepts"], lora={"rank": 2}), tmp_path / "e")
