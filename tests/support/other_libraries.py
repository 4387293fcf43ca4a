"""timm, torchvision and open_clip for tests: where they do not load plainly, in a process of their own.

torchvision of the index fits one build of torch alone, and one that does not fit breaks transformers. It lies in a
folder of its own then (Makefile), which goes on the path after transformers is loaded, with the schemas of operators
that the torch here does not know.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

ASIDE = Path(sys.prefix) / "backbones"


def load_other_libraries() -> None:
    """Make timm, torchvision and open_clip importable in this process, which nothing else should go on with."""
    import transformers  # noqa: F401  (before any torchvision that does not fit is on the path)
    from transformers import CLIPVisionModel, ViTModel  # noqa: F401

    if importlib.util.find_spec("torchvision") is not None:
        return
    import torch

    sys.path.append(str(ASIDE))
    operators = torch.library.Library("torchvision", "DEF")
    operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    operators.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["_kept"] = operators  # they go with the object


@cache
def found_in_other_libraries() -> dict[str, Any] | None:
    """What `tests.support.other_backbones` found out; None where the libraries are not here."""
    if importlib.util.find_spec("timm") is None and not (ASIDE / "timm").is_dir():
        return None
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.other_backbones"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows_of_other_libraries() -> list[str] | None:
    """Their lines of the table of backbones; None where they are not here."""
    found = found_in_other_libraries()
    return None if found is None else found["rows"]
