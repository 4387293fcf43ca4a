"""clear-kb on a case, as an analyst uses it: tables go in by `ingest`, and the audit is asked for what fails."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import encoder
import ingest
import kb
from bench.audit_peers.cases import Case

RUN, LABEL = "theirs", "pneumonia"
CUT = re.compile(r"(>=|<) (\S+)")


@dataclass(frozen=True, eq=False)
class Segment:
    """Rows that a tool says something of, by their numbers; whether it calls them, and under what name."""

    rows: frozenset[int]
    called: bool
    about: str = ""


def search_segments(case: Case, folder: Path) -> tuple[float, list[Segment]]:
    """What `audit segments` names, and in how many seconds of the processor; ingest is not counted."""
    base = stored(case, folder)
    started = time.process_time()
    found = encoder.audit.segments(base, RUN, LABEL, threshold=0.5)
    taken = time.process_time() - started
    return taken, [Segment(frozenset(_rows(one.text, case)), True, one.text) for one in found.segments]


def search_slices(case: Case, folder: Path) -> tuple[float, list[Segment]]:
    """The slices that `audit slices` makes, those that it calls first."""
    base = stored(case, folder)
    started = time.process_time()
    found = encoder.audit.slices(base, RUN, LABEL, encoder="theirs", threshold=0.5, min_size=20)
    taken = time.process_time() - started
    return taken, [
        Segment(frozenset(_number(image) for image in one.images[:10]), bool(one.verdict), f"slice {one.number}")
        for one in found.slices
    ]


def stored(case: Case, folder: Path) -> kb.KnowledgeBase:
    """A knowledge base with the tables, the vectors and the pictures of a case."""
    base = kb.create(folder / "case.kb")
    with (folder / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows(_truth(case))
    with (folder / "scores.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", LABEL), *((_id(n), s) for n, s in enumerate(case.score))])
    if case.pictures is not None:
        (folder / "pictures").mkdir()
        for number, picture in enumerate(case.pictures):
            Image.fromarray(picture).save(folder / "pictures" / f"{_id(number)}.png")
        ingest.images(base, [folder / "pictures"])
    ingest.labels(base, folder / "truth.csv")
    ingest.predictions(base, folder / "scores.csv", RUN)
    if case.vectors is not None:
        np.savez(folder / "vectors.npz", ids=np.array([_id(n) for n in range(len(case.truth))]), vectors=case.vectors)
        ingest.vectors(base, folder / "vectors.npz", "theirs")
    return base


def _truth(case: Case) -> Iterator[tuple[object, ...]]:
    yield ("image", *case.attributes, LABEL)
    for number, truth in enumerate(case.truth):
        yield (_id(number), *(column[number] for column in case.attributes.values()), int(truth))


def _id(number: int) -> str:
    return f"im{number:05}"


def _number(image: str) -> int:
    return int(image.rpartition("/")[2].removeprefix("im").partition(".")[0])


def _rows(text: str, case: Case) -> list[int]:
    """The rows for which the conditions of a segment hold: "sex F and age >= 70"; none for a property of pictures."""
    held = np.ones(len(case.truth), dtype=bool)
    for condition in text.split(" and "):
        name = next((one for one in case.attributes if condition.startswith(f"{one} ")), None)
        if name is None:
            return []
        column, value = case.attributes[name], condition.removeprefix(f"{name} ")
        if cut := CUT.fullmatch(value):
            above = column >= float(cut[2])
            held &= above if cut[1] == ">=" else ~above
        else:
            held &= column.astype(str) == value
    return [int(n) for n in np.flatnonzero(held)]
