"""The file that a command writes to: a person is asked before one is replaced, no knowledge base is written into."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import UsageError
from kb.visible import visible

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file where there is one, without asking.")]

LOG = "commits.lance"
"""A folder that holds this is a knowledge base."""


def check_target(path: Path, *, overwrite: bool) -> None:
    """Ask whether a file may be replaced, where a person can be asked; before the work begins.

    Raises:
        UsageError: the file is there and may not be replaced, or it lies in the folder of a knowledge base.
    """
    for folder in path.resolve().parents:
        if (folder / LOG).is_dir():
            raise UsageError(f"{path} lies in the knowledge base {folder}: only its own tables are written there")
    if overwrite or not path.is_file():
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        if typer.confirm(f"{visible(str(path))} exists already: replace it?", err=True):
            return
        raise UsageError(f"{path} is left as it was")
    raise UsageError(f"{path} exists already, and is replaced only if asked", parameter="overwrite")
