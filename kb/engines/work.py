"""Work on batches, and what does it: one protocol for this machine and for a cluster.

Whatever does it, each batch is worked on by the same code, and the results come back in the order of the batches. So
what is made of them does not depend on how many workers there were, on which of them was the quickest, or on whether
one ended half-way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")
Sent = TypeVar("Sent")

Stream = Callable[[Iterable[Sent]], Iterator[Result]]
"""Turns batches into results, one each and in their order; it may read ahead of what it works on."""


@dataclass(frozen=True, kw_only=True)
class Work(Generic[Sent, Result]):
    """One kind of work.

    Attributes:
        name: what it is called in messages.
        begin: loads what the work needs, once a worker; it goes to other processes, so it must pickle.
        here: the same where this process has it loaded already.
        first_here: batches that this process does before it starts others: few batches are done before one would be up.
        threaded: whether one process of it keeps all cores of a machine busy.
        gpu: whether it runs on a GPU where there is one.
        ahead: results for each worker that may wait for an earlier one: the memory that they take is bounded.
        together: batches that a worker of a cluster is given at once, so that it can read ahead.
    """

    name: str
    begin: Callable[[], Stream[Sent, Result]]
    here: Stream[Sent, Result] | None = None
    first_here: int = 0
    threaded: bool = False
    gpu: bool = False
    ahead: int = 4
    together: int = 1


class Engine(Protocol):
    """What does batches of work."""

    @property
    def remote(self) -> bool:
        """Whether the work is done by processes that know only what they are sent."""
        ...

    def map(
        self,
        work: Work[Sent, Result],
        batches: Iterable[Batch],
        sent: Callable[[Batch], Sent],
    ) -> Iterator[tuple[Batch, Result]]:
        """Each of `batches` with what came of it, in their order and in bounded memory.

        Args:
            work: what is done.
            batches: what is done it to; they are asked for as they are needed.
            sent: what of a batch a worker is to have.

        Raises:
            ClearKbError: a worker ended again and again, or cannot begin. What a batch raises is raised here.
        """
        ...


def whole(batch: Any) -> Any:
    """All of a batch: what a worker is sent where it needs it as it is."""
    return batch
