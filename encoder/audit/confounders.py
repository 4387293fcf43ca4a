"""`audit confounders`: what a run leans on for a label, in the space of an encoder of this knowledge base."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoder.audit.against import find_other
from encoder.audit.evidence import read_evidence
from encoder.audit.space import KINDS, open_audit_space, rescorer
from kb.audit.confounder import ConfounderAudit, Kind
from kb.audit.confounders import LEAST, compare, find_confounders, test_all
from kb.audit.disease import disease_of
from kb.audit.limits import UNHURRIED
from kb.audit.rows import AuditRows, read_rows
from kb.audit.session import AuditSession
from kb.audit.strata import auroc
from kb.display import Listing
from kb.watcher import Silent, Watcher

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

FEW = 3
"""Rows that hold a thing for it to be looked up in the data that is compared with."""

COLUMNS = ("name", "kind", "leans", "goes_with", "q", "verdict")


@dataclass(frozen=True, slots=True)
class ConfounderOptions:
    """How to look for confounders.

    Attributes:
        source: of labels; needed where several speak of the label.
        split: default: "test" for runs of an encoder of this knowledge base, which was trained on the rest, else "all".
        where: SQL over the view `outcomes`: "view = 'PA'".
        disease: further findings that count as the disease.
        kinds: what is tested: concepts by their scores in images, findings that reports state, attributes.
        limit: rows that are wanted.
        least: rows that hold a thing, and rows that do not, for it to be tested.
        encoder: folder or id of the encoder whose vectors count, for a run that is of none.
        against: a site, a run, or another knowledge base to compare with.
    """

    source: str | None = None
    split: str | None = None
    where: str | None = None
    disease: Sequence[str] = ()
    kinds: Collection[Kind] = KINDS
    limit: int = 20
    least: int = LEAST
    encoder: str | None = None
    against: str | None = None


def audit_confounders(
    kb: KnowledgeBase, run: str, label: str, options: ConfounderOptions | None = None, watcher: Watcher | None = None
) -> ConfounderAudit:
    """What `run` leans on for `label` that is not the disease.

    Args:
        kb: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts.
        options: how; see `ConfounderOptions`.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run, label or truth, too little to test, or nothing to test by.

    Example:
        >>> audit_confounders(kb, "probe", "pneumothorax").confounders[0].name      # doctest: +SKIP
        'chest tube'
    """
    options, watcher = options or ConfounderOptions(), watcher or Silent()
    split = options.split or default_split(kb, run)
    watcher.stage("reading", 3)
    with AuditSession(kb, UNHURRIED) as session:
        other = find_other(kb, session, run, label, options.against, split, options.source, options.where)
        where = options.where or (other.exclude if other else None)
        rows = read_rows(session, run, label, source=options.source, split=split, where=where)
        space = open_audit_space(kb, run, options.encoder if "image" in options.kinds else None, options.kinds)
        watcher.advance(1, 1)
        evidence, notes = read_evidence(kb, session, rows, space.encoder, options.kinds)
    disease = disease_of(rows.label, options.disease)
    watcher.advance(2, 2)
    found = find_confounders(
        evidence,
        space.concepts,
        disease,
        rescore=rescorer(kb, run, rows.label, space),
        limit=options.limit,
        least=options.least,
    )
    rows_found = found.rows
    if other is not None:
        watcher.stage("comparing", 1)
        # A data set that is only compared with may be small: its intervals tell.
        there = test_all(other.evidence(space, options.kinds), space.concepts, disease, min(options.least, FEW))
        families = [family for family, _ in there]
        rows_found = compare(rows_found, families, auroc(other.rows.truth, other.rows.logit))
    return ConfounderAudit(
        run,
        rows.label,
        rows.source,
        rows.split,
        len(rows),
        rows.positives,
        rows.patients,
        auroc(rows.truth, rows.logit) or float("nan"),
        tuple(sorted(disease)),
        found.tested,
        Listing(rows_found, COLUMNS),
        (*space.notes, *notes, *_notes(rows, disease)),
        "" if other is None else other.told,
        found.scores,
    )


def default_split(kb: KnowledgeBase, run: str) -> str:
    """The split to look at: what an encoder of ours was trained on says nothing of it."""
    found = kb.dataset("runs").to_table(columns=["run", "encoder"]).to_pylist()
    return "test" if any(row["run"] == run and row["encoder"] for row in found) else "all"


def _notes(rows: AuditRows, disease: Collection[str]) -> list[str]:
    notes = [f"{rows.unknown:,} rows of unknown truth are left out"] if rows.unknown else []
    if not disease:
        notes.append(f"no finding counts as the disease of '{rows.label}': name some with --disease")
    return notes
