"""The files in YAML that a lab sets beside a report: read as plain data, every mistake told in one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from kb.errors import UsageError


def read_settings(path: Path) -> dict[str, Any]:
    """The names and values of a file.

    Raises:
        UsageError: there is no such file, it is no YAML, or holds no names and values.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise UsageError(f"{path}{where}: it is no YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(told, dict) or not told:
        raise UsageError(f"{path}: names and their values were expected")
    return {str(name): value for name, value in told.items()}


def check_names(where: str, told: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a name that nobody reads (UsageError)."""
    if unknown := [name for name in told if name not in known]:
        raise UsageError(f"{where}: there is no '{unknown[0]}': it may hold {', '.join(known)}")
