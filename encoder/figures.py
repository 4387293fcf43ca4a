"""Where figures go: a file whose ending says its format, in a folder that is there."""

from __future__ import annotations

from pathlib import Path

from kb.errors import UsageError

ENDINGS = (".png", ".pdf", ".svg")


def check_figure(path: Path, flag: str) -> None:
    """Refuse a file that no figure can be written to (UsageError), before the work begins."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{flag} {path}: a figure ends in {', '.join(ENDINGS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{flag} {path}: there is no folder {path.absolute().parent}")
