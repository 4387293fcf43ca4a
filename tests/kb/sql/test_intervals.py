"""The intervals of SQL are those of the library: one AUROC has one interval, whoever prints it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import t_quantile
from tests.support.tables import fill, run

PATIENTS = np.concatenate([np.repeat(np.arange(12), 3), np.arange(12, 30), np.repeat(30, 6)])
"""The patient of each of 60 images: twelve with three, eighteen with one, one with six."""

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(seed: int) -> Case:
    """Images, truths and scores: fewer or more of each, with ties, patients alike or not."""
    random = np.random.default_rng(seed)
    images = np.sort(random.choice(60, random.integers(8, 61), replace=False))
    by_patient = random.normal(size=31)[PATIENTS[images]]
    truth = by_patient + random.normal(size=len(images)) > random.normal()
    truth[:2] = True, False
    scores = 2 * random.random() * truth + by_patient * random.random() + random.normal(size=len(images))
    return images, truth, np.round(scores, random.integers(0, 3)) / 20 + 0.5


EVERY = np.arange(60)
EDGES: list[Case] = [
    (EVERY, EVERY < 20, (EVERY < 20) / 2.0),  # perfect, with patients of several images
    (EVERY, EVERY < 20, (EVERY >= 20) / 2.0),  # wrong throughout
    (EVERY, EVERY < 20, np.full(60, 0.5)),
    (EVERY, EVERY == 5, EVERY / 60),  # one positive
    (np.array([0, 3, 6, 9, 12, 15]), np.arange(6) < 3, np.array([2, 2, 2, 1, 3, 3]) / 3),  # each beats one of three
    (np.arange(36, 54), np.arange(18) < 5, np.arange(18) % 7 / 7),  # a patient an image
]
CASES = [*EDGES, *map(drawn, range(30))]


def test_an_auroc_has_the_interval_of_the_library_with_ties_and_patients(kb: KnowledgeBase) -> None:
    ids = [{"image_id": f"i{n}", "patient_id": f"p{patient}"} for n, patient in enumerate(PATIENTS)]
    held: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for number, (images, truth, scores) in enumerate(CASES):
        for n, true, score in zip(images, truth, scores, strict=True):
            held.append({**ids[n], "label": f"l{number}", "value": int(true), "source": "s"})
            said.append({**ids[n], "label": f"l{number}", "run": "r", "score": float(score)})
    held += [{"image_id": "unread", "patient_id": "p0", "label": f"l{n}", "source": "s"} for n in range(len(CASES))]
    said += [{"image_id": "unread", "label": f"l{n}", "run": "r", "score": 0.5} for n in range(len(CASES))]
    fill(kb, labels=held, predictions=said, runs=[run("r")])
    with Views(kb) as session:
        found = {row["label"]: row for row in session.run("FROM metrics_by('all')").rows()}
    assert len(found) == len(CASES)
    for number, (images, truth, scores) in enumerate(CASES):
        row, told = found[f"l{number}"], auroc_interval(truth, scores, PATIENTS[images])
        assert (row["n"], row["unknown"]) == (len(images), 1)
        assert (row["auroc"], row["auroc_low"], row["auroc_high"]) == pytest.approx(tuple(told or ()), abs=1e-9), number


@pytest.mark.parametrize("freedom", [0.5, 3, 7.5, 400])
def test_the_quantile_of_t_is_that_of_the_library(kb: KnowledgeBase, freedom: float) -> None:
    with Views(kb) as session:
        (row,) = session.run(f"SELECT t_quantile({freedom}) AS t, t_quantile('infinity') AS z").rows()
    assert row["t"] == pytest.approx(t_quantile(freedom), abs=1e-12)
    assert row["z"] == pytest.approx(1.959963984540054, abs=1e-12)
