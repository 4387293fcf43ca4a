"""Runs `clear-kb` in a process of its own that need not import its libraries again.

Most of a command is imports (torch, spaCy, Lance: seconds), and the suite runs well over a thousand commands.
multiprocessing's fork server imports them once; each command is a fork of it that calls the installed entry point,
`cli.main`, in its own folder and environment. `tests/test_entry_point.py` runs the installed script itself.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import cli

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.support.preloaded"])


def run_command(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    captured: Path,
    timeout: float,
    one_stream: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `clear-kb` with `arguments` as `subprocess.run` would.

    Args:
        arguments: what stands behind `clear-kb`.
        folder: the working folder.
        environment: all of it.
        captured: an empty folder for what is printed.
        timeout: in seconds.
        one_stream: print all on standard output.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    running = start_command(arguments, folder=folder, environment=environment, captured=captured, one_stream=one_stream)
    return running.end(timeout)


@dataclass(frozen=True)
class Running:
    """A command at work."""

    process: BaseProcess
    arguments: Sequence[str]
    out: Path
    err: Path

    def tell(self, number: int) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def end(self, timeout: float) -> subprocess.CompletedProcess[str]:
        """Wait for its end; TimeoutExpired if it took longer than these seconds, and was killed."""
        command = ["clear-kb", *self.arguments]
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise subprocess.TimeoutExpired(command, timeout)
        printed = self.out.read_text(encoding="utf-8")
        told = "" if self.err == self.out else self.err.read_text(encoding="utf-8")
        return subprocess.CompletedProcess(command, self.process.exitcode, printed, told)


def start_command(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], captured: Path, one_stream: bool = False
) -> Running:
    """Start `clear-kb` with `arguments`, as `run_command` does, and do not wait for it."""
    out, err = captured / "stdout", captured / ("stdout" if one_stream else "stderr")
    process = _forks.Process(
        target=_become, args=(["clear-kb", *arguments], str(folder), dict(environment), str(out), str(err))
    )
    process.start()
    return Running(process, arguments, out, err)


def _become(command: list[str], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    """In the fork: take the folder, environment and streams of the command, and be it."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(file, stream.fileno())
        os.close(file)
    sys.argv = command
    try:
        cli.main()
    finally:
        # A forked process ends without these.
        atexit._run_exitfuncs()
