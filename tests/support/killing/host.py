"""A process that runs commands, each in a fork of its own that can be killed at one of its file operations.

Imports are most of a command, so they are done once. `kill_at.c` is loaded before libc; it sleeps until a fork is told
which folder to watch. Requests come as JSON lines on standard input, and each is answered by one line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.paths import ROOT

WATCH = ("KILL_UNDER", "KILL_COUNTER", "KILL_AT", "KILL_WHEN")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, negative for a signal; what it printed, and how many operations it took."""

    code: int
    printed: str
    operations: int


class Host:
    """The other end: sends commands to the process, and waits for each.

    Args:
        folder: an empty folder for what the host needs.
        timeout: in seconds; a command that takes longer is killed and told as ended by signal 9.
    """

    def __init__(self, folder: Path, timeout: int = 300):
        self._folder = folder
        self._timeout = timeout
        folder.mkdir(parents=True, exist_ok=True)
        self._counter = folder / "counter"
        self._out = folder / "printed"
        library = folder / "kill_at.so"
        source = Path(__file__).with_name("kill_at.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CLEAR_KB")}
        home = folder / "home"
        home.mkdir()
        environment |= {"LD_PRELOAD": str(library), "NO_COLOR": "1", "HOME": str(home), "XDG_CACHE_HOME": str(home)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killing.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def command(self, arguments: Sequence[object], *, under: Path, kill_at: int = 0, when: str = "before") -> Ended:
        """Run `clear-kb` with these arguments, and kill it at an operation on a file in `under` (0: never)."""
        watch = {"KILL_UNDER": f"{under}/", "KILL_AT": str(kill_at), "KILL_WHEN": when}
        return self._ask({"command": [str(one) for one in arguments], "watch": watch})

    def call(self, function: str, *arguments: str) -> Any:
        """What a function `module:name` makes of texts, in a fork of its own; RuntimeError if it raises."""
        ended = self._ask({"call": function, "arguments": arguments})
        if ended.code:
            raise RuntimeError(f"{function} ended with {ended.code}:\n{ended.printed}")
        return json.loads(ended.printed.splitlines()[-1])

    def _ask(self, request: dict[str, Any]) -> Ended:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._counter.write_bytes(bytes(8))
        request |= {"counter": str(self._counter), "out": str(self._out), "timeout": self._timeout}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        printed = self._out.read_text(encoding="utf-8", errors="replace")
        return Ended(code, printed, int.from_bytes(self._counter.read_bytes(), sys.byteorder))


def _serve() -> None:
    import tests.support.preloaded  # noqa: F401  # what commands import

    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request)
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


def _become(request: dict[str, Any]) -> None:
    """In the fork: run what is asked for, and end."""
    import signal
    import traceback
    from importlib import import_module

    import cli

    signal.alarm(request["timeout"])
    file = os.open(request["out"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    code: object = 0
    try:
        if "call" in request:
            module, name = request["call"].split(":")
            print(json.dumps(getattr(import_module(module), name)(*request["arguments"])))
        else:
            os.environ.update({**request["watch"], "KILL_COUNTER": request["counter"]})
            sys.argv = ["clear-kb", *request["command"]]
            cli.main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    _serve()
