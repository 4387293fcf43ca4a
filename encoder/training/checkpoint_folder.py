"""The folder that a training writes to: free, or holding the same training, unfinished."""

from __future__ import annotations

import os
from pathlib import Path

from encoder.model.checkpoint import FACTS
from encoder.training.state import is_interrupted
from kb.errors import UsageError


def check_folder(out: Path, *, resume: bool) -> None:
    """Make the folder of a training; UsageError if it cannot be written to, or what it holds would be lost."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: no folder can be made there: {error.strerror}") from error
    if not os.access(out, os.W_OK):
        raise UsageError(f"{out} cannot be written to")
    interrupted = is_interrupted(out)
    if interrupted and not resume:
        raise UsageError(f"{out} holds an interrupted training: resume it, or name another folder", parameter="resume")
    if (out / FACTS).is_file() and not interrupted:
        what = "a finished training" if resume else "a checkpoint"
        raise UsageError(f"{out} holds {what} already: name another folder")
