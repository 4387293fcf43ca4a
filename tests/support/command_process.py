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
    out, err = captured / "stdout", captured / ("stdout" if one_stream else "stderr")
    command = ["clear-kb", *arguments]
    process = _forks.Process(target=_become, args=(command, str(folder), dict(environment), str(out), str(err)))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(command, timeout)
    return subprocess.CompletedProcess(
        command,
        process.exitcode,
        out.read_text(encoding="utf-8"),
        "" if one_stream else err.read_text(encoding="utf-8"),
    )


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
