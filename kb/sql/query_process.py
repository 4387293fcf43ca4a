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
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

import pyarrow as pa

from kb.errors import ClearKbError, UsageError
from kb.sql.frames import Frame, read_frame, write_frame
from kb.sql.limits import Limits
from kb.sql.watch import PATIENCE_S

_BEGIN = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from kb.sql.query_server import main
main(sys.argv[2])
"""
"""The paths are ours, as they are by now; nothing of the caller's own script runs there."""

GRACE_S = PATIENCE_S + 2.0
"""Seconds beyond the limit that the process has to end the query, or itself, before it is killed."""

_spare: dict[str, subprocess.Popen[bytes]] = {}
_guard = threading.Lock()


def begin(module: str) -> None:
    """Begin a process that the next session may take, so that it gets ready while something else is done.

    Args:
        module: that opens the session's state.
    """
    with _guard:
        if module not in _spare:
            _spare[module] = _started(module, ())


def _taken(module: str, files: Sequence[int]) -> subprocess.Popen[bytes]:
    with _guard:
        ready = None if files else _spare.pop(module, None)
    return ready if ready is not None and ready.poll() is None else _started(module, files)


def _started(module: str, files: Sequence[int]) -> subprocess.Popen[bytes]:
    # No script of the caller is read again there, as multiprocessing would; a session of its own keeps Ctrl-C from it.
    told = subprocess.DEVNULL if os.environ.get("CLEAR_KB_DEBUG", "0") in ("", "0") else None
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _BEGIN, json.dumps(sys.path), module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=told,
        pass_fds=tuple(files),
        start_new_session=True,
    )


class QueryEnded(ClearKbError):
    """The process that ran a query has ended with it."""


class QueryStopped(ClearKbError):
    """Somebody has stopped the query."""

    def __init__(self) -> None:
        super().__init__("stopped")


class QueryProcess:
    """One process with the views of one state, asked by one thread; `stop` may be called by any.

    Args:
        opening: what it is to open, as `kb.sql.query_server` reads it.
        limits: of each query.
        files: open files that it reads tables from.
    """

    def __init__(self, opening: Mapping[str, Any], limits: Limits, *, files: Sequence[int] = ()):
        self._limits = limits
        self._process = _taken(opening["module"], files)
        self._answers: SimpleQueue[Frame | None] = SimpleQueue()
        self._opened = self._over = False
        self._asked = self._answered = 0
        threading.Thread(target=self._listen, daemon=True, name="answers").start()
        self._send(opening)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._over and self._process.poll() is None

    def ask(self, head: Mapping[str, Any], body: bytes | pa.Buffer = b"", *, seconds: float) -> Frame:
        """Its answer to one question, which may take so many seconds.

        Raises:
            UsageError, ClearKbError: what it says is wrong.
            QueryEnded: it has ended.
            QueryStopped: by `stop`.
            KeyboardInterrupt: by the person; the query is stopped first.
        """
        self._asked += 1
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
        """Stop the query that runs; where it does not listen, its process ends with it."""
        if self._answered < self._asked:
            self._process.send_signal(signal.SIGINT)
            patience = threading.Timer(GRACE_S, self._kill_where_stuck, [self._asked])
            patience.daemon = True
            patience.start()

    def end(self) -> None:
        """End the process."""
        self._over = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _kill_where_stuck(self, asked: int) -> None:
        if self._answered < asked:
            self._process.kill()

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
