"""What a command prints for a person: at a pseudo-terminal of so many columns."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def printed(*arguments: str, columns: int = 80, typed: str | None = None) -> list[str]:
    """The lines that the installed command prints, without blanks at their ends; `typed` is what a person answers."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-c", "from cli import main; main()", *arguments],
        stdin=subprocess.DEVNULL if typed is None else other,
        stdout=other,
        stderr=other,
        env={**environment, "TERM": "dumb", "NO_COLOR": "1"},
    )
    os.close(other)
    if typed is not None:
        os.write(own, typed.encode())
    seen = b""
    while True:
        try:
            more = os.read(own, 65_536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        seen += more
    process.wait()
    os.close(own)
    return [line.rstrip() for line in seen.decode().splitlines()]
