"""The stored examples of formats before the newest."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tests.support.paths import ROOT

FORMATS = ROOT / "tests" / "kb" / "store" / "formats"


def stored_example(number: int, folder: Path) -> Path:
    """A small knowledge base as the last clear-kb of that format left it."""
    with tarfile.open(FORMATS / f"format{number}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"format{number}.kb"
