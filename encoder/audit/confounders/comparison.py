"""The data that an audit compares with: another site, another run on the same images, another knowledge base."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.confounders.audit_space import AuditSpace
from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.find import Evidence
from encoder.audit.confounders.result import Kind
from encoder.audit.confounders.row_evidence import read_evidence
from encoder.audit.rows import AuditRows, read_rows
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import UNHURRIED
from kb.sql.session import AuditSession
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

    def read(self, session: AuditSession) -> AuditRows:
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
        with AuditSession(self.kb, UNHURRIED) as session:
            return read_evidence(self.kb, session, self.rows, encoder=space.encoder, kinds=kinds)


def find_other(kb: KnowledgeBase, session: AuditSession, name: str | None, *, asked: Selection) -> Other | None:
    """What a name to compare with means: a knowledge base, a run, or a site; None if nothing is named.

    Raises:
        UsageError: there is nothing of that name, or it has no such rows.
    """
    if name is None:
        return None
    options = kb.storage.options if "://" in name else None
    if KnowledgeBase.exists(name, options):
        there = KnowledgeBase.open(name, storage_options=options)
        with AuditSession(there, UNHURRIED) as session_there:
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
