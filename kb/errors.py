"""The errors a user can meet: each says what was wrong, where, and what to do.

A message speaks of the library's own words, never of a command or a flag: a notebook has neither. What to type is
added by the command line (`kb.commands.failures`), by what the error needs and by the parameter that would settle it.
"""

from __future__ import annotations

from typing import Literal

Need = Literal[
    "branch",
    "check",
    "checkpoint",
    "commit",
    "concept id",
    "creation",
    "embedder",
    "embeddings",
    "image vectors",
    "id key",
    "images",
    "join",
    "knowledge base",
    "labels",
    "migration",
    "other embedder",
    "patch",
    "pixels",
    "predictions",
    "ray",
    "repair",
    "report texts",
    "reports of images",
    "revert",
    "run",
    "storage check",
    "stored type",
    "views",
]
"""What has to be there, be done or be looked up before the work can be done."""


class ClearKbError(Exception):
    """The work failed for a reason the user can act on; the command line exits with `exit_code`.

    Args:
        message: what was wrong, in the words of the library.
        need: what has to be there first, if that is what was wrong.
        parameter: the parameter that would settle it, if one has to be named ("source").
    """

    exit_code = 1
    need: Need | None = None
    parameter: str | None = None

    def __init__(self, message: str = "", *, need: Need | None = None, parameter: str | None = None) -> None:
        super().__init__(message)
        if need is not None:
            self.need = need
        if parameter is not None:
            self.parameter = parameter


class UsageError(ClearKbError):
    """The call itself was wrong: an unknown option value, a column that is not there, a bad reference."""

    exit_code = 2


class DroppedError(UsageError):
    """A clean-up has dropped the data of a commit."""


class NoKnowledgeBaseError(UsageError):
    """There is no knowledge base at the address."""

    need = "knowledge base"


class UnknownConceptError(UsageError):
    """No concept has that id, or several begin with it."""

    need = "concept id"


class NotEmbeddedError(UsageError):
    """The concepts have no vectors yet, and the work needs them."""

    need = "embeddings"
