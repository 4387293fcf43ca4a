"""Copies of a knowledge base that was made once: for each test its own."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

from kb.knowledge_base import KnowledgeBase


def copy_of(base: KnowledgeBase, folder: Path) -> KnowledgeBase:
    """A copy under its own name in another folder, to be changed at will."""
    return KnowledgeBase.open(copytree(base.uri, folder / Path(base.uri).name))
