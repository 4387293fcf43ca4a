"""Which engine does the work: what can be asked for, and the engine that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from kb.cores import core_count
from kb.engines.local import LocalEngine
from kb.engines.ray_engine import RayEngine
from kb.engines.work import Engine
from kb.errors import UsageError

EngineName = Literal["local", "ray"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Where work is done.

    Attributes:
        name: "local", this machine; or "ray", a cluster.
        address: of a Ray cluster that is there: "HOST:PORT" of its head node, or "auto" on a machine that is a part of
            it; None: one of this machine, for the while.
        workers: processes; None: one for each processor of the machine or the cluster, or for each GPU.
    """

    name: EngineName = "local"
    address: str | None = None
    workers: int | None = None


@contextmanager
def open_engine(options: EngineOptions = EngineOptions()) -> Iterator[Engine]:
    """The engine that is asked for, until the block ends. A cluster is joined when there is a batch for it.

    Args:
        options: which engine, where, and how many processes of it.

    Raises:
        UsageError: an address is named of an engine that has none.
    """
    cores = core_count()
    if options.name == "ray":
        with RayEngine(options.workers, options.address, cores=cores) as engine:
            yield engine
        return
    if options.address is not None:
        raise UsageError("the engine local is this machine and has no address: name the engine ray", parameter="engine")
    yield LocalEngine(options.workers or cores)
