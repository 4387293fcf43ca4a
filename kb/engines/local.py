"""This machine as an engine: this process, and others beside it where that is quicker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import get_context
from typing import Any

from kb.engines.work import Batch, Result, Sent, Stream, Work
from kb.errors import ClearKbError

QUEUED = 2
"""Batches for each other process that may wait for it: it never waits for one."""


class LocalEngine:
    """Works in this process and in `workers` - 1 others.

    This process works too: the others take seconds to start, and it does not wait for them.
    """

    remote = False

    def __init__(self, workers: int = 1):
        self._workers = workers

    def map(
        self, work: Work[Sent, Result], batches: Iterable[Batch], sent: Callable[[Batch], Sent]
    ) -> Iterator[tuple[Batch, Result]]:
        """Each of `batches` with what came of it, in their order."""
        stream = work.here or work.begin()
        if self._workers == 1 or work.threaded:
            yield from _in_this_process(stream, batches, sent)
            return
        remaining = iter(batches)
        for done, batch in enumerate(remaining, start=1):
            yield batch, _once(stream, sent(batch))
            if done >= work.first_here:
                break
        yield from self._with_others(work, remaining, sent, stream)

    def _with_others(
        self,
        work: Work[Sent, Result],
        batches: Iterator[Batch],
        sent: Callable[[Batch], Sent],
        stream: Stream[Sent, Result],
    ) -> Iterator[tuple[Batch, Result]]:
        first = next(batches, None)
        if first is None:
            return
        others = self._workers - 1
        waiting: deque[tuple[Batch, Future[Result]]] = deque()
        # Lance has threads running here: a forked child could inherit a locked lock, a spawned one cannot.
        with ProcessPoolExecutor(others, get_context("spawn"), _begin, (work.begin,)) as pool:
            try:
                for batch in chain([first], batches):
                    away = sum(not future.done() for _, future in waiting)
                    queue = away < QUEUED * others
                    waiting.append((batch, pool.submit(_work, sent(batch)) if queue else _done(stream, sent(batch))))
                    while waiting and (waiting[0][1].done() or len(waiting) > work.ahead * self._workers):
                        done, future = waiting.popleft()
                        yield done, future.result()
                for done, future in waiting:
                    yield done, future.result()
            except BrokenProcessPool as error:
                raise ClearKbError(
                    f"a process that was {work.name} ended: it was stopped, or there was not enough memory; what is "
                    "done is kept, do the same again, with fewer workers where memory is short"
                ) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _in_this_process(
    stream: Stream[Sent, Result], batches: Iterable[Batch], sent: Callable[[Batch], Sent]
) -> Iterator[tuple[Batch, Result]]:
    """Every batch by this process alone; the stream may ask for some before it gives the first result."""
    asked: deque[Batch] = deque()

    def noted() -> Iterator[Sent]:
        for batch in batches:
            asked.append(batch)
            yield sent(batch)

    for result in stream(noted()):
        yield asked.popleft(), result


def _once(stream: Stream[Sent, Result], batch: Sent) -> Result:
    return next(iter(stream([batch])))


def _done(stream: Stream[Sent, Result], batch: Sent) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(_once(stream, batch))
    return future


_stream: Stream[Any, Any]
"""What a worker process has begun: handed over once, for it may be much."""


def _begin(begin: Callable[[], Stream[Any, Any]]) -> None:
    global _stream
    _stream = begin()


def _work(batch: Any) -> Any:
    return _once(_stream, batch)
