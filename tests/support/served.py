"""A workbench as a person starts it: the real command in a process of its own, ended by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.paths import ROOT


@contextmanager
def served(kb: str | Path, *options: str) -> Iterator[str]:
    """Serve a knowledge base; gives the address that was printed, and requires a clean end."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CLEAR_KB")}
    environment = {**ours, "PYTHONPATH": str(ROOT), "CLEAR_KB_AUTHOR": "ada", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "cli", "serve", "--kb", str(kb), "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        address = process.stdout.readline().strip()
        if not address:
            process.wait(timeout=30)
            raise AssertionError(process.stderr.read())
        try:
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=30)
        assert process.returncode == 0, told
        assert "Traceback" not in told, told
