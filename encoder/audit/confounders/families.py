"""The tests of all things of one kind - concepts, findings of reports, attributes - with what they are ranked by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from encoder.audit.confounders.concept_tests import (
    Bulk,
    ConceptTests,
    bulk_of,
    farthest_by_chance,
    freedom,
    p_values,
    test_concept,
    test_concepts,
)
from encoder.audit.confounders.disease import telling_nothing
from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.exposures import Exposures
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.moments import Cohort, Deviations
from encoder.audit.confounders.own_part import OwnPart, own_part
from encoder.audit.confounders.result import LEVEL, Estimate, Kind
from encoder.audit.rows import AuditRows
from kb.statistics.interval import Z95, t_quantile

BASE = 0.3
"""What leaning counts for where the thing does not go with the label here: it may have where the model was trained."""

EACH = 0.8**0.5
"""How often each of the two tests has to succeed for both to do so 8 times in 10."""

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
        own: the estimates that are tested: of the part of a concept's score that is its own (`own_part`), else as
            they are.
        plain: the estimates of one thing as they are, by its place: a table of one row.
        wanted: which may be named: not those of the disease itself, nor concepts that say that a finding is absent.
        q: of leaning, of going with the label, and of both.
        weight: what they are ranked by; 0 for those not wanted.
        logit_spread: of the logit within strata.
        patients: by how many the errors of leaning and of going with the label are known, (N,) each.
        families: the kinds that are tested side by side.
        bulks: what leaning and going with the label are held against; None for 0.
        part: what makes the own part of a concept's score; None for other kinds.
    """

    kind: Kind
    names: Sequence[str]
    findings: Sequence[str | None]
    own: ConceptTests
    plain: Callable[[int], ConceptTests]
    wanted: np.ndarray
    q: dict[Literal["leans", "goes_with", "both"], np.ndarray]
    weight: np.ndarray
    logit_spread: float
    patients: tuple[np.ndarray, np.ndarray]
    families: int
    bulks: tuple[Bulk | None, Bulk | None] = (None, None)
    part: OwnPart | None = None

    def leans(self, at: int) -> Estimate:
        """How the model leans on one: the correlation, with an interval that ends where correlations do."""
        plain = self.plain(at)
        stated = self._estimate(at, 0, plain.lean[0], plain.lean_error[0])
        stated = replace(stated, low=max(stated.low, -1.0), high=min(stated.high, 1.0))
        return stated if self.part is None else replace(stated, own=_plain(self.own.lean[at]), usual=self._usual(0))

    def goes_with(self, at: int) -> Estimate:
        """How one goes with the label: the standardised difference."""
        plain = self.plain(at)
        stated = self._estimate(at, 1, plain.shift[0], plain.shift_error[0])
        return stated if self.part is None else replace(stated, own=_plain(self.own.shift[at]), usual=self._usual(1))

    def effect(self, at: int) -> Estimate:
        """What leaning is in the logit: with it against without, or for a standard deviation of a concept's score."""
        step = self.logit_spread / (1.0 if self.kind == "image" else float(self.plain(at).spread[0]))
        leans = self.leans(at)
        return Estimate(leans.value * step, leans.low * step, leans.high * step, leans.q)

    def direction(self, at: int) -> int:
        """1 where the model says more with one than things in general make it say, -1 where less."""
        return 1 if self.own.lean[at] >= self._usual(0) else -1

    def least_called(self) -> tuple[float, float] | None:
        """How far r and d have to lie from what is usual for a thing to be called 8 times in 10; None if none can be.

        Of one thing alone, its errors those of the middle thing: q is then its p times all that is tested.
        """
        groups = len({self.findings[at] or self.names[at] for at in map(int, np.flatnonzero(self.wanted))})
        if not groups or (self.part is not None and None in self.bulks):
            return None
        reach = []
        errors = (self.own.lean_error, self.own.shift_error)
        for error, bulk, patients in zip(errors, self.bulks, self.patients, strict=True):
            known = self.wanted & np.isfinite(error)
            if not known.any():
                return None
            spread = float(np.hypot(np.median(error[known]), bulk.width if bulk else 0.0))
            degrees = float(freedom(bulk, np.median(patients[known])))
            reach.append(spread * farthest_by_chance(LEVEL / (groups * self.families), EACH, degrees))
        return reach[0], reach[1]

    def _usual(self, number: int) -> float:
        bulk = self.bulks[number]
        return bulk.centre if bulk else 0.0

    def _estimate(self, at: int, number: int, value: float, error: float) -> Estimate:
        known_by = float(self.patients[number][at])
        reach = (t_quantile(known_by - 1) if np.isfinite(known_by) else Z95) * float(error)
        q = self.q["leans" if number == 0 else "goes_with"][at]
        return Estimate(float(value), float(value - reach), float(value + reach), float(q))

    def best(self) -> list[int]:
        """One of each finding (or of each name, where it has none): the weightiest of those that may be named."""
        found: dict[str, int] = {}
        for at in np.argsort(-self.weight, kind="stable"):
            if self.wanted[at] and np.isfinite(self.own.lean[at]):
                found.setdefault(self.findings[at] or f"name {self.names[at]}", int(at))
        return list(found.values())


def image_family(cohort: Cohort, concepts: Concepts, disease: Collection[str], *, families: int) -> Family:
    """Every concept tested by its score in images, from moments; see `encoder.audit.confounders.concept_tests`.

    With too few findings to tell how concepts lean in general nothing is called: every q is NaN.
    """
    findings = np.asarray(concepts.findings, dtype=object).astype(str)
    deviations = Deviations.of(cohort)
    moments, part = deviations.moments, own_part(deviations, disease_directions(concepts, disease))
    own = test_concepts(part.moments, concepts.vectors)
    wanted = concepts.present & ~np.isin(findings, sorted({*disease, *telling_nothing()}))
    _, groups = np.unique(findings, return_inverse=True)

    def bulk(estimates: np.ndarray, errors: np.ndarray) -> Bulk | None:
        return bulk_of(estimates[wanted], errors[wanted], groups[wanted])

    bulks = bulk(own.lean, own.lean_error), bulk(own.shift, own.shift_error)
    patients = moments.effective if None not in bulks else float("nan")
    named = _Named("image", concepts.texts, concepts.findings, wanted, groups)
    return _family(
        named,
        own,
        # Of a few of very many that is wanted.
        plain=lambda at: test_concept(moments, concepts.vectors[at]),
        bulks=bulks,
        part=part,
        patients=(np.full(len(concepts), patients),) * 2,
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
    return _family(
        named,
        tests,
        plain=tests.row,
        bulks=(None, None),
        part=None,
        patients=patients,
        logit_spread=spread,
        families=families,
    )


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
    own: ConceptTests,
    *,
    plain: Callable[[int], ConceptTests],
    bulks: tuple[Bulk | None, Bulk | None],
    part: OwnPart | None,
    patients: tuple[np.ndarray, np.ndarray],
    logit_spread: float,
    families: int,
) -> Family:

    def tested(estimates: np.ndarray, errors: np.ndarray, bulk: Bulk | None, known_by: np.ndarray) -> np.ndarray:
        chosen = named.wanted & np.isfinite(known_by)
        p = np.full(len(estimates), np.nan)
        p[chosen] = p_values(estimates[chosen], errors[chosen], bulk, patients=known_by[chosen])
        return p

    lean, shift = (
        values - (bulk.centre if bulk else 0.0) for values, bulk in zip((own.lean, own.shift), bulks, strict=True)
    )
    p_lean = tested(own.lean, own.lean_error, bulks[0], patients[0])
    p_shift = tested(own.shift, own.shift_error, bulks[1], patients[1])
    # Both must hold, and the larger p is a p of that, whatever ties the two (intersection-union test: Berger, 1982).
    both = np.where(lean * shift > 0, np.maximum(p_lean, p_shift), np.where(np.isnan(p_lean), np.nan, 1.0))
    along = np.maximum(np.sign(lean) * shift - own.shift_error, 0)
    weight = np.maximum(np.abs(lean) - own.lean_error, 0) * (along + BASE)
    q = {"leans": p_lean, "goes_with": p_shift, "both": both}
    return Family(
        kind=named.kind,
        names=named.names,
        findings=named.findings,
        own=own,
        plain=plain,
        wanted=named.wanted,
        q={name: q_values(p, families, named.groups) for name, p in q.items()},  # type: ignore[misc]
        weight=np.where(named.wanted, np.nan_to_num(weight), 0.0),
        logit_spread=logit_spread,
        patients=patients,
        families=families,
        bulks=bulks,
        part=part,
    )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
