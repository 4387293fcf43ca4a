"""What comes of backbones of timm, torchvision and open_clip, as JSON: run in a process of its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.other_libraries import load_other_libraries

if __name__ == "__main__":
    load_other_libraries()

import torch

from tests.support.small_backbones import let_through


def _save(module: Any, path: Path) -> Path:
    let_through(module)
    torch.save(module.state_dict(), path)
    return path


def _timm(folder: Path) -> list[Any]:
    import timm
    from timm.models import save_for_hf

    from tests.support.backbone_table import tried

    rows = []
    for name in ("test_vit", "test_resnet", "test_efficientnet", "test_convnext"):
        made = _save(timm.create_model(name, pretrained=False), folder / f"{name}.pth")
        rows.append(tried(f"timm, a file: {name}", (160, 192), name=str(made), architecture=f"timm:{name}"))
    model = timm.create_model("test_vit", pretrained=False, num_classes=5)
    let_through(model)
    save_for_hf(model, str(folder / "timm"), model_args={"num_classes": 5}, safe_serialization=True)
    return [*rows, tried("timm, a folder: test_vit", (160, 96), name=str(folder / "timm"))]


def _torchvision(folder: Path) -> list[Any]:
    import torchvision

    from tests.support.backbone_table import tried

    rows = []
    for name in ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1"):
        made = _save(torchvision.models.get_model(name, weights=None), folder / f"{name}.pth")
        rows.append(tried(f"torchvision, a file: {name}", (64, 96), name=str(made), architecture=f"torchvision:{name}"))
    return rows


def _clip(activation: str) -> Any:
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    torch.manual_seed(0)
    made = CLIP(
        embed_dim=16,
        vision_cfg=CLIPVisionCfg(layers=2, width=128, patch_size=8, image_size=32, head_width=64),
        text_cfg=CLIPTextCfg(context_length=8, vocab_size=20, width=16, heads=2, layers=1),
        quick_gelu=activation == "quick_gelu",
    )
    let_through(made)
    return made.eval()


def _open_clip_folder(folder: Path, tensors: Mapping[str, torch.Tensor], vision: Mapping[str, Any]) -> Path:
    from safetensors.torch import save_file

    folder.mkdir()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "open_clip_model.safetensors")
    told = {
        "model_cfg": {"embed_dim": 16, "vision_cfg": dict(vision), "text_cfg": {}},
        "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "interpolation": "bicubic"},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(told))
    return folder


def _open_clip(folder: Path) -> tuple[list[Any], dict[str, float]]:
    import timm

    from tests.support.backbone_table import tried

    model = _clip("gelu")
    own = _open_clip_folder(
        folder / "own", model.state_dict(), {"layers": 2, "width": 128, "patch_size": 8, "image_size": 32}
    )
    trunk = timm.create_model("test_vit", pretrained=False, num_classes=0)
    let_through(trunk)
    tensors = {f"visual.trunk.{name}": tensor for name, tensor in trunk.state_dict().items()}
    tensors |= {"text.transformer.weight": torch.zeros(2, 2), "visual.head.proj.weight": torch.zeros(16, 64)}
    timm_trunk = _open_clip_folder(
        folder / "trunk", tensors, {"timm_model_name": "test_vit", "timm_pool": "", "image_size": 160}
    )
    bare = _clip("quick_gelu")
    torch.save(bare.state_dict(), folder / "clip.pt")
    rows = [
        tried("open_clip, a folder: a trunk of timm", (160, 192), name=str(timm_trunk)),
        tried("open_clip, a folder: its own ViT", (32, 48), name=str(own)),
        tried("CLIP's ViT, a bare state dict", (32, 48), name=str(folder / "clip.pt")),
    ]
    apart = {
        "gelu": _apart(model.visual, own),
        "quick_gelu": _apart(bare.visual, folder / "clip.pt"),
        "trunk": _apart(trunk, timm_trunk, 160),
    }
    return rows, apart


def _apart(theirs: Any, ours: Path, size: int = 32) -> float:
    """The largest difference between features, as a share of their length: theirs before the projection."""
    from encoder.model.backbones.choice import BackboneChoice
    from encoder.model.backbones.opening import open_backbone

    if getattr(theirs, "proj", None) is not None:
        theirs.proj = None
    pictures = torch.randn(2, 3, size, size)
    network = open_backbone(BackboneChoice(name=str(ours))).network
    with torch.no_grad():
        expected, found = theirs.eval()(pictures), network.reader(network.module.eval(), pictures)
    return float((expected - found).abs().max() / expected.norm(dim=1).max())


def _found(folder: Path) -> dict[str, Any]:
    from encoder.model.backbones.choice import BackboneChoice
    from encoder.model.backbones.opening import open_backbone
    from kb.errors import ClearKbError

    rows = [*_timm(folder), *_torchvision(folder)]
    more, apart = _open_clip(folder)
    errors = {}
    for name, choice in {
        "unknown": {"name": "timm:test_vitt"},
        "margin": {"name": str(folder / "test_vit.pth"), "architecture": "timm:test_vit", "size": 170},
        "another": {"name": str(folder / "test_vit.pth"), "architecture": "torchvision:resnet18"},
        "unknown torchvision": {"name": str(folder / "resnet18.pth"), "architecture": "torchvision:resnet17"},
        "pooling": {"name": str(folder / "resnet18.pth"), "architecture": "torchvision:resnet18", "pooling": "class"},
        "no architecture": {"name": str(folder / "resnet18.pth")},
    }.items():
        try:
            open_backbone(BackboneChoice(**choice))
        except ClearKbError as error:
            errors[name] = str(error).replace(str(folder), "F")
    told = open_backbone(BackboneChoice(name=str(folder / "timm"), pooling="mean", size=96))
    return {
        "rows": [row.line() for row in (*rows, *more)],
        "apart": apart,
        "errors": errors,
        "folder": [told.width, told.network.pooling, list(told.pictures.mean or ())],
    }


def main() -> None:
    """Print what was found as the last line."""
    with tempfile.TemporaryDirectory() as folder:
        found = _found(Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
