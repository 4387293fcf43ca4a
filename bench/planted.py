"""Planted shortcuts: is the confounder that a model was led to named, and is nothing named where none was planted?

Image vectors are simulated: every finding is a direction of the encoder's space, an image holds some of them, the
vocabulary says each in several ways. A logistic regression is trained on images in which one thing - a device, a small
marker, the view, the noise of a site - goes with the disease, and audited on others in which it does so still, or no
longer. The published procedure (k-means slices; concepts ranked by how much the slice of the lowest AUROC differs from
the best one, without a test) runs on the same images.

    python -m bench.planted     the whole table
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.drawn_rows import drawn_rows
from bench.measure import Row
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.find import find_confounders
from kb.statistics.ranking import Ranking

KINDS = ("device", "marker", "view", "site noise")
STRENGTHS = (0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
PREVALENCES = (0.1, 0.3)
AMPLITUDE = {"device": 0.9, "marker": 0.45, "view": 1.5, "site noise": 0.8}
"""How much of an image the planted thing is; a disease is 0.8."""

DIMENSION, FINDINGS, VARIANTS, IMAGES = 128, 60, 25, 3000
DISEASE, PLANTED = 0, 1
NULLS = 200
SLICES, LEAST, TOP = 10, 10, 10


@dataclass(frozen=True)
class Setting:
    """One planted shortcut: P(thing | disease) is `strength`, P(thing | no disease) its complement."""

    kind: str
    strength: float
    prevalence: float
    at_test: bool
    seed: int
    planted: bool = True


class World:
    """Findings as directions, and the concepts of a vocabulary that say them."""

    def __init__(self, setting: Setting):
        draw = np.random.default_rng(setting.seed)
        self.kind = setting.kind
        self.findings = _unit(draw.standard_normal((FINDINGS, DIMENSION)))
        self.concepts = np.concatenate(
            [_unit(f + 0.08 * draw.standard_normal((VARIANTS, DIMENSION))) for f in self.findings]
        ).astype(np.float32)
        self.names = np.repeat([f"finding {number}" for number in range(FINDINGS)], VARIANTS)
        self.common = draw.uniform(0.04, 0.3, FINDINGS)
        self.amplitude = draw.uniform(0.6, 1.2, FINDINGS)
        self.amplitude[[DISEASE, PLANTED]] = 0.8, AMPLITUDE[setting.kind]

    def images(self, setting: Setting, shortcut: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vectors, truths and patients of images in which the planted thing goes with the disease, or does not."""
        draw = np.random.default_rng(seed)
        owners = np.repeat(np.arange(IMAGES), draw.integers(1, 4, IMAGES))[:IMAGES]
        truth = draw.random(IMAGES) < setting.prevalence
        strength = setting.strength if setting.planted else 0.5
        overall = setting.prevalence * strength + (1 - setting.prevalence) * (1 - strength)
        chance = np.where(truth, strength, 1 - strength) if shortcut else overall
        there = draw.random((IMAGES, FINDINGS)) < self.common
        there[:, DISEASE], there[:, PLANTED] = truth, draw.random(IMAGES) < chance
        held = there * self.amplitude * draw.uniform(0.5, 1.5, there.shape)
        noise = 2.2 * draw.standard_normal((IMAGES, DIMENSION))
        if self.kind == "site noise":
            noise *= np.where(there[:, PLANTED], 1.4, 1)[:, None]
        person = 0.9 * draw.standard_normal((IMAGES, DIMENSION))[owners]
        return _unit(held @ self.findings + (noise + person) / np.sqrt(DIMENSION)).astype(np.float32), truth, owners


@dataclass(frozen=True)
class Outcome:
    """Where the planted finding came in among the first ten of 59, by our audit and by the published procedure."""

    setting: Setting
    rank: int | None
    q: float
    q_leans: float
    lowest_q: float
    lowest_q_leans: float
    published: int | None
    auroc: float


def run_setting(setting: Setting) -> Outcome:
    """Plant, train, audit."""
    from sklearn.linear_model import LogisticRegression

    world = World(setting)
    vectors, truth, _ = world.images(setting, True, setting.seed + 10_000)
    model = LogisticRegression(C=10, max_iter=500).fit(vectors, truth)
    vectors, truth, owners = world.images(setting, setting.at_test, setting.seed + 20_000)
    logit = model.decision_function(vectors).astype(np.float64)
    rows = drawn_rows(truth, logit, owners)
    texts = [f"{name}, said {number}" for number, name in enumerate(world.names)]
    every = np.ones(len(texts), dtype=bool)
    concepts = Concepts(texts, texts, list(world.names), every, world.concepts)
    found = find_confounders(Evidence(rows, (), np.arange(IMAGES), vectors), concepts, {"finding 0"}, limit=TOP).rows
    place = next((n for n, row in enumerate(found) if row.finding == "finding 1"), None)
    return Outcome(
        setting,
        None if place is None else place + 1,
        1.0 if place is None else found[place].q,
        1.0 if place is None else found[place].leans.q,
        min(row.q for row in found),
        min(row.leans.q for row in found),
        _published(world, vectors, truth, logit),
        Ranking(truth, logit).auroc,
    )


def _published(world: World, vectors: np.ndarray, truth: np.ndarray, logit: np.ndarray) -> int | None:
    """The rank of the planted finding by mean differences between the worst and the best k-means slice."""
    from sklearn.cluster import KMeans

    labels = KMeans(SLICES, n_init=3, random_state=0).fit_predict(vectors)
    scored = []
    for number in range(SLICES):
        chosen = labels == number
        if min(truth[chosen].sum(), (~truth[chosen]).sum()) >= LEAST:
            scored.append((Ranking(truth[chosen], logit[chosen]).auroc, number))
    if len(scored) < 2:
        return None
    worst, best = (vectors[labels == min(scored)[1]].mean(axis=0), vectors[labels == max(scored)[1]].mean(axis=0))
    differences = np.abs(world.concepts @ (worst - best))
    differences[world.names == "finding 0"] = -1
    order = world.names[np.argsort(-differences)]
    findings = list(dict.fromkeys(order.tolist()))
    return findings.index("finding 1") + 1


def settings() -> Iterator[Setting]:
    """Every kind, strength and prevalence, with the shortcut at test and without."""
    for number, (kind, strength, prevalence, at_test) in enumerate(
        product(KINDS, STRENGTHS, PREVALENCES, (True, False))
    ):
        yield Setting(kind, strength, prevalence, at_test, number)


def nulls(count: int = NULLS) -> Iterator[Setting]:
    """Settings in which nothing is planted."""
    for number in range(count):
        kind, prevalence = KINDS[number % 4], PREVALENCES[number // 4 % 2]
        yield Setting(kind, 0.5, prevalence, True, 50_000 + number, planted=False)


def main() -> None:
    outcomes = [run_setting(one) for one in settings()]
    table = Table(
        title=f"{len(outcomes)} settings: the planted finding named, of {FINDINGS - 1} (top 10 by chance: 17 %)"
    )
    for column in (
        "shortcut",
        "strength",
        "at test",
        "first",
        "top 10",
        "q < 0.05",
        "leans: q < 0.05",
        "published: top 10",
    ):
        table.add_column(column, justify="right")
    for kind, at_test, strong in product(KINDS, (True, False), (False, True)):
        chosen = [
            o
            for o in outcomes
            if (o.setting.kind, o.setting.at_test, o.setting.strength >= 0.8) == (kind, at_test, strong)
        ]
        table.add_row(kind, "0.8-0.99" if strong else "0.6-0.7", "yes" if at_test else "no", *_shares(chosen))
    strong_ones = [o for o in outcomes if o.setting.strength >= 0.8]
    table.add_row("all", "0.8-0.99", "", *_shares(strong_ones), style="bold")
    console = Console(width=120)
    console.print(table)
    null = [run_setting(one) for one in nulls()]
    named = sum(o.lowest_q < 0.05 for o in null)
    leaned = sum(o.lowest_q_leans < 0.05 for o in null)
    console.print(
        f"nothing planted, {len(null)} runs: {named} name a confounder at q < 0.05, {leaned} anything leaned on"
    )


COLUMNS = ("first", "top 10", "q < 0.05", "leans: q < 0.05", "published: top 10")


def run() -> list[Row]:
    """The shares of settings of strength 0.8 and more in which the planted finding is named; nulls."""
    outcomes = [o for o in map(run_setting, settings()) if o.setting.strength >= 0.8]
    rows = []
    for at_test in (True, False):
        chosen = [o for o in outcomes if o.setting.at_test == at_test]
        counts = dict(zip(COLUMNS, _counts(chosen), strict=True))
        shares = {name: f"{count}/{len(chosen)}" for name, count in counts.items()}
        where = "with the shortcut at test" if at_test else "without it at test"
        others = f"first {shares['first']}, q < 0.05 {shares['q < 0.05']}"
        published = f"published procedure: {shares['published: top 10']}"
        rows.append(
            Row(
                f"planted shortcuts named in the top 10 of {FINDINGS - 1} findings, {where}",
                shares["top 10"],
                others,
                published,
                number=counts["top 10"],
                better="higher",
            )
        )
    named = sum(o.lowest_q < 0.05 for o in map(run_setting, nulls()))
    what = "nothing planted: runs that name a confounder at q < 0.05"
    rows.append(Row(what, f"{named}/{NULLS}", "", "limit: 5 %", number=named, better="lower"))
    return rows


def _shares(outcomes: list[Outcome]) -> list[str]:
    return [f"{count}/{len(outcomes)}" for count in _counts(outcomes)]


def _counts(outcomes: list[Outcome]) -> list[int]:
    return [
        sum(o.rank == 1 for o in outcomes),
        sum(o.rank is not None and o.rank <= 10 for o in outcomes),
        sum(o.q < 0.05 for o in outcomes),
        sum(o.q_leans < 0.05 for o in outcomes),
        sum(o.published is not None and o.published <= 10 for o in outcomes),
    ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    main()
