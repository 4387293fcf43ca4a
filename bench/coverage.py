"""How often 95% intervals hold a truth that is known, beside the percentile bootstrap and DeLong."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from bench.measure import Row, score_row
from kb.statistics.auroc import auroc_interval
from kb.statistics.calibration import BINS, calibration_error, equal_mass_bins
from kb.statistics.calibration_beyond_chance import beyond_chance
from kb.statistics.delong import covariance, delong_test
from kb.statistics.interval import Z95
from kb.statistics.ranking import Ranking
from kb.statistics.recalibration import recalibrate
from kb.statistics.resampling import interval, multiplicities, precision_interval, resampled, two_sided_p
from kb.statistics.shares import share_interval, wilson

DRAWS = 200
RESAMPLES = 300
POPULATION = 1_000_000
"""Rows that a true value is counted on where no formula gives it."""

Held = dict[str, bool | None]
"""Whether the interval of each method holds the truth; None where there is no interval."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A population to draw samples of.

    Attributes:
        name: what is said of it.
        patients: of a sample.
        images: of each patient, half of whose luck is the patient's own.
        positives: of a sample; None: each patient by the prevalence.
        auroc: of the scores.
        wide: by what the positives' scores are spread more than the negatives'.
    """

    name: str
    patients: int
    images: int = 1
    positives: int | None = None
    auroc: float = 0.85
    wide: float = 1.0

    @property
    def prevalence(self) -> float:
        """Share of positives."""
        return 0.2 if self.positives is None else self.positives / self.patients

    @property
    def apart(self) -> float:
        """How far the means of the two truths lie from each other."""
        return math.sqrt(1 + self.wide**2) * float(norm.ppf(self.auroc))

    def sample(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Truths, noise and patients."""
        known = random.permutation(self.patients) < (self.positives or 0)
        alike = known if self.positives else random.random(self.patients) < self.prevalence
        patients = np.repeat(np.arange(self.patients), self.images)
        return alike[patients], lucky(random, patients), patients

    def scores(self, truth: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The scores of some rows."""
        return np.where(truth, self.apart + self.wide * noise, noise)


SETTINGS = (
    Setting(name="300 rows", patients=300),
    Setting(name="100 patients of 3 images", patients=100, images=3),
    Setting(name="12 positives of 200", patients=200, positives=12, auroc=0.95),
    Setting(name="300 rows, positives spread twice as far", patients=300, wide=2.0),
)


def lucky(random: np.random.Generator, patients: np.ndarray) -> np.ndarray:
    """Standard normal noise, half of whose variance rows of one patient have in common."""
    own, shared = random.normal(size=len(patients)), random.normal(size=int(patients.max()) + 1)
    if len(shared) == len(patients):
        return own
    found: np.ndarray = (own + shared[patients]) / math.sqrt(2)
    return found


def auroc(setting: Setting, random: np.random.Generator) -> Held:
    """The AUROC of one sample."""
    truth, noise, patients = setting.sample(random)
    scores = setting.scores(truth, noise)
    found = auroc_interval(truth, scores, patients)
    aurocs, errors = covariance(truth, scores[None])
    reach = Z95 * math.sqrt(max(float(errors[0, 0]), 0))
    ranking = Ranking(truth, scores)
    return {
        "": _holds(found, setting.auroc),
        "percentile bootstrap": _percentile(
            setting, patients, lambda w: ranking.scores_of(w)[0], setting.auroc, random
        ),
        "DeLong": aurocs[0] - reach <= setting.auroc <= aurocs[0] + reach,
    }


def average_precision(setting: Setting, random: np.random.Generator, *, true: float) -> Held:
    """The average precision of one sample."""
    truth, noise, patients = setting.sample(random)
    ranking = Ranking(truth, setting.scores(truth, noise))
    drawn = multiplicities(setting.patients, RESAMPLES, int(random.integers(2**31)))
    values = resampled(drawn, patients, lambda weights: {"": ranking.scores_of(weights)[1]})[""]
    exact = float(ranking.scores_of(np.ones(len(truth)))[1])
    found = precision_interval(exact, values, len(np.unique(patients[truth])))
    return {"": _holds(found, true), "percentile bootstrap": _holds(interval(values), true)}


def share(setting: Setting, random: np.random.Generator, *, true: float) -> Held:
    """A share of rows of one sample, such as a sensitivity."""
    _, noise, patients = setting.sample(random)
    said = noise < norm.ppf(true)
    return {
        "": _holds(share_interval(said, patients), true),
        "percentile bootstrap": _percentile(setting, patients, lambda w: w @ said / w.sum(axis=1), true, random),
        "Wilson without patients": _holds(wilson(float(said.mean()), len(said)), true),
    }


def difference(setting: Setting, random: np.random.Generator) -> Held:
    """Whether two models that are alike differ at p < 0.05; "held" where they do not."""
    truth, noise, patients = setting.sample(random)
    other = (noise + lucky(random, patients)) / math.sqrt(2)
    first, second = setting.scores(truth, noise), setting.scores(truth, other)
    rankings = [Ranking(truth, scores) for scores in (first, second)]
    drawn = multiplicities(setting.patients, RESAMPLES, int(random.integers(2**31)))
    values = resampled(
        drawn, patients, lambda weights: {"": rankings[0].scores_of(weights)[0] - rankings[1].scores_of(weights)[0]}
    )[""]
    by_delong, by_resamples = (
        None if one is None else one > 0.05 for one in (delong_test(truth, first, second).p, two_sided_p(values))
    )
    ours = by_delong if setting.images == 1 else by_resamples
    return {"": ours, "patient bootstrap": by_resamples, "DeLong": by_delong}


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a model makes of the chances that truths come by.

    Attributes:
        name: what is said of it.
        stretched: by what the logits are multiplied.
        shifted: what is added to them.
        lump: what is added to chances above one half.
        rare: whether positives are.
    """

    name: str
    stretched: float = 1.0
    shifted: float = 0.0
    lump: float = 0.0
    rare: bool = False

    def population(self, random: np.random.Generator, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chance and the score of rows."""
        logits = (-4 if self.rare else -1.5) + 1.5 * lucky(random, patients)
        chances = expit(logits)
        scores = expit(self.stretched * logits + self.shifted)
        return chances, np.where(chances > 0.5, np.minimum(scores + self.lump, 0.99), scores)

    @property
    def error(self) -> float:
        """The true ECE."""
        chances, scores = self.population(np.random.default_rng(0), np.arange(POPULATION))
        order = np.argsort(scores, kind="stable")
        gaps = (scores - chances)[order].reshape(BINS, -1).mean(axis=1)
        return float(np.abs(gaps).mean())


CALIBRATED = Scores(name="a calibrated model")
MODELS = (
    CALIBRATED,
    Scores(name="logits 0.8 too high", shifted=0.8),
    Scores(name="logits twice too far", stretched=2.0),
    Scores(name="logits half too near", stretched=0.5),
    Scores(name="chances above one half 0.25 too high", lump=0.25),
    Scores(name="logits 0.8 too high, 2 to 9 positives in 100", shifted=0.8, rare=True),
)


def calibration(model: Scores, random: np.random.Generator, *, patients: np.ndarray, true: float) -> Held:
    """The ECE of one sample."""
    chances, scores = model.population(random, patients)
    truth = norm.cdf(lucky(random, patients)) < chances
    found = beyond_chance(truth, scores, patients, draws=RESAMPLES, seed=int(random.integers(2**31)))
    drawn = multiplicities(int(patients.max()) + 1, RESAMPLES, int(random.integers(2**31)))
    old = resampled(drawn, patients, lambda weights: {"": _errors(truth, scores, weights)})[""]
    return {
        "": found is not None and _holds(found.beyond, true),
        "percentile bootstrap of the ECE": _holds(interval(old), true),
    }


def recalibration(model: Scores, random: np.random.Generator, *, patients: np.ndarray, figure: str) -> Held:
    """Slope, intercept or calibration in the large of one sample."""
    chances, scores = model.population(random, patients)
    found = recalibrate(norm.cdf(lucky(random, patients)) < chances, scores, patients)
    return {
        "": {
            "slope": _holds(found.slope, 1 / model.stretched),
            "intercept": _holds(found.intercept, -model.shifted),
            "observed less expected": _holds(found.in_the_large, 0.0),  # of a calibrated model
        }[figure]
    }


def _errors(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return calibration_error(truth, scores, weights, bins=equal_mass_bins(scores))


def _percentile(
    setting: Setting,
    patients: np.ndarray,
    measure: Callable[[np.ndarray], np.ndarray],
    true: float,
    random: np.random.Generator,
) -> bool | None:
    drawn = multiplicities(setting.patients, RESAMPLES, int(random.integers(2**31)))
    return _holds(interval(resampled(drawn, patients, lambda weights: {"": measure(weights)})[""]), true)


def _holds(found: tuple[float, ...] | None, true: float) -> bool | None:
    return None if found is None else bool(found[-2] - 1e-9 <= true <= found[-1] + 1e-9)


def rows(draws: int = DRAWS) -> Iterator[Row]:
    """A row a figure and setting, from `draws` samples of each."""
    for setting in SETTINGS:
        yield _row(f"AUROC {setting.auroc}: {setting.name}", draws, partial(auroc, setting))
    for setting in SETTINGS[:3]:
        truth = np.arange(POPULATION) < setting.prevalence * POPULATION
        noise = np.random.default_rng(0).normal(size=POPULATION)
        true = float(Ranking(truth, setting.scores(truth, noise)).scores_of(np.ones(POPULATION))[1])
        yield _row(
            f"AUPRC {true:.2f}: {setting.name}",
            draws,
            lambda random, s=setting, t=true: average_precision(s, random, true=t),
        )
    for setting, true in ((SETTINGS[0], 0.8), (SETTINGS[1], 0.8), (Setting(name="30 rows", patients=30), 0.9)):
        yield _row(f"share {true}: {setting.name}", draws, partial(share, setting, true=true))
    for setting in SETTINGS[:3]:
        name = f"models alike do not differ at p < 0.05: {setting.name}"
        yield _row(name, draws, partial(difference, setting))
    for images in (1, 3):
        patients = np.repeat(np.arange(300 // images), images)
        where = "300 rows" if images == 1 else "100 patients of 3 images"
        for model in MODELS if images == 1 else MODELS[:4]:
            true = 0.0 if model is CALIBRATED else model.error
            yield _row(
                f"ECE {true:.3f}, {model.name}: {where}",
                draws,
                partial(calibration, model, patients=patients, true=true),
            )
        yield from _recalibrated(draws, patients, where)


def _recalibrated(draws: int, patients: np.ndarray, where: str) -> Iterator[Row]:
    for name, model in (("slope", MODELS[2]), ("intercept", MODELS[1]), ("observed less expected", CALIBRATED)):
        yield _row(
            f"calibration {name}, {model.name}: {where}",
            draws,
            partial(recalibration, model, patients=patients, figure=name),
        )


def _row(what: str, draws: int, once: Callable[[np.random.Generator], Held]) -> Row:
    """How many samples of each method hold the truth, of those that have an interval."""
    random = np.random.default_rng(5)
    held = [once(random) for _ in range(draws)]

    def coverage(method: str) -> tuple[float, int]:
        known = [one[method] for one in held if one[method] is not None]
        return (float(np.mean(known)) if known else math.nan), len(known)

    value, known = coverage("")
    ends = wilson(value, known)
    without = f", {draws - known} without one" if known < draws else ""
    others = ", ".join(f"{method} {coverage(method)[0]:.3f}" for method in held[0] if method)
    return score_row(f"{what} ({draws:,} draws)", value, f"{ends.low:.3f} to {ends.high:.3f}{without}", others or "-")


def run() -> list[Row]:
    """The coverage of every interval that `evaluate` prints, from 200 samples of each setting."""
    return list(rows())


def main() -> None:
    """`python -m bench.coverage 1000`: from so many samples of each setting, to look at; nothing is written."""
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS):
        print(f"{row.value}  ({row.spread})  {row.what}  [{row.against}]", flush=True)


if __name__ == "__main__":
    main()
