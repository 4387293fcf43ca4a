"""Files for tests."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str) -> Path:
    """Write a file, and give its path back."""
    path.write_text(text, encoding="utf-8")
    return path
