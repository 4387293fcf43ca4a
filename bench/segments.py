"""Segments: a planted weak pair among attributes that go with nothing, its edge, false segments, and the time.

Tables of scores without a picture or a vector. Patients have one to several rows, and rows of a patient are alike.
"""

from __future__ import annotations

import time

import numpy as np

from bench.measure import Row
from encoder.audit.segments.attributes import Attribute, attribute_of, categories
from encoder.audit.segments.search import Judged, Searched, SearchOptions, search_segments

NULLS, PLANTED = 200, 10


def run() -> list[Row]:
    """Measure all."""
    return [*_false_segments(), *_weak_pairs(), *_times()]


def _false_segments() -> list[Row]:
    """How many tables in which nothing is wrong have a segment named; every other one has few positives and alarms."""
    named = 0
    for seed in range(NULLS):
        rate, cut = ((0.2, 0.5), (0.05, 1.5))[seed % 2]
        named += bool(_searched(*_table(seed, 1500, more=8, rate=rate, cut=cut)).named)
    what = "nothing planted, 1,500 rows of 900 patients, 10 attributes: tables with a segment"
    return [Row(what, f"{named}/{NULLS}", "-", "limit: 5 %", number=named, better="lower")]


def _weak_pairs() -> list[Row]:
    """Women of 70 and over: scored by chance, or only so much worse; named first, with the edge within 3 years."""
    told = []
    for what, scale in (("scored by chance", 0.0), ("half as well as others", 0.5), ("three quarters as well", 0.75)):
        first = 0
        for seed in range(PLANTED):
            named = _searched(*_table(1_000 + seed, 5000, more=18, scale=scale)).named
            conditions = {one.text.split()[0]: one for one in named[0].conditions} if named else {}
            first += set(conditions) == {"sex", "age"} and abs(conditions["age"].edge - 70) <= 3
        told.append(
            Row(
                f"women of 70 and over {what}, 5,000 rows, 20 attributes: named first, edge within 3 years",
                f"{first}/{PLANTED}",
                "-",
                "-",
                number=first,
                better="higher",
            )
        )
    return told


def _times() -> list[Row]:
    told = []
    for rows, limit in ((5_000, "seconds"), (100_000, "a minute")):
        judged, attributes = _table(1, rows, more=18, scale=0.0)
        started = time.process_time()
        looked_at = _searched(judged, attributes).looked_at
        taken = time.process_time() - started
        told.append(
            Row(
                f"{rows:,} rows, 20 attributes",
                f"{taken:.1f} s",
                f"{looked_at:,} segments",
                f"limit: {limit}",
                number=taken,
                better="lower",
            )
        )
    return told


def _searched(judged: Judged, attributes: list[Attribute]) -> Searched:
    return search_segments(judged, attributes, SearchOptions())


def _table(
    seed: int, rows: int, *, more: int, rate: float = 0.25, cut: float = 0.0, scale: float | None = None
) -> tuple[Judged, list[Attribute]]:
    """A table of sex, age and more attributes; with `scale` the scores of women of 70 and over tell that much less."""
    draw = np.random.default_rng(seed)
    patients = int(0.6 * rows)
    owners = np.sort(draw.integers(0, patients, rows))
    truth = draw.random(rows) < rate
    age = np.round(draw.uniform(20, 90, patients))[owners]
    sex = np.where(draw.random(patients) < 0.5, "F", "M")[owners]
    told = np.where(truth, 1.6, -1.6)
    if scale is not None:
        told = np.where((age >= 70) & (sex == "F"), scale * told, told)
    logit = told + draw.standard_normal(rows) + 0.8 * draw.standard_normal(patients)[owners]
    attributes = [attribute_of("age", list(age)), categories("sex", list(sex))]
    for number in range(more):
        if number % 3 == 0:
            values = draw.standard_normal(rows) + draw.standard_normal(patients)[owners]
            attributes.append(attribute_of(f"number {number}", list(values)))
        elif number % 3 == 1:
            attributes.append(
                categories(f"ward {number}", [f"w{one}" for one in draw.integers(0, 2 + number, patients)[owners]])
            )
        else:
            attributes.append(categories(f"device {number}", [f"d{one}" for one in draw.integers(0, 2 + number, rows)]))
    judged = Judged(truth=truth, logit=logit, flagged=logit >= cut, owners=owners)
    return judged, [one for one in attributes if one is not None]
