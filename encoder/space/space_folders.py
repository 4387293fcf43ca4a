"""Where the concept spaces of a checkpoint are kept, by what names, and which of them go."""

from __future__ import annotations

import os
import shutil
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_cache_path

from encoder.model.checkpoint import Checkpoint
from encoder.space.text_side import TextSide
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase

FOLDER = "space"
KEPT = 2
"""Spaces that are kept beside a checkpoint, of as many vocabularies."""


def place_of(checkpoint: Checkpoint) -> Path:
    """Where the spaces of a checkpoint are kept: beside it or, if nobody may write there, in the user's cache.

    Raises:
        ClearKbError: neither can be written to.
    """
    for place in (checkpoint.folder / FOLDER, user_cache_path("clear-kb") / checkpoint.encoder_id):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place
    raise ClearKbError(f"neither {checkpoint.folder} nor the user's cache can be written to")


def key_of(kb: KnowledgeBase, text_side: TextSide) -> str:
    """The name of a vocabulary in a text side's space: of the commit that made its concepts what they are.

    A commit's id tells two copies of a knowledge base apart once they differ; a version number would not.
    """
    version, made_by = kb.commit.pins["concepts"], kb.commit.commit_id
    for commit in kb.log():
        if commit.pins["concepts"] != version:
            break
        made_by = commit.commit_id
    said = f"{made_by} {kb.require_embedder().embedder_id} {text_side.text_side_id}"
    return "v" + blake2b(said.encode(), digest_size=8).hexdigest()


def folders_in(place: Path) -> list[Path]:
    """The folders of the spaces that are kept, the last made first."""
    return sorted(place.glob("v*"), key=lambda path: path.stat().st_mtime, reverse=True)


def forget_others(target: Path) -> None:
    """Keep the space just made and the one made before it: a vocabulary of the bank's size takes a gigabyte."""
    others = [path for path in folders_in(target.parent) if path != target]
    for path in others[KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
