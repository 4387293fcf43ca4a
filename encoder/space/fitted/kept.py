"""Fitted directions as they are kept in the user's cache: a folder for each commit, encoder, origin and part."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from platformdirs import user_cache_path

from encoder.model.checkpoint import code_version
from encoder.space.fitted.directions import COLUMNS, LEAST, FittedDirections, FittedFinding
from kb.display import Listing
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.reading.json_text import read_json_file
from kb.statistics.interval import Interval

FACTS, CONCEPTS, VECTORS, NUMBERS = "facts.json", "concepts.arrow", "vectors.npy", "numbers.npy"
MOST = 8
"""Sets of directions that are kept; the one made first goes first."""

PLAIN = ("encoder", "origin", "images", "patients", "measure", "fitted", "untried", "entangled", "doubt")


def kept_directions(
    kb: KnowledgeBase, encoder: str, origin: str | None, part: str | None = None
) -> FittedDirections | None:
    """The directions that were fitted at the commit of `kb`; None if there are none that can be read."""
    folder = _place() / _key(kb, encoder, origin, part)
    try:
        facts = read_json_file(folder / FACTS)
        with pa.memory_map(str(folder / CONCEPTS)) as file:
            concepts = pa.ipc.open_file(file).read_all()
        vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        scale, bias = np.load(folder / NUMBERS, allow_pickle=False)
        findings = Listing([_finding(row) for row in facts["findings"]], COLUMNS)
        plain = {name: facts[name] for name in PLAIN}
    except (OSError, EOFError, ValueError, KeyError, TypeError, UsageError):
        return None  # it can always be fitted anew
    return FittedDirections(**plain, concepts=concepts, vectors=vectors, scale=scale, bias=bias, findings=findings)


def keep(kb: KnowledgeBase, found: FittedDirections, origin: str | None, part: str | None = None) -> FittedDirections:
    """Keep directions, written aside and moved to their place whole; where nobody may write, they are only returned."""
    place = _place()
    try:
        place.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=place, prefix="new-"))
    except OSError:
        return found
    target = place / _key(kb, found.encoder, origin, part)
    try:
        _write(fresh, found)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    except OSError:  # the disk is full, or another process was quicker with the same
        shutil.rmtree(fresh, ignore_errors=True)
    older = sorted((one for one in place.glob("v*") if one != target), key=lambda path: path.stat().st_mtime)
    for path in older[: -(MOST - 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return found


def _finding(row: Mapping[str, Any]) -> FittedFinding:
    stated = row["stated"]
    return FittedFinding(**{**row, "stated": None if stated is None else Interval(*stated)})


def _write(folder: Path, found: FittedDirections) -> None:
    facts = {name: getattr(found, name) for name in PLAIN} | {"findings": [asdict(row) for row in found.findings]}
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    with pa.OSFile(str(folder / CONCEPTS), "wb") as file, pa.ipc.new_file(file, found.concepts.schema) as to:
        to.write_table(found.concepts)
    np.save(folder / VECTORS, found.vectors)
    np.save(folder / NUMBERS, np.stack([found.scale, found.bias]))


def _place() -> Path:
    return user_cache_path("clear-kb") / "directions"


def _key(kb: KnowledgeBase, encoder: str, origin: str | None, part: str | None) -> str:
    """Of the commit, for everything that is fitted to stands in it, and of how it is fitted."""
    said = [kb.commit.commit_id, encoder, origin, part, code_version(), LEAST]
    return "v" + blake2b(json.dumps(said).encode(), digest_size=8).hexdigest()
