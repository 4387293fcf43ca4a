"""Sessions in the documentation: their commands are run anew, and what they print is compared with what a page shows.

    python -m docs.generate.sessions PAGE...     puts what the commands print today into the pages

A session is made of the blocks ```console of a page, in their order and in one folder. `export NAME=VALUE` holds for
what follows. Blocks ```pycon are doctests, which run in the same folder afterwards.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
PYTHON = re.compile(r"^```pycon\n(.*?)^```$", re.M | re.S)
_CHANGING = (
    (r"\bX[0-9a-f]{12}\b", "CHANGE"),
    (r"\b[0-9a-f]{12}\b", "COMMIT"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00| UTC)", "TIME"),
    (r"\b[\d,]+\.\d+ s\b", "SECONDS"),
    (r"\b[\d,]+\.\d+ [kM]B\b", "SIZE"),
    (r"(\d\.\d\d)\d+", r"\1"),
    (r" +", " "),
)


@dataclass
class Step:
    """One command as a page shows it, with the lines that it is said to print."""

    command: str
    shown: str


def steps(block: str) -> Iterator[Step]:
    """The commands of a block."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown)


Launch = Callable[[Sequence[str], Path, Mapping[str, str]], tuple[int, str]]
"""Runs clear-kb with arguments, in a folder and an environment; gives its exit status and what it printed."""


def launch(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run the installed command; what it prints is both of its streams."""
    done = subprocess.run(
        [Path(sys.executable).with_name("clear-kb"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=environment,
        timeout=600,
    )
    return done.returncode, done.stdout


def run(step: Step, folder: Path, environment: dict[str, str], launch: Launch = launch) -> str:
    """What a command prints, on both streams; an `export` changes the environment."""
    words = shlex.split(step.command, comments=True)
    if words[0] == "export":
        environment.update(word.split("=", 1) for word in words[1:])
        return ""
    if words[0] != "clear-kb":
        raise ValueError(f"a session runs clear-kb alone, not {words[0]}")
    status, told = launch(words[1:], folder, environment)
    lines = told.replace(f"{folder.resolve()}/", "").splitlines()
    printed = "".join(f"{line.rstrip()}\n" for line in lines)
    if status:
        raise RuntimeError(f"{step.command} ended with {status}:\n{printed}")
    return printed


def bare_environment() -> dict[str, str]:
    """The environment of a session: nothing of ours, no colours, 120 columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEAR_KB")}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "120", "TERM": "dumb"}


def comparable(printed: str, also: Mapping[str, str] | None = None) -> list[str]:
    """The lines of an output without what is another one each time: ids, times, seconds, sizes, the last digits."""
    for pattern, name in (*_CHANGING, *(also or {}).items()):
        printed = re.sub(pattern, name, printed)
    return [line.strip() for line in printed.splitlines() if line.strip()]


def refresh(page: Path) -> None:
    """Put what the commands of a page print today into it; files beside the page are at hand for them."""
    with tempfile.TemporaryDirectory() as name:
        folder, environment = Path(name), bare_environment()
        copy_data(page, folder)

        def again(block: re.Match[str]) -> str:
            made = (f"$ {step.command}\n{run(step, folder, environment)}" for step in steps(block.group(1)))
            return f"```console\n{''.join(made)}```"

        page.write_text(BLOCK.sub(again, page.read_text(encoding="utf-8")), encoding="utf-8")


def copy_data(page: Path, folder: Path) -> None:
    """Copy the data files that lie beside a page."""
    for kind in ("*.csv", "*.hl7", "*.ndjson"):
        for path in page.parent.glob(kind):
            shutil.copy(path, folder)


if __name__ == "__main__":
    for told in sys.argv[1:]:
        refresh(Path(told))
