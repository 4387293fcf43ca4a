"""How towers run: activations made again give the same gradients; what cannot be done is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from encoder.model.architecture import Architecture, ImageArchitecture, TextArchitecture
from encoder.model.encoder import Encoder
from encoder.model.text_tower import learn_tokenizer
from encoder.training.towers import prepare_towers
from encoder.training.trainer import train
from kb.errors import UsageError
from tests.support.shapes import CONFIG, NET, RESNET, VIT, shapes_study

TEXTS = ["left pleural effusion", "no nodule", "a nodule on the right side"]


def encoder(backbone: dict[str, object]) -> Encoder:
    """One with a text transformer, of the seed 0."""
    torch.manual_seed(0)
    tokenizer = learn_tokenizer(TEXTS, 300)
    text = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "attention_dropout": 0.3,
    }
    image = ImageArchitecture(backbone, 8, 100.0, 80.0)
    return Encoder(Architecture(image, TextArchitecture("transformer", transformer=text, context=16)), tokenizer)


def counted(layer: torch.nn.Module) -> list[int]:
    """A list that grows each time the layer is run."""
    times: list[int] = []
    layer.register_forward_pre_hook(lambda *_: times.append(1))
    return times


def gradients(again: bool) -> tuple[dict[str, torch.Tensor], dict[str, int]]:
    """The gradients of a step, and how often the first layer of each tower was run for them."""
    made = encoder({**VIT, "hidden_dropout_prob": 0.3}).train()
    prepare_towers(made, CONFIG.with_values({"gradient_checkpointing": again}), device="cpu", processes=1)
    runs = {}
    for name in ("image", "text"):
        layer = next(one for one in getattr(made, name).modules() if type(one).__name__.endswith("Layer"))
        runs[name] = counted(next(one for one in layer.modules() if isinstance(one, torch.nn.LayerNorm)))
    torch.manual_seed(1)
    pixels = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(2)) * 255
    (made.image(pixels) * made.text(made.text.tokens(TEXTS))).sum().backward()
    found = {name: p.grad for name, p in made.named_parameters() if p.grad is not None}
    return found, {name: len(times) for name, times in runs.items()}


def test_activations_that_are_made_again_give_the_same_gradients() -> None:
    kept, once = gradients(again=False)
    made, twice = gradients(again=True)
    assert set(once.values()) == {1} and set(twice.values()) == {2}
    assert kept.keys() == made.keys()
    for name, gradient in kept.items():
        assert torch.allclose(gradient, made[name], atol=1e-6), name


@pytest.mark.parametrize("backbone", [RESNET])
@pytest.mark.parametrize("values", [{"gradient_checkpointing": True}, {"micro_batch": 2}])
def test_batch_norms_see_a_batch_once_and_whole(backbone: dict[str, object], values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="batch norms"):
        prepare_towers(encoder(backbone), CONFIG.with_values(values), device="cpu", processes=1)
    with pytest.raises(UsageError, match="batch norms"):
        prepare_towers(encoder(backbone), CONFIG, device="cpu", processes=2)
    prepare_towers(encoder(backbone), CONFIG, device="cpu", processes=1)


def test_a_tower_that_cannot_make_its_activations_again_says_so() -> None:
    made = encoder(NET)
    made.image.backbone = torch.nn.Linear(2, 2)
    with pytest.raises(UsageError, match="the backbone cannot make its activations again"):
        prepare_towers(made, CONFIG.with_values({"gradient_checkpointing": True}), device="cpu", processes=1)


@pytest.mark.soak
@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_compiled_towers_learn_as_others_do(objective: str, tmp_path: Path, tiny_model: Path) -> None:
    kb = shapes_study(tmp_path / "s", str(tiny_model))
    config = CONFIG.with_values({"objective": objective, "backbone": VIT, "epochs": 1})
    plain = train(kb, config, tmp_path / "plain", device="cpu")
    compiled = train(kb, config.with_values({"compile": True}), tmp_path / "compiled", device="cpu")
    assert plain and compiled
    assert compiled.epochs[0].loss == pytest.approx(plain.epochs[0].loss, rel=1e-4)
    assert compiled.best.loss == pytest.approx(plain.best.loss, rel=1e-4)
