"""The files in YAML that a lab sets beside a report: read as plain data, every mistake told in one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from kb.errors import UsageError
from kb.reading.yaml_text import read_yaml_names


def read_settings(path: Path) -> dict[str, Any]:
    """The names and values of a file.

    Raises:
        UsageError: there is no such file, it is no YAML, or holds no names and values.
    """
    told = read_yaml_names(path)
    if not told:
        raise UsageError(f"{path}: names and their values were expected")
    return told


def check_names(where: str, told: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a name that nobody reads (UsageError)."""
    if unknown := [name for name in told if name not in known]:
        raise UsageError(f"{where}: there is no '{unknown[0]}': it may hold {', '.join(known)}")
