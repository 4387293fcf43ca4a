"""The data that an audit compares with: another site, another run on the same images, another knowledge base."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.confounders.audit_space import AuditSpace
from encoder.audit.confounders.concept_tests import bulk_of, p_values
from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.families import Family
from encoder.audit.confounders.find import Found
from encoder.audit.confounders.result import Confounder, Elsewhere, Kind
from encoder.audit.confounders.row_evidence import read_evidence
from encoder.audit.rows import AuditRows, read_rows
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.store.sqltext import literal


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a run are looked at: their label, source of truth, split, a condition (SQL), and views."""

    run: str
    label: str
    source: str | None
    split: str
    where: str | None
    views: str = FRONTAL

    def also(self, condition: str) -> Selection:
        """The same, and another condition."""
        return replace(self, where=condition if self.where is None else f"({self.where}\n) AND ({condition})")

    def read(self, session: Views) -> AuditRows:
        """The rows; see `encoder.audit.rows.read_rows`."""
        return read_rows(
            session,
            self.run,
            self.label,
            source=self.source,
            split=self.split,
            where=self.where,
            views=self.views,
        )


@dataclass(frozen=True, eq=False)
class Other:
    """The data that is compared with.

    Attributes:
        kb: where it is.
        rows: its predictions.
        told: what it is, in words.
        here: the rows that it is compared with: those asked for, without its own.
        same_images: whether it is another run on the same images.
    """

    kb: KnowledgeBase
    rows: AuditRows
    told: str
    here: Selection
    same_images: bool = False

    def evidence(self, space: AuditSpace, kinds: Collection[Kind]) -> tuple[Evidence, list[str]]:
        """All that is known of its rows, and what is not."""
        with Views(self.kb) as session:
            return read_evidence(self.kb, session, self.rows, encoder=space.encoder, kinds=kinds)


def find_other(kb: KnowledgeBase, session: Views, name: str | None, *, asked: Selection) -> Other | None:
    """What a name to compare with means: a knowledge base, a run, or a site; None if nothing is named.

    Raises:
        UsageError: there is nothing of that name, or it has no such rows.
    """
    if name is None:
        return None
    options = kb.storage.options if "://" in name else None
    if KnowledgeBase.exists(name, options):
        there = KnowledgeBase.open(name, storage_options=options)
        with Views(there) as session_there:
            rows = asked.read(session_there)
        return Other(there, rows, f"run '{asked.run}' in {name}, {len(rows):,} rows", asked)
    runs = [row["run"] for row in session.run("SELECT run FROM runs ORDER BY run").rows()]
    if name in runs:
        rows = replace(asked, run=name).read(session)
        return Other(kb, rows, f"run '{name}' on {len(rows):,} rows", asked, same_images=True)
    sql = "SELECT DISTINCT site FROM outcomes WHERE site IS NOT NULL ORDER BY site"
    sites = [row["site"] for row in session.run(sql).rows()]
    if name not in sites:
        raise UsageError(
            f"against '{name}': there is no site, run or knowledge base of that name; "
            f"sites: {', '.join(sites) or 'none'}; runs: {', '.join(runs)}"
        )
    quoted = literal(name)
    rows = asked.also(f"site = {quoted}").read(session)
    return Other(kb, rows, f"site {name}, {len(rows):,} rows", asked.also(f"site IS DISTINCT FROM {quoted}"))


def paired_evidence(here: Evidence, other: AuditRows) -> Evidence | None:
    """The rows of two runs on the same images, with the difference of their logits in the place of one's.

    Each logit counts in its own standard deviations within truth strata, so that leaning on a thing is then the
    difference of both correlations, and its error knows that the images are the same. None if fewer than ten images
    have both.
    """
    places = {unit: number for number, unit in enumerate(other.units)}
    mine = np.array([n for n, unit in enumerate(here.rows.units) if unit in places], dtype=np.int64)
    if len(mine) < 10:
        return None
    units = here.rows.units
    theirs = other.logit[[places[units[int(n)]] for n in mine]]
    own, difference = here.rows.logit.copy(), np.full(len(here.rows), np.nan)
    truth = here.rows.truth[mine]
    difference[mine] = _in_deviations(own[mine], truth) - _in_deviations(theirs, truth)
    return here.of_rows(mine, difference[mine])


def _in_deviations(logit: np.ndarray, truth: np.ndarray) -> np.ndarray:
    beyond = centred(logit, truth)
    spread = float(np.sqrt(np.mean(beyond**2)))
    scaled: np.ndarray = beyond / spread if spread > 0 else beyond
    return scaled


def compare(
    found: Found, there: Sequence[Family], auroc_there: float | None, *, paired: Sequence[Family] | None = None
) -> list[Confounder]:
    """The rows with the same of another data set beside them, and the q of each difference.

    Differences are tested for everything that both data sets hold, before any row is looked at: the rows stand first
    because they are extreme here, and would differ from anything.

    Args:
        found: what was found here.
        there: what was tested in the other data; what is not among it stays without.
        auroc_there: of the model on the other data.
        paired: for another run on the same images: tests of the difference of both runs' logits. What goes with the
            label is then the same, and is not tested.
    """
    differences = {family.kind: _differences(family, there, paired) for family in found.families}
    elsewhere = {(family.kind, name): (family, at) for family in there for at, name in enumerate(family.names)}
    rows = []
    for row in found.rows:
        match = elsewhere.get((row.kind, row.name))
        if match is None or match[0].own.lean[match[1]] != match[0].own.lean[match[1]]:
            rows.append(row)
            continue
        q_leans, q_goes_with = differences[row.kind].get(row.name, (math.nan, math.nan))
        leans, goes_with = match[0].leans(match[1]), match[0].goes_with(match[1])
        given = Elsewhere(replace(leans, q=q_leans), replace(goes_with, q=q_goes_with), auroc_there)
        rows.append(replace(row, elsewhere=given))
    return rows


def _differences(
    family: Family, there: Sequence[Family], paired: Sequence[Family] | None
) -> dict[str, tuple[float, float]]:
    """The q of the differences of leaning and of going with the label, by name."""
    if paired is not None:
        alike = [other for other in paired if other.kind == family.kind]
        named = [(name, float(q)) for one in alike for name, q in zip(one.names, one.q["leans"], strict=True)]
        return {name: (q, math.nan) for name, q in named}
    other = next((other for other in there if other.kind == family.kind), None)
    if other is None:
        return {}
    places = {name: at for at, name in enumerate(other.names)}
    pairs = [(at, places[name]) for at, name in enumerate(family.names) if name in places and family.wanted[at]]
    if not pairs:
        return {}
    mine, theirs = (np.array(column) for column in zip(*pairs, strict=True))
    q = []
    for value, error in (("lean", "lean_error"), ("shift", "shift_error")):
        differences = getattr(family.own, value)[mine] - getattr(other.own, value)[theirs]
        errors = np.hypot(getattr(family.own, error)[mine], getattr(other.own, error)[theirs])
        groups = np.unique([str(family.findings[at] or family.names[at]) for at in mine], return_inverse=True)[1]
        bulk = bulk_of(differences, errors, groups) if family.kind == "image" else None
        q.append(q_values(p_values(differences, errors, bulk), groups=groups))
    return {family.names[at]: (float(q[0][n]), float(q[1][n])) for n, at in enumerate(mine)}
