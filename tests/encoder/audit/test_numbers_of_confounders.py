"""No number under a wrong name: on any data, what is stored and printed of an audit lies where such numbers lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.drawn_rows import drawn_rows
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import exposures_of, together
from encoder.audit.confounders.find import find_confounders
from encoder.audit.confounders.result import Confounder
from encoder.audit.confounders.sentences import tell
from kb.errors import UsageError
from tests.support.planted import world

WORLD = world()
SHARES = {"q", "p", "i2", "auroc", "auroc_present", "auroc_absent", "auroc_against", "erased", "erased_against"}
RATES = re.compile("false_(positives|negatives)_(present|absent)")
SIGNED = {"false_alarms", "misses", "leans"}
"""What lies in [-1, 1], itself and its interval."""


@st.composite
def extreme_data(draw: st.DrawFn) -> Evidence:
    """Audits of everything at its limits: ties, rare things, one patient with many images, scores of 0 and 1."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(30, 160))
    truth = random.random(n) < draw(st.sampled_from([0.05, 0.3, 0.5, 0.95]))
    there = random.random((n, 6)) < np.array([0.01, 0.1, 0.3, 0.5, 0.9, 0.99])
    there[:, 2] = truth ^ (random.random(n) < draw(st.sampled_from([0.0, 0.02, 0.3])))
    vectors = WORLD.evidence(int(random.integers(1_000)), images=n).vectors
    assert vectors is not None
    logits = {
        "normal": lambda: random.standard_normal(n) + truth,
        "ties": lambda: np.round(random.standard_normal(n)),
        "two values": lambda: np.where(there[:, 2], 13.8, -13.8),
        "all but one the same": lambda: np.eye(1, n)[0] * 50.0,
        "the truth": lambda: np.where(truth, 13.8, -13.8),
        "a vector's own number": lambda: 1e-6 * vectors[:, 0].astype(float),
        "all the same": lambda: np.zeros(n),
    }
    patients = {
        "one image each": lambda: np.arange(n),
        "one patient with many": lambda: np.maximum(np.arange(n) - n // 2, 0),
        "pairs": lambda: np.arange(n) // 2,
        "two patients": lambda: np.arange(n) % 2,
    }
    logit, owners = logits[draw(st.sampled_from(sorted(logits)))](), patients[draw(st.sampled_from(sorted(patients)))]()
    rows = drawn_rows(truth, logit, owners)
    stated = [(int(row), f"thing {k}", f"thing {k}") for row, k in zip(*np.nonzero(there), strict=True)]
    known = random.random(n) < 0.9
    site = np.array(["a", "b", None], dtype=object)[random.integers(0, 3, n)]
    by_site = [(number, f"site: {name}", None) for number, name in enumerate(site) if name is not None]
    exposures = [
        exposures_of("report", stated, known),
        together("attribute", [exposures_of("attribute", by_site, np.array([name is not None for name in site]))]),
    ]
    return Evidence(rows, exposures, np.arange(n), vectors, {"site": site})


def numbers(data: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and interval with the name that it stands under."""
    if isinstance(data, dict):
        if "low" in data:
            yield name, data
        for key, value in data.items():
            yield from numbers(value, f"{name}.{key}" if key in ("value", "low", "high") else key)
    elif isinstance(data, list):
        for value in data:
            yield from numbers(value, name)
    elif isinstance(data, float | int) and not isinstance(data, bool):
        yield name, data


@pytest.mark.soak
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(extreme_data())
def test_every_number_lies_where_such_numbers_lie_and_every_interval_holds_its_point(evidence: Evidence) -> None:
    try:
        found = find_confounders(evidence, WORLD.concepts, {"disease"}, limit=60, least=3)
    except UsageError:
        return  # nothing can be said, and that is said
    for row in found.rows:
        for name, value in numbers(row.to_dict()):
            _check(name, value)
        _check_told(row)


def _check(name: str, value: Any) -> None:
    if isinstance(value, dict):
        point, low, high = (value[key] for key in ("value", "low", "high"))
        if point is not None:
            assert low <= point <= high, (name, value)
        return
    if name in SHARES or RATES.fullmatch(name) or name.startswith("against."):
        assert 0 <= value <= 1, (name, value)
    if name.split(".")[0] in SIGNED or name == "erased_leans":
        assert -1 <= value <= 1, (name, value)
    assert np.isfinite(value), (name, value)


def _check_told(row: Confounder) -> None:
    """The same of what is printed."""
    told = tell(row, "disease")
    for text in re.findall(r"correlation ([+-][\d.]+|nan)", told):
        assert text == "nan" or -1 <= float(text) <= 1
    for text in re.findall(r" q ([\d.]+)", told):
        assert 0 <= float(text.rstrip(".")) <= 1
    for text in re.findall(r"(-?\d+) %", told):
        assert 0 <= int(text) <= 100
    for point, low, high in re.findall(r"([+-]\d+\.\d+) \((-?\d+\.\d+) to (-?\d+\.\d+)\)", told):
        assert float(low) <= float(point) <= float(high), told
