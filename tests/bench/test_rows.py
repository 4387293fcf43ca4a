"""Rows of benches: the number is the first figure of the value, and the claim is the same whatever was measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import explained_sides, foreign_verdicts, heatmaps, precision, real_images, vocabulary
from bench.measure import Row
from encoder.explanation.placing import Placed


def sides(seed: int) -> list[Row]:
    draw = np.random.default_rng(seed).random((2, 40)) < 0.9
    return explained_sides.rows({"nodule": explained_sides.Sides(draw[0], draw[1])})


def maps(seed: int) -> list[Row]:
    draw = np.random.default_rng(seed).random((2, 10)) < 0.7
    placed = [[Placed(hit=one, overlap=0.2, area=0.1) for one in row] for row in draw.tolist()]
    return heatmaps.rows([{heatmaps.OURS: {"nodule": placed[0]}, "random masks": {"nodule": placed[1]}}])


def verdicts(seed: int) -> list[Row]:
    tallies = [
        foreign_verdicts.Tally(one, "images", 30, 20 + seed, Counter(confounder=seed), seed, seed)
        for one in (foreign_verdicts.SETTINGS[0], foreign_verdicts.NOTHING)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foreign_verdicts, "tallies", lambda: tallies)
        return foreign_verdicts.rows()


def parity(seed: int) -> list[Row]:
    exact, noise = np.random.default_rng(seed).normal(size=(2, 9, 4))
    return [precision.Parity.of(exact, exact + 0.1 * noise).row("a cosine", "float32")]


def aurocs(seed: int) -> list[Row]:
    draw = np.random.default_rng(seed)
    truth = np.tile([0.0, 1.0], (5, 20)).T
    scores = {name: draw.normal(size=truth.shape) for name in ("scratch probe", "frozen probe")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real_images, "DRAWS", 3)
        return real_images.rows_of([real_images.Judged(np.arange(40), truth, scores)])


def read(seed: int) -> list[Row]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "REPORTS", Path("there/is/none"))
        patch.setattr(vocabulary, "reading", lambda: Counter(odd=10 * seed, well=200 - 10 * seed))
        return vocabulary.run()


@pytest.mark.soak
@pytest.mark.parametrize("rows", [sides, maps, verdicts, parity, aurocs, read])
def test_a_row_shows_its_number_first_and_its_claim_stays(rows: Callable[[int], list[Row]]) -> None:
    one, other = rows(1), rows(2)
    assert [row.what for row in one] == [row.what for row in other]
    numbers = [row for row in (*one, *other) if row.number is not None]
    assert numbers
    for row in numbers:
        shown = re.match(r"\d+(?:\.(\d+))?", row.value)
        assert shown is not None
        assert float(shown[0]) == pytest.approx(row.number, abs=0.51 * 10.0 ** -len(shown[1] or ""))
        assert row.better is not None
