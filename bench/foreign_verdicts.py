"""Verdicts on worlds unlike ours: is what was planted named for what it is, and nothing where nothing was planted?

Vectors as contrastive encoders make them: all of them lie in a narrow cone, findings come in clusters that look alike,
and a concept's vector is not quite the direction that images take. A small neural network is trained on 2,000 images
and audited on 800 others, of 30 findings, some patients with several images. Planted is

    shortcut     in 90, 70 or 50 % of the positives and 10 % of the others: still at test, or no longer
    of a site    the same at one of three sites alone, at the others in 20 % of all
    correlate    in 60 % of the positives and 12 % of the others, at all three sites, and in training as well
    nothing      two hundred times

Each world is audited by its image scores alone, and with reports that say what is there.

    python -m bench.foreign_verdicts     the whole table
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.drawn_rows import drawn_rows
from bench.measure import Row
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import exposures_of
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.find import find_confounders
from encoder.audit.confounders.result import VERDICTS, Confounder

FINDINGS, VARIANTS, DIMENSION = 30, 8, 64
TRAINED, AUDITED = 2_000, 800
PREVALENCE, ELSEWHERE, IMAGES_A_PATIENT = 0.3, 0.2, 1.4
CLUSTERS, CONE, CLUSTERED, ASKEW = 6, 1.5, 0.8, 0.5
NOISE, PERSON = 2.4, 0.6
DISEASE, PLANTED = 0, 1
AMOUNT = {DISEASE: 0.8, PLANTED: 0.9}
SITES = ("A", "B", "C")
WORLDS, NULLS, SHOWN = 30, 200, 6

Where = Literal["everywhere", "one site", "nowhere"]


@dataclass(frozen=True)
class Setting:
    """What is planted.

    Attributes:
        name: of the setting.
        with_disease: the share of the positives that have the thing; None for no link.
        without: the share of the others.
        at_test: where the link holds in what is audited.
        in_training: where it holds in what the model was trained on.
        sites: whether it is known from which of three sites an image is.
    """

    name: str
    with_disease: float | None
    without: float = 0.1
    at_test: Where = "everywhere"
    in_training: Where = "everywhere"
    sites: bool = False


SETTINGS = (
    *(Setting(f"shortcut {share}, still there", share) for share in (0.9, 0.7, 0.5)),
    *(Setting(f"shortcut {share}, gone at test", share, at_test="nowhere") for share in (0.9, 0.7, 0.5)),
    Setting("shortcut 0.9 of one site of three", 0.9, at_test="one site", in_training="one site", sites=True),
    Setting("correlate 0.6 at three sites alike", 0.6, 0.12, sites=True),
    Setting("correlate 0.6, one site", 0.6, 0.12),
)
NOTHING = Setting("nothing planted", None, sites=True)


class World:
    """Findings as directions that images move in, and concepts that say them, not quite along these."""

    def __init__(self, seed: int):
        draw = np.random.default_rng(seed)
        self.cone = CONE * _unit(draw.standard_normal(DIMENSION))
        centres = _unit(draw.standard_normal((CLUSTERS, DIMENSION)))[draw.integers(0, CLUSTERS, FINDINGS)]
        self.directions = _unit(_unit(draw.standard_normal((FINDINGS, DIMENSION))) + CLUSTERED * centres)
        askew = ASKEW * _unit(draw.standard_normal((FINDINGS, DIMENSION)))
        said = np.repeat(self.cone + self.directions + askew, VARIANTS, axis=0)
        self.texts = _unit(said + 0.25 * _unit(draw.standard_normal(said.shape))).astype(np.float32)
        self.common = draw.uniform(0.05, 0.3, FINDINGS)
        self.amounts = draw.uniform(0.6, 1.2, FINDINGS)
        self.amounts[list(AMOUNT)] = list(AMOUNT.values())

    @property
    def concepts(self) -> Concepts:
        """The vocabulary."""
        findings = [f"finding {number}" for number in range(FINDINGS) for _ in range(VARIANTS)]
        texts = [f"{finding}, said {number}" for number, finding in enumerate(findings)]
        return Concepts(texts, texts, findings, np.ones(len(texts), dtype=bool), self.texts)

    def images(self, setting: Setting, where: Where, count: int, seed: int) -> Images:
        """Images in which the thing goes with the disease there, and elsewhere with nothing."""
        draw = np.random.default_rng(seed)
        truth = draw.random(count) < PREVALENCE
        site = draw.integers(0, len(SITES), count)
        there = draw.random((count, FINDINGS)) < self.common
        there[:, DISEASE] = truth
        if setting.with_disease is not None:
            there[:, PLANTED] = draw.random(count) < _chance(setting, where, truth, site)
        owners = np.unique(draw.integers(0, int(count / IMAGES_A_PATIENT), count), return_inverse=True)[1]
        held = there * draw.uniform(0.5, 1.5, there.shape) * self.amounts
        noise = NOISE * draw.standard_normal((count, DIMENSION))
        person = PERSON * draw.standard_normal((count, DIMENSION))[owners]
        cone = self.cone * draw.normal(1, 0.15, (count, 1))
        vectors = _unit(cone + held @ self.directions + (noise + person) / np.sqrt(DIMENSION)).astype(np.float32)
        return Images(vectors, truth, there, owners, site)


@dataclass(frozen=True, eq=False)
class Images:
    """Vectors, truths, what is there, patients and sites of images."""

    vectors: np.ndarray
    truth: np.ndarray
    there: np.ndarray
    owners: np.ndarray
    site: np.ndarray

    def evidence(self, logit: np.ndarray, *, reports: bool, sites: bool) -> Evidence:
        """What an audit knows of them."""
        count = len(self.truth)
        rows = drawn_rows(self.truth, logit, self.owners)
        stated = ((int(row), f"finding {k}", f"finding {k}") for row, k in zip(*np.nonzero(self.there), strict=True))
        exposures = [exposures_of("report", stated, np.ones(count, dtype=bool))] if reports else []
        groups = {"site": np.array(SITES, dtype=object)[self.site]} if sites else {}
        return Evidence(rows, exposures, np.arange(count), self.vectors, groups)


def _chance(setting: Setting, where: Where, truth: np.ndarray, site: np.ndarray) -> np.ndarray:
    """How probable the thing is in each image."""
    assert setting.with_disease is not None
    linked = np.where(truth, setting.with_disease, setting.without)
    unlinked = PREVALENCE * setting.with_disease + (1 - PREVALENCE) * setting.without
    if where == "one site":
        return np.where(site == 0, linked, ELSEWHERE)
    return linked if where == "everywhere" else np.full(len(truth), unlinked)


def trained(images: Images, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """The logits of a small neural network that was trained on images."""
    from sklearn.neural_network import MLPClassifier

    middle = images.vectors.mean(axis=0)
    network = MLPClassifier((32,), max_iter=60, early_stopping=True, learning_rate_init=3e-3, random_state=seed)
    network.fit((images.vectors - middle) * np.sqrt(DIMENSION), images.truth)

    def logits(vectors: np.ndarray) -> np.ndarray:
        chances = network.predict_proba((vectors - middle) * np.sqrt(DIMENSION))[:, 1].astype(np.float64)
        kept = np.clip(chances, 1e-9, 1 - 1e-9)
        found: np.ndarray = np.log(kept / (1 - kept))
        return found

    return logits


def audited(setting: Setting, seed: int) -> dict[str, list[Confounder]]:
    """The rows of the audits of one world: by images alone, and with reports."""
    world = World(seed)
    logits = trained(world.images(setting, setting.in_training, TRAINED, seed + 100_000), seed)
    images = world.images(setting, setting.at_test, AUDITED, seed + 200_000)
    logit = logits(images.vectors)
    return {
        by: find_confounders(
            images.evidence(logit, reports=by == "reports", sites=setting.sites),
            world.concepts,
            {f"finding {DISEASE}"},
            limit=SHOWN,
        ).rows
        for by in ("images", "reports")
    }


@dataclass(frozen=True)
class Tally:
    """The audits of one setting, counted.

    Attributes:
        setting: what was planted.
        by: "images" alone, or "reports".
        audits: how many.
        first: in how many of them the planted thing stands first.
        verdicts: what it was called, where it is among the rows.
        others: audits in which another thing is called a confounder.
        any_called: audits in which anything else has a verdict.
    """

    setting: Setting
    by: str
    audits: int
    first: int
    verdicts: Counter[str]
    others: int
    any_called: int

    @property
    def told(self) -> dict[str, str]:
        """The counts, as cells."""
        planted = self.setting.with_disease is not None
        return {
            "setting": self.setting.name,
            "by": self.by,
            "first": f"{self.first}/{self.audits}" if planted else "",
            **{verdict: str(self.verdicts[verdict]) if planted else "" for verdict in VERDICTS if verdict},
            "others called confounder": f"{self.others}/{self.audits}",
            "anything called": f"{self.any_called}/{self.audits}",
        }


def tallies(
    settings: Sequence[Setting] = (*SETTINGS, NOTHING), worlds: int = WORLDS, nulls: int = NULLS
) -> list[Tally]:
    """Every setting, by images alone and with reports."""
    found = []
    for setting in settings:
        seeds = range(worlds) if setting.with_disease is not None else range(1_000, 1_000 + nulls)
        audits = [audited(setting, seed) for seed in seeds]
        found += [_tally(setting, by, [audit[by] for audit in audits]) for by in ("images", "reports")]
    return found


def _tally(setting: Setting, by: str, audits: list[list[Confounder]]) -> Tally:
    planted = f"finding {PLANTED}" if setting.with_disease is not None else ""
    theirs = [next((row for row in rows if row.finding == planted), None) for rows in audits]
    others = [[row for row in rows if row.finding != planted] for rows in audits]
    return Tally(
        setting=setting,
        by=by,
        audits=len(audits),
        first=sum(bool(rows) and rows[0].finding == planted for rows in audits),
        verdicts=Counter(row.verdict for row in theirs if row is not None),
        others=sum(any(row.verdict == "confounder" for row in rows) for rows in others),
        any_called=sum(any(row.verdict for row in rows) for rows in others),
    )


def rows() -> list[Row]:
    """The tallies as rows of the results."""
    found = []
    for one in tallies():
        given = ", ".join(
            f"{verdict} {one.verdicts[verdict]}" for verdict in VERDICTS if verdict and one.verdicts[verdict]
        )
        planted = one.setting.with_disease is not None
        what = "the planted thing stands first" if planted else "a confounder is called"
        count = one.first if planted else one.others
        found.append(
            Row(
                f"{one.setting.name}, by {one.by}: {what}",
                f"{count}/{one.audits}",
                given,
                f"another thing called confounder {one.others}/{one.audits}",
                number=count,
                better="higher" if planted else "lower",
            )
        )
    return found


def main() -> None:
    """Print the whole table."""
    table = Table(title=f"{WORLDS} worlds a setting, {NULLS} with nothing planted: verdicts on the planted thing")
    told = [one.told for one in tallies()]
    for column in told[0]:
        table.add_column(column, justify="left" if column == "setting" else "right")
    for one in told:
        table.add_row(*one.values())
    Console(width=150).print(table)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    main()
