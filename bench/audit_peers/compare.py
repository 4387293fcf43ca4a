"""Every tool on every planted case: the rank of the planted fault, false calls where nothing is wrong, and time.

    python -m bench audit_peers

The fault counts as found at the first listed segment that shares half of what it and the fault hold together (Jaccard),
at the first slice with six of whose ten foremost images it lies, or where brightness is called.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.audit_peers.cases import Case, bright_pictures, hidden_slice, shifted_group, weak_pair
from bench.audit_peers.ours import Segment, search_segments, search_slices
from bench.measure import Row

HERE = Path(__file__).parent
ENVIRONMENTS = Path(".bench")
SEEDS = range(int(os.environ.get("CLEAR_KB_BENCH_SEEDS", "10")))

ALIKE, FOREMOST = 0.5, 0.6
"""The shares from which on a segment, or the foremost images of a slice, are the planted fault."""

OURS = "clear-kb"
UNTESTED = ("domino",)
"""Tools that list slices and do not say which are real."""

NO_DEPENDENCIES = {"domino": ("--no-deps",)}
"""What Domino asks for no longer resolves: its list holds all that it needs."""

Ours = Callable[[Case, Path], tuple[float, list[Segment]]]
Make = Callable[..., Case]
CASES: Sequence[tuple[Make, Ours, Mapping[str, str]]] = (
    (weak_pair, search_segments, {"deepchecks": "tables", "fairlearn": "tables"}),
    (shifted_group, search_segments, {"deepchecks": "tables", "fairlearn": "tables"}),
    (hidden_slice, search_slices, {"domino": "domino"}),
    (bright_pictures, search_segments, {"cleanlab": "tables"}),
)


def run() -> list[Row]:
    """One row for each tool on each case."""
    rows = []
    for make, ours, peers in CASES:
        tools: dict[str, Ours] = {OURS: ours}
        tools |= {name: _peer(name, environment) for name, environment in peers.items()}
        rows += [_row(name, make, tool) for name, tool in tools.items()]
    return rows


def _row(name: str, make: Make, tool: Ours) -> Row:
    """One tool on all draws of one case, planted and clean; ours can be compared."""
    ranks, seconds, false_calls = [], [], []
    for seed in SEEDS:
        case, clean = make(seed), make(seed + 1000, clean=True)
        with tempfile.TemporaryDirectory() as folder:
            taken, found = tool(case, Path(folder))
        seconds.append(taken)
        ranks.append(_rank(found, case))
        with tempfile.TemporaryDirectory() as folder:
            false_calls.append(any(one.called for one in tool(clean, Path(folder))[1]))
    named = [rank for rank in ranks if rank is not None]
    found_first = sum(rank == 1 for rank in named)
    told = f"first in {found_first}, listed in {len(named)} of {len(ranks)}"
    calls = f"{sum(false_calls)} of {len(false_calls)} clean ones called"
    if name in UNTESTED:
        calls = "calls none: no test"
    return Row(
        f"{case.name}, {name}",
        told,
        calls,
        f"{statistics.median(seconds):.1f} s of the processor a data set",
        number=found_first if name == OURS else None,
        better="higher" if name == OURS else None,
    )


def _rank(found: Sequence[Segment], case: Case) -> int | None:
    """The place of the planted fault in a list; None where it is not there."""
    planted = frozenset(np.flatnonzero(case.planted).tolist())
    for place, one in enumerate(found, 1):
        if case.pictures is not None and one.about.startswith(("light", "dark", "brightness")):
            return place if one.called else None
        shared = len(one.rows & planted)
        if case.vectors is not None and shared >= FOREMOST * len(one.rows) > 0:
            return place
        if case.vectors is None and one.rows and shared / len(one.rows | planted) >= ALIKE:
            return place
    return None


def _peer(name: str, environment: str) -> Ours:
    script = HERE / f"{environment}_peer.py"

    def audit(case: Case, folder: Path) -> tuple[float, list[Segment]]:
        columns = {f"attr_{key}": column for key, column in case.attributes.items()}
        more = {name: getattr(case, name) for name in ("vectors", "pictures") if getattr(case, name) is not None}
        np.savez(folder / "case.npz", truth=case.truth, score=case.score, **columns, **more)
        command = [_python(environment), "-W", "ignore", script, folder / "case.npz", name, folder / "out.json"]
        subprocess.run(command, check=True, capture_output=True)
        told = json.loads((folder / "out.json").read_text(encoding="utf-8"))
        segments = [Segment(frozenset(one["rows"]), one["called"], one.get("property", "")) for one in told["segments"]]
        return told["seconds"], segments

    return audit


def _python(environment: str) -> Path:
    """The interpreter of an environment, which is made where it is not there yet."""
    folder = ENVIRONMENTS / environment
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        base = sys.executable if environment == "tables" else os.environ.get("CLEAR_KB_BENCH_PYTHON39", "python3.9")
        subprocess.run([base, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *NO_DEPENDENCIES.get(environment, ()), "-r", HERE / f"{environment}.txt"], check=True)
        (folder / ".ready").touch()
    return python.absolute()
