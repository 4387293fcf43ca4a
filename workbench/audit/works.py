"""Audits under way: each in a process of its own, one after the other, with how far it is; any can be stopped."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal

from workbench.audit.making import Order, work

AT_ONCE = 1
"""Audits that are made at once: each takes the processors that there are."""

REMEMBERED = 50
"""Ended ones that can still be asked how they ended."""

State = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(eq=False)
class Work:
    """One audit under way: what a page shows of it.

    Attributes:
        order: what is made.
        state: waiting for another one, running, or how it ended.
        stage: what it does now.
        done: of the stage.
        total: of the stage; None if nobody can tell.
        error: why it failed.
        begun: when it was ordered, on the monotonic clock.
    """

    order: Order
    state: State = "waiting"
    stage: str = ""
    done: int = 0
    total: int | None = None
    error: str = ""
    begun: float = field(default_factory=time.monotonic)
    process: BaseProcess | None = field(default=None, repr=False)

    @property
    def going(self) -> bool:
        """Whether it has not ended."""
        return self.state in ("waiting", "running")

    @property
    def seconds(self) -> float:
        """How long ago it was ordered."""
        return time.monotonic() - self.begun


class Works:
    """The audits of one server."""

    def __init__(self) -> None:
        self._works: dict[tuple[str, str], Work] = {}
        self._guard = threading.Lock()
        self._turns = threading.Semaphore(AT_ONCE)

    def begin(self, order: Order) -> Work:
        """Have an audit made; one that is under way already is not begun again."""
        with self._guard:
            known = self._works.get((order.key, order.commit))
            if known is not None and known.going:
                return known
            begun = self._works[order.key, order.commit] = Work(order)
            ended = [at for at, one in self._works.items() if not one.going]
            for at in ended[:-REMEMBERED]:
                del self._works[at]
        threading.Thread(target=self._see_through, args=(begun,), daemon=True, name=f"audit {order.kind}").start()
        return begun

    def find(self, key: str, commit: str) -> Work | None:
        """One that was begun here."""
        return self._works.get((key, commit))

    def stop(self, key: str, commit: str) -> None:
        """Stop one; nothing is left of it."""
        with self._guard:
            known = self._works.get((key, commit))
            if known is None or not known.going:
                return
            known.state = "stopped"
            if known.process is not None:
                known.process.kill()

    def _see_through(self, one: Work) -> None:
        """Wait for a turn, begin the process, and hear it to its end."""
        with self._turns:
            # Spawned, for Lance has threads running here: a forked child could inherit a locked lock.
            context = get_context("spawn")
            heard, telling = context.Pipe(duplex=False)
            with self._guard:
                if one.state == "stopped":
                    return
                one.state = "running"
                process = one.process = context.Process(target=work, args=(one.order, telling), daemon=True)
                try:
                    process.start()
                except OSError as error:
                    one.state, one.error = "failed", f"no process could be begun for it: {error.strerror}"
                    return
            telling.close()
            try:
                self._hear(one, heard)
            except (EOFError, OSError):
                self._end(one, "failed", "the process that made it has ended; there may have been too little memory")
            finally:
                heard.close()
                process.join()

    def _hear(self, one: Work, heard: Connection) -> None:
        while one.going:
            what, *told = heard.recv()
            if what == "stage":
                one.stage, one.total, one.done = told[0], told[1], 0
            elif what == "advance":
                one.done = told[0]
            else:
                self._end(one, what, told[0])

    def _end(self, one: Work, state: State, error: str) -> None:
        with self._guard:
            if one.going:
                one.state, one.error = state, error
