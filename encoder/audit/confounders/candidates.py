"""One thing that a model may lean on: where it is there, what leaning on it does, and the row that tells it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from encoder.audit.confounders.across import across, is_place, is_technique
from encoder.audit.confounders.erasing import Rescore, erased
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import Exposures
from encoder.audit.confounders.families import Concepts, Family
from encoder.audit.confounders.harm import harm_of
from encoder.audit.confounders.result import LEVEL, Across, Confounder, Harm, Known, Verdict
from encoder.audit.confounders.strata import high, strata_of
from encoder.audit.confounders.verdicts import verdict_of


@dataclass(frozen=True, eq=False)
class Candidate:
    """One thing of a family.

    Attributes:
        evidence: of the data.
        family: the tests of its kind.
        at: its place among them.
        exposures: where things of its kind are there; None for concepts.
        concepts: the vocabulary; None where nothing is measured by scores.
        known: what it is to the disease, by the table of known correlates.
    """

    evidence: Evidence
    family: Family
    at: int
    exposures: Exposures | None
    concepts: Concepts | None
    known: Known

    @cached_property
    def looked_at(self) -> np.ndarray:
        """Numbers of the rows of which it is known how much of it they hold."""
        if self.exposures is None:
            return self.evidence.encoded
        return np.flatnonzero(self.exposures.known[self.at])

    @cached_property
    def values(self) -> np.ndarray:
        """How much of it is in each of these: the own part of a concept's score, else 0 or 1."""
        if self.exposures is not None:
            return self.exposures.column(self.at)[self.looked_at].astype(np.float64)
        assert self.concepts is not None and self.family.part is not None and self.evidence.vectors is not None
        values: np.ndarray = self.evidence.vectors @ self.family.part.direction(self.concepts.vectors[self.at])
        return values

    @cached_property
    def present(self) -> np.ndarray:
        """Where it is there, among these."""
        return high(self.values) if self.exposures is None else self.values > 0

    @property
    def there(self) -> np.ndarray:
        """Where it is there, among all rows; where nobody knows, it is not."""
        found = np.zeros(len(self.evidence.rows), dtype=bool)
        found[self.looked_at] = self.present
        return found

    @property
    def leaned_on(self) -> bool:
        """Whether anything is called of it."""
        return bool(self.family.q["leans"][self.at] < LEVEL or self.family.q["both"][self.at] < LEVEL)

    @property
    def drawn(self) -> int:
        """1 where it makes the model say more, -1 where less."""
        return self.family.direction(self.at)

    @cached_property
    def harm(self) -> Harm:
        """What leaning on it does."""
        rows, numbers = self.evidence.rows, self.looked_at
        return harm_of(rows.truth[numbers], rows.logit[numbers], self.present, rows.owners[numbers], self.drawn)

    @cached_property
    def across(self) -> tuple[Across, ...]:
        """Whether it goes with the label alike at all sites, scanners and months; empty for what is one of these."""
        name = self.family.names[self.at]
        if self.family.kind == "attribute" and is_technique(name.split(": ")[0]):
            return ()
        rows, numbers = self.evidence.rows, self.looked_at
        groups = {by: names[numbers] for by, names in self.evidence.groups.items() if is_place(by)}
        usual = self.family.goes_with(self.at).usual
        return across(self.values, rows.truth[numbers], rows.owners[numbers], groups, usual=usual)

    @cached_property
    def verdict(self) -> Verdict:
        """What is called of it."""
        if not self.leaned_on:
            return ""
        q = self.family.q
        return verdict_of(
            float(q["both"][self.at]), float(q["leans"][self.at]), harm=self.harm, across=self.across, known=self.known
        )

    def row(self, by_finding: Mapping[str | None, int], rescore: Rescore | None) -> Confounder:
        """All that is told of it.

        Args:
            by_finding: the weightiest concept of each finding, by images.
            rescore: the model, where it is one of ours.
        """
        family, at = self.family, self.at
        finding = family.findings[at]
        concept = at if family.kind == "image" else by_finding.get(finding) if finding is not None else None
        named = None if self.concepts is None or concept is None else self.concepts
        return Confounder(
            name=family.names[at],
            kind=family.kind,
            finding=finding,
            concept_id=None if named is None or concept is None else named.ids[concept],
            concept=None if named is None or concept is None else named.texts[concept],
            leans=family.leans(at),
            effect=family.effect(at),
            goes_with=family.goes_with(at),
            q=float(family.q["both"][at]),
            weight=float(family.weight[at]),
            verdict=self.verdict,
            strata=strata_of(
                self.evidence.rows.truth[self.looked_at],
                self.evidence.rows.logit[self.looked_at],
                self.present,
                erased=self._erased(rescore),
                drawn=self.drawn,
            ),
            harm=self.harm,
            across=self.across,
            known=self.known,
            others=self._others(),
        )

    def _erased(self, rescore: Rescore | None) -> np.ndarray:
        """What the model says once it is erased: through the model, if all rows that are looked at have vectors."""
        evidence, rows = self.evidence, self.looked_at
        if self.exposures is None:
            return erased(evidence.cohort(), self.values, rescore)
        encoded = rescore is not None and len(np.intersect1d(evidence.encoded, rows)) == len(rows)
        cohort = evidence.cohort(rows) if encoded else evidence.rows_alone(rows)
        return erased(cohort, self.values, rescore if encoded else None)

    def _others(self) -> int:
        """How many further concepts of its finding were tested."""
        family = self.family
        if family.kind != "image":
            return 0
        finding = family.findings[self.at]
        same = sum(wanted and one == finding for one, wanted in zip(family.findings, family.wanted, strict=True))
        return int(same) - 1
