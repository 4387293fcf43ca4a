"""The process that takes hostile inputs: a case a line comes in, what came of it goes out, within bounds."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

from tests.support.fuzzing.all_doors import all_doors
from tests.support.fuzzing.doors import Door

MEMORY = 1 << 30
"""Bytes that one small file may make a process grow by."""

SECONDS = 10.0
"""Processor time that one small file may take."""


class OverTime(BaseException):
    """A case took longer than it may."""


def outcome(door: Door, seed: int, number: int, folder: Path) -> dict[str, Any]:
    """What came of one case."""
    name, data = door.case(Random(f"{seed}/{door.name}/{number}"), number)
    told: dict[str, Any] = {"door": door.name, "case": number, "file": name, "outcome": "taken", "said": ""}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / name
        path.write_bytes(data)
        os.chdir(place)
        before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            told["outcome"] = door.take(path) or "taken"
        except OverTime:
            told["outcome"] = "over time"
        except BaseException as error:
            told |= _of_error(error)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        told["seconds"] = round(time.process_time() - began, 2)
        told["grown"] = max(0, _resident("VmHWM") - before)
        if told["grown"] > MEMORY:
            told["outcome"] = "over memory"
        if (Path(place) / "ran").exists():
            told["outcome"] = "ran code"
        os.chdir(folder)
    return told


def _of_error(error: BaseException) -> dict[str, Any]:
    from kb.commands.failures import describe
    from kb.errors import ClearKbError

    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and len(causes) < 20:
        causes.append(cause)
    if any(isinstance(one, OverTime) for one in causes):
        return {"outcome": "over time"}
    if any(isinstance(one, MemoryError) for one in causes):
        return {"outcome": "over memory", "said": str(error)[:300]}
    if isinstance(error, ClearKbError):
        error = ClearKbError(describe(error))
        lines = str(error).count("\n")
        return {
            "outcome": "told" if len(str(error)) < 3_300 and lines < 20 else "told at length",
            "said": str(error)[:300],
        }
    where = traceback.extract_tb(error.__traceback__)
    ours = next(
        (one for one in reversed(where) if "/site-packages/" not in one.filename and "/lib/python" not in one.filename),
        where[-1],
    )
    said = f"{type(error).__name__}: {str(error)[:200]} [{Path(ours.filename).name}:{ours.lineno} {ours.name}]"
    return {"outcome": "raised", "said": said, "traceback": "".join(traceback.format_exception(error))[-6_000:]}


def _resident(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Open all doors, then answer each line of input (door, case) with a line of JSON."""
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not stand among the answers

    def over(*_: object) -> None:
        raise OverTime

    signal.signal(signal.SIGPROF, over)
    doors = {door.name: door for door in all_doors(folder)}
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + 6 * MEMORY, size + 6 * MEMORY))
    print(json.dumps({name: len(door.crafted) for name, door in doors.items()}), file=answers, flush=True)
    for line in sys.stdin:
        name, number = json.loads(line)
        print(json.dumps(outcome(doors[name], seed, number, folder)), file=answers, flush=True)


if __name__ == "__main__":
    main()
