"""The process that a session's queries run in: it holds the views of one state, and answers what comes by its pipe.

Whatever anybody wrote is parsed, bound and run here and nowhere else: a query that brings its process down, or does not
end when it is told to, ends with it, and nothing else does. `kb.sql.query_process` is the other side.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

import pyarrow as pa

from kb.errors import ClearKbError, UsageError
from kb.frames import Frame, read_frame, write_frame
from kb.sql.arrow_stream import MOST_BYTES, as_stream, from_stream
from kb.sql.hints import what_rows_count, why_no_rows
from kb.sql.limits import Limits
from kb.sql.sandbox import check_query
from kb.sql.slips import with_hint
from kb.sql.view_result import ViewResult
from kb.sql.views import Views
from kb.sql.watch import own_memory

MOST_KEPT = 400_000_000
"""Bytes that a process may still hold when a session is done with it, and be had by the next."""

PIECE = 32_000_000
"""Bytes of rows that are told at a time."""

_NO_ARROW = re.compile(r"\b(VARIANT|BIT|BIGNUM|GEOMETRY|UHUGEINT|INTERVAL)\b|\bTIME\b(?!STAMP)")
"""Types that Arrow has not, or not all values of: a whole number of 128 bits, a month, 24 o'clock. Told as text."""

Tell = Callable[..., None]


def main() -> None:
    """Serve the sessions at the other end of standard input and output, one after the other, until they are gone."""
    answers = _answers()
    _stand_back()
    questions: SimpleQueue[Frame] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, questions), daemon=True, name="questions").start()
    serve(questions.get, lambda head, body=b"": write_frame(answers, head, body))


def serve(next_question: Callable[[], Frame], tell: Tell) -> None:
    """Open what a frame says, and answer those that follow it, until one closes it and another opens something else."""
    while own_memory() < MOST_KEPT:
        opening, _ = next_question()
        try:
            server = QueryServer.opened(opening, tell)
        except (ClearKbError, OSError) as error:
            tell(_as_data(error))
            return
        tell({"opened": True})
        while (question := next_question()).head["do"] != "close":
            tell(*_answered(server, question))
        server.close()


def _answered(server: QueryServer, question: Frame) -> tuple[Mapping[str, Any], bytes | pa.Buffer]:
    try:
        return server.answer(question)
    except KeyboardInterrupt:
        return {"stopped": True}, b""
    except Exception as error:  # nothing that a query does may end its process without a word
        # An interrupt may come to light only in what follows the query that it was meant for.
        late = type(error).__name__ == "InterruptException"
        return _as_data(server.stopped() if late else error), b""


class QueryServer:
    """The views of one state, asked by frames."""

    def __init__(self, views: Views, tell: Tell):
        self._views = views
        self._tell = tell
        self._checked: tuple[str, str] | None = None
        self._pieces: Iterator[pa.RecordBatch] = iter(())
        self._left: Callable[[], float] = lambda: 0.0

    @classmethod
    def opened(cls, opening: Mapping[str, Any], tell: Tell) -> QueryServer:
        """The server of what a session is of."""
        limits = Limits(**opening["limits"])
        _stand_where(opening["environment"], opening["folder"])

        def end(reason: str) -> None:
            tell({**_as_data(limits.stopped(reason)), "ended": True})
            os._exit(1)

        opener = getattr(import_module(opening["module"]), opening["function"])
        state, more = opener(opening["uri"], opening["commit"], opening["storage_options"], **opening["arguments"])
        own = {name: _mapped(file) for name, file in opening["own"].items()}
        return cls(Views(state, limits, more=more, own=own, when_stuck=end), tell)

    def close(self) -> None:
        """Give the memory of the views back."""
        self._pieces = iter(())
        self._views.close()

    def stopped(self) -> ClearKbError:
        """The error of a query whose time was up."""
        return self._views.limits.stopped("time")

    def answer(self, question: Frame) -> tuple[Mapping[str, Any], bytes | pa.Buffer]:
        """Answer one frame: "ask" binds a query, "read" begins its rows, "next" tells some, "remarks" speaks of it."""
        head = question.head
        if head["do"] == "next":
            return self._next()
        sql, values = head["sql"], (from_stream(question.body).to_pylist() or [{}])[0] if question.body else {}
        if head["do"] == "remarks":
            remarks = what_rows_count if head["rows"] else why_no_rows
            return {"remarks": remarks(self._views, sql, values)}, b""
        text = self._check(sql)
        self._tell({"clock": False})  # what is made for a query is no part of it, and its limits do not hold
        self._views.make(text)
        self._tell({"clock": True})
        result = self._bind(sql, text, values)
        if head["do"] == "ask":
            return {"kinds": dict(result.kinds), "left": result.left}, b""
        result.left = min(result.left, head["left"])
        return self._read(result)

    def _check(self, sql: str) -> str:
        if self._checked is None or self._checked[0] != sql:
            try:
                self._checked = sql, check_query(sql, self._views.relations)
            except UsageError as error:
                raise with_hint(error, sql, self._views.attribute_names) from error
        return self._checked[1]

    def _bind(self, sql: str, text: str, values: Mapping[str, Any]) -> ViewResult:
        try:
            result = self._views.run(text, values)
            if not any(map(_NO_ARROW.search, result.kinds.values())):
                return result
            told = (
                f"#{at}{'::VARCHAR' * bool(_NO_ARROW.search(kind))}" for at, kind in enumerate(result.kinds.values(), 1)
            )
            as_text = self._views.run(f"SELECT {', '.join(told)} FROM ({text}\n)", values)
        except UsageError as error:
            raise with_hint(error, sql, self._views.attribute_names) from error
        as_text.kinds = dict(zip(result.kinds, as_text.kinds.values(), strict=True))
        return as_text

    def _read(self, result: ViewResult) -> tuple[Mapping[str, Any], pa.Buffer]:
        batches = result.batches()
        schema = next(batches).schema
        self._pieces = (piece for batch in batches for piece in _pieces(batch))
        self._left = lambda: result.left
        return {"left": result.left}, as_stream(schema)

    def _next(self) -> tuple[Mapping[str, Any], bytes | pa.Buffer]:
        piece = next(self._pieces, None)
        if piece is None:
            return {"left": self._left(), "last": True}, b""
        return {"left": self._left()}, as_stream(piece.schema, [piece])


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in pieces that are small enough to be told."""
    if batch.nbytes <= PIECE:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))
    elif batch.nbytes < MOST_BYTES - PIECE:
        yield batch
    else:
        most = (MOST_BYTES - PIECE) // 1_000_000
        raise UsageError(
            f"a row of {batch.nbytes / 1e6:,.0f} MB: at most {most:,} MB are told; ask for less in one row"
        )


def _as_data(error: BaseException) -> dict[str, Any]:
    """An error as it is told to the session, which raises it there."""
    if not isinstance(error, ClearKbError):
        said = " ".join(str(error).split())[:300] or type(error).__name__
        return {"error": f"the query failed: {said}", "usage": False, "need": None, "parameter": None}
    usage = isinstance(error, UsageError)
    return {"error": str(error), "usage": usage, "need": error.need, "parameter": error.parameter}


def _mapped(file: int) -> pa.Table:
    """A table that the session has written for us: it is mapped, not copied."""
    return pa.ipc.open_file(pa.memory_map(f"/dev/fd/{file}")).read_all()


def _answers() -> BinaryIO:
    """Standard output, for answers alone: what any library prints goes where errors go."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


def _listen(stream: BinaryIO, questions: SimpleQueue[Frame]) -> None:
    """Take what the session asks; once it is gone this process goes too, whatever runs in it."""
    while (frame := read_frame(stream)) is not None:
        questions.put(frame)
    os._exit(0)


def _stand_where(environment: Mapping[str, str], folder: str | None) -> None:
    """Take the session's environment and working folder: how its knowledge base and its encoder are reached."""
    os.environ.clear()
    os.environ.update(environment)
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)


def _stand_back() -> None:
    """Leave Ctrl-C to the watch over the query, no dump after a crash, and let the system end us first for memory."""
    signal.signal(signal.SIGINT, lambda *_: None)  # a handler of Python's: it wakes the watch, see `kb.sql.watch`
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
