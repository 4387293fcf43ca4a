"""A Ray cluster as an engine: an actor for each worker, which begins once and is then given batch after batch.

Actors and not Ray Data: which reports are new, which texts lack a vector, is found while the work goes on, by a journal
that only this process has, and each result is staged as soon as all before it are. Ray Data begins with all that there
is to do.
"""

from __future__ import annotations

import logging
import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from types import TracebackType
from typing import Any

from kb.batched import batched
from kb.engines.ray_cluster import joined
from kb.engines.work import Batch, Result, Sent, Stream, Work
from kb.errors import ClearKbError

logger = logging.getLogger("clear_kb.engines")

QUEUED = 2
"""Tasks that a worker has at once: the next one is there when it has done the first."""

TRIES = 3
"""How often a task is tried again where the worker that had it ended, and how often a worker is started again."""

PATIENCE_S = 60.0
"""Seconds without any result after which it is said what is waited for."""

ALIKE = ("clear-kb", "numpy", "pyarrow", "pylance", "spacy", "torch", "transformers", "sentence-transformers", "pillow")
"""Packages that decide a result: workers with others would give other numbers, or other concepts."""


class RayEngine:
    """Works on a Ray cluster, which is joined, or started, with the first batch; to be used in a `with` block.

    Args:
        workers: actors; None: one for each processor of the cluster, or for each GPU.
        address: of a cluster that is there; None: one of this machine, for the while.
        cores: of this machine.
    """

    remote = True

    def __init__(self, workers: int | None = None, address: str | None = None, *, cores: int = 1):
        self._workers, self._address, self._cores = workers, address, cores
        self._at_the_end = ExitStack()
        self._ray: Any = None

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._at_the_end.close()
        self._ray = None

    def map(
        self, work: Work[Sent, Result], batches: Iterable[Batch], sent: Callable[[Batch], Sent]
    ) -> Iterator[tuple[Batch, Result]]:
        """Each of `batches` with what came of it, in their order."""
        groups = batched(batches, work.together)
        first = next(groups, None)
        if first is None:
            return
        with _Pool(self._joined(), work, self._workers) as pool:
            waiting: deque[tuple[list[Batch], Any]] = deque()
            for group in chain([first], groups):
                waiting.append((group, pool.submit([sent(batch) for batch in group])))
                while not pool.has_room() or len(waiting) >= work.ahead * pool.size:
                    pool.wait()
                    while waiting and pool.is_done(waiting[0][1]):
                        yield from pool.results(*waiting.popleft())
            while waiting:
                yield from pool.results(*waiting.popleft())

    def _joined(self) -> Any:
        if self._ray is None:
            self._ray = self._at_the_end.enter_context(joined(self._address, self._workers or self._cores))
            _check_alike(self._ray)
            resources = self._ray.cluster_resources()
            logger.info("ray: %d processors, %d GPUs", resources.get("CPU", 0), resources.get("GPU", 0))
        return self._ray


class _Pool:
    """The actors that do one kind of work; each task lies with the one that has the fewest."""

    def __init__(self, ray: Any, work: Work[Any, Any], workers: int | None):
        there = ray.cluster_resources()
        gpus = int(there.get("GPU", 0)) if work.gpu else 0
        self._ray, self._work = ray, work
        self.size = workers or gpus or max(1, int(there.get("CPU", 1)))
        started = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_restarts=TRIES, max_task_retries=TRIES)(_Worker)
        # Kept: Ray forgets what nobody holds, and a worker that is started again asks for it again.
        self._begin = ray.put(work.begin)
        self._actors = [started.remote() for _ in range(self.size)]
        self._load = [0] * self.size
        self._at: dict[Any, int] = {}

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *told: object) -> None:
        # A work that was given up may end after its cluster has; Ray would start another one to kill its actors in.
        if self._ray.is_initialized():
            for actor in self._actors:
                self._ray.kill(actor)

    def has_room(self) -> bool:
        """Whether a worker has fewer tasks than it may."""
        return min(self._load) < QUEUED

    def submit(self, group: list[Any]) -> Any:
        """Give a group of batches to a worker; what it will come to."""
        number = min(range(self.size), key=self._load.__getitem__)
        # In a list it is not looked up before the worker asks for it, which is once.
        task = self._actors[number].do.remote([self._begin], group)
        self._load[number] += 1
        self._at[task] = number
        return task

    def is_done(self, task: Any) -> bool:
        """Whether the result of a task is there."""
        return task not in self._at

    def wait(self) -> None:
        """Wait until a worker is done with a task."""
        done, _ = self._ray.wait(list(self._at), timeout=PATIENCE_S)
        if not done:
            free = self._ray.available_resources().get("CPU", 0)
            logger.warning(
                "%s: no result of %d workers within %d s; processors of the cluster that nobody has: %d",
                *(self._work.name, self.size, PATIENCE_S, free),
            )
        for task in done:
            self._load[self._at.pop(task)] -= 1

    def results(self, group: list[Batch], task: Any) -> Iterator[tuple[Batch, Any]]:
        """The batches of a task with what came of each."""
        while not self.is_done(task):
            self.wait()
        yield from zip(group, self._got(task), strict=True)

    def _got(self, task: Any) -> list[Any]:
        errors = self._ray.exceptions
        try:
            found: list[Any] = self._ray.get(task)
            return found
        except errors.RayTaskError as error:
            raise (error.cause or error) from None
        except errors.RayActorError as error:
            raise ClearKbError(
                f"a worker that was {self._work.name} ended {TRIES + 1} times: it was stopped, or its machine had too "
                "little memory; what is done is kept, do the same again, with fewer workers where memory is short"
            ) from error
        except errors.RayError as error:
            raise ClearKbError(f"{self._work.name}: the cluster failed: {_first_line(error)}") from error


class _Worker:
    """One worker: it begins with its first batch, so that what stands in its way is told as of that batch."""

    def __init__(self) -> None:
        self._stream: Stream[Any, Any] | None = None

    def do(self, begin: list[Any], group: list[Any]) -> list[Any]:
        """What comes of the batches of a group; `begin` holds where the function lies that a worker begins with."""
        if self._stream is None:
            import ray

            self._stream = ray.get(begin[0])()
        return list(self._stream(group))


def _check_alike(ray: Any) -> None:
    """Refuse a cluster of which a machine has other versions: its results would be others (ClearKbError)."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    # By value: a machine that does not have clear-kb is to say so.
    def versions(names: tuple[str, ...]) -> dict[str, str | None]:
        from importlib.metadata import PackageNotFoundError, version
        from platform import python_version

        found: dict[str, str | None] = {"python": python_version()}
        for name in names:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = None
        return found

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    look = ray.remote(num_cpus=0)(versions)
    told = ray.get([look.options(scheduling_strategy=On(node["NodeID"], soft=False)).remote(ALIKE) for node in nodes])
    ours = {"python": platform.python_version(), **{name: _version(name) for name in ALIKE}}
    for node, theirs in zip(nodes, told, strict=True):
        if other := _difference(ours, theirs):
            raise ClearKbError(
                f"the machine {node['NodeManagerAddress']} of the cluster has {other}: install the same on all machines"
            )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _difference(ours: Mapping[str, str | None], theirs: Mapping[str, str | None]) -> str | None:
    other = [name for name, known in ours.items() if theirs[name] != known]
    return ", ".join(f"{name} {theirs[name] or 'not installed'} and not {ours[name]}" for name in other) or None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
