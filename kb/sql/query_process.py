"""The other end of a process that runs queries: begun, asked, waited for no longer than it may take, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pyarrow as pa

from kb.errors import ClearKbError, UsageError
from kb.frames import Frame, read_frame, write_frame
from kb.sql.limits import Limits
from kb.sql.watch import PATIENCE_S

_BEGIN = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from kb.without_pandas import leave_pandas_alone
leave_pandas_alone()
from kb.sql.query_server import main
main()
"""
"""The paths are ours, as they are by now; nothing of the caller's own script runs there."""

GRACE_S = PATIENCE_S + 2.0
"""Seconds beyond the limit that the process has to end the query, or itself, before it is killed."""

TELLS_EVERY_S = 0.1
"""Seconds after which a query is told again to stop."""

MOST_SPARE = 2
"""Processes that are kept for the sessions to come: to begin one takes longer than most queries."""

_spare: list[QueryProcess] = []
_guard = threading.Lock()


def begin() -> None:
    """Begin a process that the next session may take, so that it gets ready while something else is done."""
    with _guard:
        if not _spare:
            _spare.append(QueryProcess())


def take(files: Sequence[int] = ()) -> QueryProcess:
    """A process that has nothing open: one that another session had before, or a new one.

    Args:
        files: open files that it reads tables from; none that is there already has them.
    """
    with _guard:
        while _spare and not files:
            if (process := _spare.pop()).alive:
                return process
            process.end()
    return QueryProcess(files)


def hand_back(process: QueryProcess) -> None:
    """Keep a process for a session to come, or end it where it is still at work, or there are enough."""
    with _guard:
        if len(_spare) < MOST_SPARE and process.cleared():
            _spare.append(process)
            return
    process.end()


def end_spares() -> None:
    """End the processes that no session has, and give their memory back."""
    with _guard:
        while _spare:
            _spare.pop().end()


class QueryEnded(ClearKbError):
    """The process that ran a query has ended with it."""


class QueryStopped(ClearKbError):
    """Somebody has stopped the query."""

    def __init__(self) -> None:
        super().__init__("stopped")


class QueryProcess:
    """One process with the views of one state at a time, asked by one thread; `stop` may be called by any.

    Args:
        files: open files that it reads tables from.
    """

    def __init__(self, files: Sequence[int] = ()):
        # No script of the caller is read again there, as multiprocessing would; its own group keeps Ctrl-C from it.
        told = subprocess.DEVNULL if os.environ.get("CLEAR_KB_DEBUG", "0") in ("", "0") else None
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BEGIN, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            pass_fds=tuple(files),
            start_new_session=True,
        )
        self._only_here = bool(files)
        self._answers: SimpleQueue[Frame | None] = SimpleQueue()
        self._opened = self._over = False
        self._asked = self._answered = 0
        threading.Thread(target=self._listen, daemon=True, name="answers").start()

    def open(self, opening: Mapping[str, Any], limits: Limits) -> None:
        """Have it open a state; what is wrong with that is said by the first answer.

        Args:
            opening: what, as `kb.sql.query_server` reads it.
            limits: of each query.
        """
        self._limits = limits
        self._opened = False
        here = {"environment": dict(os.environ), "folder": _folder()}
        self._send({"do": "open", **here, **opening})

    def cleared(self) -> bool:
        """Have it close what it has open; whether it can be had by another session, which it cannot while it works."""
        if self._only_here or not self._opened or self._asked != self._answered or not self.alive:
            return False
        self._send({"do": "close"})
        return True

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._over and self._process.poll() is None

    def ask(
        self, head: Mapping[str, Any], body: bytes | pa.Buffer = b"", *, seconds: float, stopped: Callable[[], bool]
    ) -> Frame:
        """Its answer to one question, which may take so many seconds; none where it is `stopped` by then.

        Raises:
            UsageError, ClearKbError: what it says is wrong.
            QueryEnded: it has ended.
            QueryStopped: by `stop`.
            KeyboardInterrupt: by the person; the query is stopped first.
        """
        self._asked += 1  # first: who stops it from now on finds it
        if stopped():
            self._answered += 1
            raise QueryStopped
        self._send(head, body)
        try:
            self._open()
            return self._answer(seconds)
        except KeyboardInterrupt:
            if not self._opened:
                self.end()
            elif self._answered < self._asked:
                self.stop()
                with contextlib.suppress(ClearKbError):
                    self._answer(0.0)
            raise

    def stop(self) -> None:
        """Stop the query that runs, or is to run next; where it does not listen, its process ends with it."""
        if self._answered < self._asked:
            threading.Thread(target=self._stop, args=(self._asked,), daemon=True, name="stopping").start()

    def end(self) -> None:
        """End the process."""
        self._over = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _stop(self, asked: int) -> None:
        """Tell it until it has heard: a query that is not bound yet listens to nothing."""
        patience = GRACE_S
        while self._answered < asked and self.alive:
            if self._opened:
                self._process.send_signal(signal.SIGINT if patience > 0 else signal.SIGKILL)
                patience -= TELLS_EVERY_S
            time.sleep(TELLS_EVERY_S)

    def _open(self) -> None:
        if not self._opened:
            self._raised(self._next(None))
            self._opened = True

    def _answer(self, seconds: float) -> Frame:
        """The answer to what was asked; its clock rests where it says so."""
        end: float | None = time.monotonic() + seconds + GRACE_S
        while True:
            frame = self._next(end)
            if "clock" not in frame.head:
                self._answered += 1
                return self._raised(frame)
            end = time.monotonic() + seconds + GRACE_S if frame.head["clock"] else None

    def _next(self, end: float | None) -> Frame:
        try:
            frame = self._answers.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
        except Empty:
            self.end()
            raise self._limits.stopped("time") from None
        if frame is None:
            self.end()
            how = self._how()
            if not self._opened:
                raise QueryEnded(f"the process that runs queries could not begin ({how})")
            raise QueryEnded(f"the query ended the process that ran it ({how}); the next one has a new process")
        return frame

    def _raised(self, frame: Frame) -> Frame:
        """A frame that tells no error; the error, where it tells one."""
        said = frame.head
        if said.get("ended"):
            self.end()
        if said.get("stopped"):
            raise QueryStopped
        if "error" in said:
            kind = UsageError if said["usage"] else ClearKbError
            raise kind(said["error"], need=said["need"], parameter=said["parameter"])
        return frame

    def _how(self) -> str:
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return "killed: there may have been too little memory"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    def _send(self, head: Mapping[str, Any], body: bytes | pa.Buffer = b"") -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # where it has ended, its answer says so
            write_frame(self._process.stdin, head, body)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            while (frame := read_frame(self._process.stdout)) is not None:
                self._answers.put(frame)
        except (OSError, ValueError):  # closed under our hands, or no JSON: it is over either way
            pass
        finally:
            self._answers.put(None)


def _folder() -> str | None:
    """The working folder, by which a path may be told; None where it is gone."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None
