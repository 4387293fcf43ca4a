"""Backbones of transformers: what is read of them is what transformers gives, and what cannot be read is refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from encoder.model.backbones.choice import BackboneChoice
from encoder.model.backbones.opening import open_backbone
from encoder.model.backbones.pictures import Pictures, pictures_of_processor
from encoder.model.backbones.positions import resized
from encoder.model.checkpoint import load_checkpoint
from encoder.model.frozen import freeze
from kb.errors import ClearKbError, UsageError
from kb.images.preprocessing import Preprocessing
from tests.support.backbone_table import rows_of_transformers, stored_table
from tests.support.examples import examples
from tests.support.small_backbones import SMALL, small, write_small

PROCESSOR = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.25, 0.3],
    "resample": 2,
}
Made = Callable[..., Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Writes the small folder of a kind, once."""
    folders: dict[str, Path] = {}

    def write(name: str, **more: Any) -> Path:
        if name not in folders or more:
            folders[name] = write_small(tmp_path_factory.mktemp("backbone") / "b", small(name), **more)
        return folders[name]

    return write


def vectors(folder: Path, size: int, place: Path, **choice: Any) -> torch.Tensor:
    """The vectors of two grey pictures by a frozen backbone."""
    opened = open_backbone(BackboneChoice(name=str(folder), size=size, **choice))
    checkpoint = freeze(opened, Preprocessing(size), place)
    with torch.no_grad():
        found: torch.Tensor = checkpoint.encoder.image(grey(size))
    return found


def grey(size: int) -> torch.Tensor:
    return (torch.rand(2, size, size, generator=torch.Generator().manual_seed(3)) * 255).to(torch.uint8)


def pixel_values(size: int) -> torch.Tensor:
    """The same pictures as their processor would make them."""
    mean, deviation = (torch.tensor(PROCESSOR[name]).view(1, 3, 1, 1) for name in ("image_mean", "image_std"))
    return (grey(size).float().div(255).unsqueeze(1).expand(-1, 3, -1, -1) - mean) / deviation


@pytest.mark.soak
def test_the_table_in_the_docs_is_what_is_found(tmp_path: Path) -> None:
    found = [row.line() for row in rows_of_transformers(tmp_path)]
    assert len({kind.model_type for kind in SMALL}) >= 20
    assert found == stored_table()[: len(found)], "python -m tests.support.backbone_table writes it anew"


@pytest.mark.parametrize("size", [32, 48])
def test_a_classifier_is_read_at_its_class_token_in_its_own_grey_levels(made: Made, tmp_path: Path, size: int) -> None:
    from transformers import ViTForImageClassification

    folder = made("vit in a classifier", processor=PROCESSOR)
    theirs = ViTForImageClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = theirs.vit(pixel_values(size), interpolate_pos_encoding=True).last_hidden_state[:, 0]
    assert torch.allclose(vectors(folder, size, tmp_path), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["clip, both towers", "siglip, both towers", "altclip, both towers"])
def test_of_a_model_of_pictures_and_texts_the_image_tower_is_read(made: Made, tmp_path: Path, name: str) -> None:
    from transformers import AutoModel

    folder = made(name, processor=PROCESSOR)
    theirs = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = theirs.vision_model(pixel_values=pixel_values(32)).pooler_output
    assert torch.allclose(vectors(folder, 32, tmp_path), expected, atol=1e-4)


def test_a_masked_autoencoder_is_read_with_nothing_masked(made: Made, tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTMAEModel, ViTModel

    folder = made("vit_mae", processor=PROCESSOR)
    plain = ViTModel(ViTConfig(**small("vit").fields), add_pooling_layer=False).eval()
    plain.load_state_dict(ViTMAEModel.from_pretrained(folder).state_dict())
    with torch.no_grad():
        expected = plain(pixel_values(32)).last_hidden_state[:, 0]
    assert torch.allclose(vectors(folder, 32, tmp_path), expected, atol=1e-4)


def test_siglip_2_reads_patches_in_a_row_colours_last(made: Made, tmp_path: Path) -> None:
    from transformers import Siglip2VisionModel

    folder = made("siglip2_vision_model", processor=PROCESSOR)
    theirs = Siglip2VisionModel.from_pretrained(folder).eval()
    pictures, flat = pixel_values(32), torch.empty(2, 16, 8 * 8 * 3)
    for n in range(2):
        for row in range(4):
            for column in range(4):
                patch = pictures[n, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
                flat[n, 4 * row + column] = patch.permute(1, 2, 0).reshape(-1)
    told = {"pixel_attention_mask": torch.ones(2, 16, dtype=torch.long), "spatial_shapes": torch.tensor([[4, 4]] * 2)}
    with torch.no_grad():
        expected = theirs(pixel_values=flat, **told).pooler_output
    assert torch.allclose(vectors(folder, 32, tmp_path), expected, atol=1e-4)


def test_the_mean_of_patches_leaves_class_token_and_registers_out(made: Made, tmp_path: Path) -> None:
    from transformers import Dinov2WithRegistersModel

    folder = made("dinov2_with_registers", processor=PROCESSOR)
    theirs = Dinov2WithRegistersModel.from_pretrained(folder).eval()
    with torch.no_grad():
        tokens = theirs(pixel_values(28)).last_hidden_state
    assert tokens.shape[1] == 1 + 4 + 2 * 2
    assert torch.allclose(vectors(folder, 28, tmp_path, pooling="mean"), tokens[:, 5:].mean(1), atol=1e-4)


def test_a_frozen_backbone_reloads_to_the_same_bits_and_has_one_id_everywhere(made: Made, tmp_path: Path) -> None:
    folder = made("swin", processor=PROCESSOR)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in folder.iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    ids = set()
    for number, place in enumerate((folder, moved)):
        opened = open_backbone(BackboneChoice(name=str(place)))
        kept = freeze(opened, Preprocessing(opened.size), tmp_path / str(number))
        loaded = load_checkpoint(kept.folder)
        with torch.no_grad():
            assert torch.equal(loaded.encoder.image(grey(32)), kept.encoder.image(grey(32)))
        ids.add(loaded.encoder_id)
    assert len(ids) == 1
    image = loaded.facts.architecture["image"]
    assert (image["mean"], image["deviation"]) == ([127.5, 102.0, 76.5], [51.0, 63.75, 76.5])
    other = open_backbone(BackboneChoice(name=str(folder), pooling="mean"))
    assert freeze(other, Preprocessing(32), tmp_path / "m").encoder_id not in ids


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_name_on_a_hub_is_read_from_the_cache_and_keeps_its_commit(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "models--lab--vit"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(COMMIT)
    shutil.copytree(made("vit", processor=PROCESSOR), cached / "snapshots" / COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    opened = open_backbone(BackboneChoice(name="lab/vit"))
    assert (opened.revision, opened.size, opened.width) == (COMMIT, 32, 32)
    assert opened.pictures.mean == (127.5, 102.0, 76.5)
    with pytest.raises(ClearKbError, match="no connection to its hub, and it is not in the cache"):
        open_backbone(BackboneChoice(name="lab/other"))


def test_a_bin_is_read_where_it_holds_tensors_alone_and_nothing_in_it_is_run(made: Made, tmp_path: Path) -> None:
    folder = made("convnext", processor=PROCESSOR)
    plain, evil = tmp_path / "plain", tmp_path / "evil"
    for place in (plain, evil):
        place.mkdir()
        (place / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save(load_file(folder / "model.safetensors"), plain / "pytorch_model.bin")
    (evil / "pytorch_model.bin").write_bytes(pickle.dumps(Writes(str(tmp_path / "ran"))))
    ours = open_backbone(BackboneChoice(name=str(plain), size=32)).network.module.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in load_file(folder / "model.safetensors").items())
    with pytest.raises(ClearKbError, match="is not to be had"):
        open_backbone(BackboneChoice(name=str(evil), size=32))
    assert not (tmp_path / "ran").exists()


class Writes:
    """What a pickle of it does."""

    def __init__(self, path: str):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(self.path),))


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("dinov2", {"size": 50}, r"\(dinov2\) does not read pictures of 50 x 50 .*a multiple of 14.*takes 28, 42, 56$"),
        (
            "aimv2_vision_model",
            {"size": 50},
            "its layers are made for other sizes; of sizes .* 32, 48, 56",
        ),
        ("convnext", {"size": 32, "pooling": "class"}, "convnext has no class token"),
        ("vit", {"size": 32, "pooling": "attention"}, "vit has no attention pool"),
        ("vit", {"size": 32, "pooling": "most"}, "pooling 'most': one of auto, class"),
        ("ijepa", {"size": 32, "pooling": "pooler"}, "has no pooling layer of ijepa: pooling class or mean"),
        ("resnet", {}, "nothing tells what size of pictures"),
        ("vit", {"revision": "main"}, "is no name on a hub"),
        ("vit", {"architecture": "timm:x"}, "only a file of weights needs one"),
    ],
)
def test_what_a_backbone_cannot_do_is_refused_in_a_line(
    made: Made, name: str, choice: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        open_backbone(BackboneChoice(name=str(made(name)), **choice))
    assert "\n" not in str(refused.value)


def test_what_is_no_backbone_is_refused_in_a_line(made: Made, tmp_path: Path) -> None:
    lacking, text, empty = (tmp_path / name for name in ("lacking", "text", "empty"))
    for place in (lacking, text, empty):
        place.mkdir()
    tensors = load_file(made("vit") / "model.safetensors")
    gone = next(name for name in tensors if name.endswith("query.weight") or "q_proj.weight" in name)
    save_file({name: one for name, one in tensors.items() if name != gone}, lacking / "model.safetensors")
    (lacking / "config.json").write_bytes((made("vit") / "config.json").read_bytes())
    (text / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1}))
    torch.save({"a": 1}, tmp_path / "none.pth")
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "some.pth")
    for name, kind, message in (
        (str(lacking), ClearKbError, "its file lacks weights of vit: "),
        (str(text), ClearKbError, "'.*text' is not to be had"),
        (str(empty), ClearKbError, "is not to be had"),
        (str(tmp_path / "none.pth"), ClearKbError, "holds no state dict"),
        (str(tmp_path / "some.pth"), UsageError, "name its architecture, timm:NAME or torchvision:NAME"),
        ("./nowhere", UsageError, "there is no folder or file ./nowhere"),
    ):
        with pytest.raises(kind, match=message) as refused:
            open_backbone(BackboneChoice(name=name, size=32))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, Pictures()),
        (PROCESSOR, Pictures(32, (127.5, 102.0, 76.5), (51.0, 63.75, 76.5), "bilinear")),
        ({"size": 224, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}, Pictures(224, (127.5,), (127.5,))),
        (
            {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}},
            Pictures(224),
        ),
        ({"size": {"height": 224, "width": 192}, "resample": 3}, Pictures(resample="bicubic")),
        ({"do_rescale": False, "image_mean": [120.0] * 3, "image_std": [60.0] * 3}, Pictures(None, (120.0,), (60.0,))),
        ({"do_normalize": False, "image_mean": [0.5] * 3}, Pictures(None, (0.0,), (255.0,))),
    ],
)
def test_grey_levels_size_and_filter_are_the_processors(told: dict[str, Any], expected: Pictures) -> None:
    assert pictures_of_processor(told) == expected


@settings(max_examples=examples(30), deadline=None)
@given(
    side=st.integers(2, 6),
    to=st.integers(2, 9),
    leading=st.sampled_from([0, 1]),
    level=st.floats(-3, 3),
    width=st.integers(1, 4),
)
def test_resized_positions_keep_what_is_the_same_everywhere(
    side: int, to: int, leading: int, level: float, width: int
) -> None:
    positions = torch.full((1, leading + side * side, width), level)
    positions[:, :leading] = 7.0
    found = resized(positions, (1, leading + to * to, width))
    assert torch.equal(found[:, :leading], positions[:, :leading])
    assert torch.allclose(found[:, leading:], torch.full((1, to * to, width), level), atol=1e-5)
    assert torch.equal(resized(positions, positions.shape), positions)


def test_what_is_told_wins_over_the_backbone_and_mimic_over_nothing(made: Made) -> None:
    told = open_backbone(BackboneChoice(name=str(made("siglip_vision_model", processor=PROCESSOR))))
    assert told.image_architecture(mean=[1.0, 2.0, 3.0], deviation=50).mean == [1.0, 2.0, 3.0]
    assert told.image_architecture(mean=0, deviation=50).deviation == 50.0
    assert told.image_architecture().mean == [127.5, 102.0, 76.5]
    bare = open_backbone(BackboneChoice(name=str(made("clip_vision_model"))))
    assert (bare.size, bare.image_architecture().mean) == (32, 101.48761)
