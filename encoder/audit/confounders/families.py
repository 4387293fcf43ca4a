"""The tests of all things of one kind - concepts, findings of reports, attributes - with what they are ranked by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from encoder.audit.confounders.concept_tests import Bulk, ConceptTests, bulk_of, p_values, test_concepts
from encoder.audit.confounders.disease import telling_nothing
from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.exposures import Exposures
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.moments import Cohort, moments_of
from encoder.audit.confounders.result import LEVEL, Estimate, Kind, Verdict
from encoder.audit.rows import AuditRows
from kb.statistics.interval import Z95

BASE = 0.3
"""What leaning counts for where the thing does not go with the label here: it may have where the model was trained."""

DISEASE_DIRECTIONS = 3
"""Directions that the concepts of a disease span in the main: their mean, and in what they differ most."""


@dataclass(frozen=True, eq=False)
class Concepts:
    """Concepts of a vocabulary, N of them, as directions of an image encoder's space.

    Attributes:
        ids: their ids.
        texts: their texts.
        findings: what each is of.
        present: whether each says that its finding is there.
        vectors: C, (N, d), rows of length 1; may be mapped from a file.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    findings: Sequence[str]
    present: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False, kw_only=True)
class Family:
    """Tests of one kind, with the q of each and what they weigh; arrays of equal length.

    Attributes:
        kind: of what they are tests.
        names: of the things.
        findings: what each is of, or None.
        tests: the estimates.
        wanted: which may be named: not those of the disease itself, nor concepts that say that a finding is absent.
        q: of leaning, of going with the label, and of both.
        weight: what they are ranked by; 0 for those not wanted.
        logit_spread: of the logit within strata.
        bulks: what leaning and going with the label are held against; None for 0.
    """

    kind: Kind
    names: Sequence[str]
    findings: Sequence[str | None]
    tests: ConceptTests
    wanted: np.ndarray
    q: dict[Literal["leans", "goes_with", "both"], np.ndarray]
    weight: np.ndarray
    logit_spread: float
    bulks: tuple[Bulk | None, Bulk | None] = (None, None)

    def leans(self, at: int) -> Estimate:
        """How the model leans on one: the correlation, with an interval that ends where correlations do."""
        stated = self._estimate(self.tests.lean[at], self.tests.lean_error[at], self.bulks[0], self.q["leans"][at])
        return replace(stated, low=max(stated.low, -1.0), high=min(stated.high, 1.0))

    def goes_with(self, at: int) -> Estimate:
        """How one goes with the label: the standardised difference."""
        return self._estimate(self.tests.shift[at], self.tests.shift_error[at], self.bulks[1], self.q["goes_with"][at])

    def effect(self, at: int) -> Estimate:
        """What leaning is in the logit: with it against without, or for a standard deviation of a concept's score."""
        step = self.logit_spread / (1.0 if self.kind == "image" else float(self.tests.spread[at]))
        leans = self.leans(at)
        return Estimate(leans.value * step, leans.low * step, leans.high * step, leans.q, leans.usual * step)

    def _estimate(self, value: float, error: float, bulk: Bulk | None, q: float) -> Estimate:
        reach = Z95 * float(error)
        usual = bulk.centre if bulk else 0.0
        return Estimate(float(value), float(value - reach), float(value + reach), float(q), usual)

    def verdict(self, at: int) -> Verdict:
        """What is called at a false discovery rate of 0.05."""
        if self.q["both"][at] < LEVEL:
            return "confounder"
        return "leaned on" if self.q["leans"][at] < LEVEL else ""

    def best(self) -> list[int]:
        """One of each finding (or of each name, where it has none): the weightiest of those that may be named."""
        found: dict[str, int] = {}
        for at in np.argsort(-self.weight, kind="stable"):
            if self.wanted[at] and np.isfinite(self.tests.lean[at]):
                found.setdefault(self.findings[at] or f"name {self.names[at]}", int(at))
        return list(found.values())


def image_family(cohort: Cohort, concepts: Concepts, disease: Collection[str], *, families: int) -> Family:
    """Every concept tested by its score in images, from moments; see `encoder.audit.confounders.concept_tests`.

    With too few findings to tell how concepts lean in general nothing is called: every q is NaN.
    """
    findings = np.asarray(concepts.findings, dtype=object).astype(str)
    moments, directions = moments_of(cohort), disease_directions(concepts, disease)
    if directions is not None:
        moments = moments.beyond(directions)
    tests = test_concepts(moments, concepts.vectors)
    wanted = concepts.present & ~np.isin(findings, sorted({*disease, *telling_nothing()}))
    _, groups = np.unique(findings, return_inverse=True)

    def bulk(estimates: np.ndarray, errors: np.ndarray) -> Bulk | None:
        return bulk_of(estimates[wanted], errors[wanted], groups[wanted])

    bulks = bulk(tests.lean, tests.lean_error), bulk(tests.shift, tests.shift_error)
    patients = moments.effective if None not in bulks else float("nan")
    named = _Named("image", concepts.texts, concepts.findings, wanted, groups)
    return _family(
        named,
        tests,
        bulks,
        patients=np.full(len(concepts), patients),
        logit_spread=moments.logit_spread,
        families=families,
    )


def exposure_family(exposures: Exposures, rows: AuditRows, disease: Collection[str], *, families: int) -> Family:
    """Every finding of reports, or every attribute, tested by where it is there."""
    tests, patients = exposures.tests(rows)
    aside = {*disease, *telling_nothing()}
    wanted = np.array([finding is None or finding not in aside for finding in exposures.findings], dtype=bool)
    beyond = centred(rows.logit, rows.truth)
    spread = float(np.sqrt(beyond @ beyond / max(len(beyond) - 2, 1)))
    named = _Named(exposures.kind, exposures.names, exposures.findings, wanted, np.arange(len(exposures)))
    return _family(named, tests, (None, None), patients=patients, logit_spread=spread, families=families)


def disease_directions(concepts: Concepts, disease: Collection[str]) -> np.ndarray | None:
    """The directions that the concepts of a disease span in the main, (d, k); None if there is no such concept."""
    findings = np.asarray(concepts.findings, dtype=object).astype(str)
    chosen = np.flatnonzero(np.isin(findings, sorted(disease)) & concepts.present)
    if not len(chosen):
        return None
    vectors = np.asarray(concepts.vectors[chosen], dtype=np.float64)
    mean = vectors.mean(axis=0)
    _, sizes, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    apart = directions[: DISEASE_DIRECTIONS - 1][sizes[: DISEASE_DIRECTIONS - 1] > 1e-6]
    return np.concatenate([mean[None, :], apart]).T


@dataclass(frozen=True, eq=False)
class _Named:
    """The things of one kind: their names, findings, which may be named, and which are called together."""

    kind: Kind
    names: Sequence[str]
    findings: Sequence[str | None]
    wanted: np.ndarray
    groups: np.ndarray


def _family(
    named: _Named,
    tests: ConceptTests,
    bulks: tuple[Bulk | None, Bulk | None],
    patients: np.ndarray,
    logit_spread: float,
    families: int,
) -> Family:

    def tested(estimates: np.ndarray, errors: np.ndarray, bulk: Bulk | None) -> np.ndarray:
        p = np.full(len(estimates), np.nan)
        for count in np.unique(patients[np.isfinite(patients)]):
            chosen = named.wanted & (patients == count)
            p[chosen] = p_values(estimates[chosen], errors[chosen], bulk, patients=float(count))
        return p

    lean, shift = (
        values - (bulk.centre if bulk else 0.0) for values, bulk in zip((tests.lean, tests.shift), bulks, strict=True)
    )
    p_lean = tested(tests.lean, tests.lean_error, bulks[0])
    p_shift = tested(tests.shift, tests.shift_error, bulks[1])
    # Both must hold, and the larger p is a p of that, whatever ties the two (intersection-union test: Berger, 1982).
    both = np.where(lean * shift > 0, np.maximum(p_lean, p_shift), np.where(np.isnan(p_lean), np.nan, 1.0))
    along = np.maximum(np.sign(lean) * shift - tests.shift_error, 0)
    weight = np.maximum(np.abs(lean) - tests.lean_error, 0) * (along + BASE)
    q = {"leans": p_lean, "goes_with": p_shift, "both": both}
    return Family(
        kind=named.kind,
        names=named.names,
        findings=named.findings,
        tests=tests,
        wanted=named.wanted,
        q={name: q_values(p, families, named.groups) for name, p in q.items()},  # type: ignore[misc]
        weight=np.where(named.wanted, np.nan_to_num(weight), 0.0),
        logit_spread=logit_spread,
        bulks=bulks,
    )
