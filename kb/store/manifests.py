"""Manifests: the files in which Lance says what one version of a table is made of, by their names."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_NEWEST_FIRST = 2**64 - 1
"""Lance counts the names of its manifests down from here, so that the newest comes first in a listing."""


def manifest_path(version: int) -> str:
    """The manifest of one version, in the table's folder."""
    return f"_versions/{_NEWEST_FIRST - version:020}.manifest"


def version_of(manifest: str) -> int | None:
    """The version that a file of `_versions` describes; None if it is no manifest."""
    stem, _, ending = manifest.rpartition(".")
    return _NEWEST_FIRST - int(stem) if ending == "manifest" and stem.isdigit() and len(stem) == 20 else None


def strange_manifests(folder: Path) -> list[str]:
    """Files of a local table that Lance takes for manifests and that are none: a synced folder's copy of one, say."""
    try:
        names = sorted(path.name for path in (folder / "_versions").iterdir())
    except OSError:
        return []
    return [f"_versions/{name}" for name in names if name.endswith(".manifest") and version_of(name) is None]


def local_versions(folder: Path) -> list[int]:
    """The versions whose manifests lie in the folder of a local table, sound or not, oldest first."""
    try:
        names = [path.name for path in (folder / "_versions").iterdir()]
    except OSError:
        return []
    return sorted(version for name in names if (version := version_of(name)))


def version_times(folder: Path) -> dict[int, datetime]:
    """The versions of a local table, oldest first, and when each began; one may be dropped while they are listed."""
    found = {}
    for version in local_versions(folder):
        with suppress(FileNotFoundError):
            written = (folder / manifest_path(version)).stat().st_mtime
            found[version] = datetime.fromtimestamp(written, UTC)
    return found
