"""The options of commands whose work a cluster can do, and the engine that they ask for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated

import typer

from kb.engines.choice import EngineName, EngineOptions, open_engine
from kb.engines.work import Engine
from kb.errors import UsageError

_PANEL = "Engine"

EngineOption = Annotated[
    EngineName,
    typer.Option("--engine", help="What does the work: this machine, or a Ray cluster.", rich_help_panel=_PANEL),
]
EngineAddressOption = Annotated[
    str | None,
    typer.Option(
        "--engine-address",
        metavar="HOST:PORT|auto",
        help="Of a Ray cluster that is there; default: one of this machine, for the while.",
        rich_help_panel=_PANEL,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Processes; default: one a core of the engine.", rich_help_panel=_PANEL),
]


def asked_engine(
    name: EngineName, address: str | None, workers: int | None, *, threaded: bool = False
) -> AbstractContextManager[Engine]:
    """The engine that a command was asked for, for the while.

    Raises:
        UsageError: processes were asked for on this machine, where the work is `threaded`: one keeps all cores busy.
    """
    if threaded and name == "local" and workers is not None:
        raise UsageError("on this machine one process keeps all cores busy: --workers is of --engine ray here")
    return open_engine(EngineOptions(name=name, address=address, workers=workers))
