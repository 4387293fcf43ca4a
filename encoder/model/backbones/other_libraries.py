"""timm and torchvision, loaded where they are asked for: what is missing or does not fit is said in one line."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.store.storage import first_line

EXTRA = 'pip install "clear-kb[backbones]"'


def library(name: str) -> Any:
    """Timm or torchvision (or a module of theirs).

    Raises:
        UsageError: it is not installed.
        ClearKbError: it, or the torchvision that it needs, does not load beside the torch that is here.
    """
    top = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name or top} is not installed, which backbones of {top} need: {EXTRA}") from error
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise ClearKbError(misfit(top, error)) from error


def misfit(top: str, error: BaseException) -> str:
    """Why a library does not load: nearly always a torchvision that was built for another torch."""
    try:
        there = f"torchvision {version('torchvision')} here does not fit torch {version('torch')}"
    except PackageNotFoundError:
        return f"{top} does not load: {first_line(error)}"
    return f"{there}: install builds that go together ({first_line(error)})"
