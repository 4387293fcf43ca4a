"""`audit confounders`: what a run leans on for a label, in the space of an encoder of this knowledge base."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoder.audit.confounders.audit_space import KINDS, AuditSpace, open_audit_space, rescorer
from encoder.audit.confounders.comparison import Other, Selection, compare, find_other, paired_evidence
from encoder.audit.confounders.disease import check_findings, disease_of
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.find import LEAST, Found, find_confounders, test_all
from encoder.audit.confounders.known_correlates import read_correlates
from encoder.audit.confounders.result import Confounder, ConfounderAudit, Kind
from encoder.audit.confounders.row_evidence import read_evidence
from encoder.audit.confounders.strata import auroc
from encoder.audit.drift.dates import is_period_attribute
from encoder.audit.rows import AuditRows
from encoder.prediction.judged import judged_split
from kb.display import Listing
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import is_no_finding
from kb.progress import Silent, Watcher
from kb.sql.views import Views

LARGE_SHARE = 0.1

FEW = 3
"""Patients that have a thing for it to be looked up in the data that is compared with."""

COLUMNS = ("name", "kind", "leans", "goes_with", "q", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfounderOptions:
    """How to look for confounders.

    Attributes:
        source: of labels; needed if several speak of the label.
        split: default: "test" for what was trained here (an encoder, a probe, a bottleneck), else "all".
        where: SQL over the view `outcomes`: "sex = 'F'".
        views: of the images; see `kb.images.view_choice`.
        disease: further findings that count as the disease.
        kinds: what is tested: concepts by their scores in images, findings that reports state, attributes.
        limit: rows that are wanted.
        least: patients that have a thing, and patients that have not, for it to be tested.
        encoder: folder or id of the encoder whose vectors count, for a run that is of none.
        against: a site, a run, or another knowledge base to compare with.
        correlates: a file of known correlates of labels, beside the bundled table; see `known_correlates`.
    """

    source: str | None = None
    split: str | None = None
    where: str | None = None
    views: str = FRONTAL
    disease: Sequence[str] = ()
    kinds: Collection[Kind] = KINDS
    limit: int = 20
    least: int = LEAST
    encoder: str | None = None
    against: str | None = None
    correlates: str | Path | None = None


def audit_confounders(
    kb: KnowledgeBase, run: str, label: str, *, options: ConfounderOptions | None = None, watcher: Watcher | None = None
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
    """
    options, watcher = options or ConfounderOptions(), watcher or Silent()
    correlates = read_correlates(options.correlates)
    asked = Selection(
        run=run,
        label=label,
        source=options.source,
        split=judged_split(kb, [run], options.split),
        where=options.where,
        views=options.views,
    )
    watcher.stage("reading", 2)
    with Views(kb) as session:
        other = find_other(kb, session, options.against, asked=asked)
        rows = (other.here if other else asked).read(session)
        space = open_audit_space(kb, run, options.encoder, kinds=options.kinds)
        watcher.advance(1, 1)
        evidence, notes = read_evidence(kb, session, rows, encoder=space.encoder, kinds=options.kinds)
    findings = _findings(evidence, space)
    check_findings(options.disease, findings)
    disease = disease_of(rows.label, options.disease, findings)
    watcher.stage("testing", None)
    found = find_confounders(
        evidence,
        space.concepts,
        disease,
        known=correlates.of(rows.label),
        rescore=rescorer(kb, run, rows.label, space=space),
        limit=options.limit,
        least=options.least,
    )
    rows_found, more = (
        (found.rows, [])
        if other is None
        else _compared(found, evidence, other, space=space, disease=disease, options=options)
    )
    overall = auroc(rows.truth, rows.logit)
    return ConfounderAudit(
        run=run,
        label=rows.label,
        source=rows.source,
        split=rows.split,
        n=len(rows),
        positives=rows.positives,
        patients=rows.patients,
        auroc=float("nan") if overall is None else overall,
        disease=tuple(sorted(disease)) if not is_no_finding(rows.label) else ("every finding that is no device",),
        tested=found.tested,
        verdicts=found.verdicts,
        found=Listing(rows_found, COLUMNS),
        notes=(*space.notes, *notes, *found.notes, *more, *_times(evidence, options.kinds), *_notes(rows, disease)),
        against="" if other is None else other.told,
        scores=found.scores,
    )


def _compared(
    found: Found,
    evidence: Evidence,
    other: Other,
    space: AuditSpace,
    disease: Collection[str],
    options: ConfounderOptions,
) -> tuple[list[Confounder], list[str]]:
    """The rows with those of the other data beside them, and notes on that."""
    theirs, notes = other.evidence(space, options.kinds)
    # Data that is only compared with may be small: its intervals tell.
    there = test_all(theirs, space.concepts, disease, least=min(options.least, FEW), expected=0.0)
    paired = paired_evidence(evidence, other.rows) if other.same_images else None
    tested = None if paired is None else test_all(paired, space.concepts, disease, least=options.least)
    rows = compare(
        found,
        there.families,
        auroc(other.rows.truth, other.rows.logit),
        paired=None if tested is None else tested.families,
    )
    return rows, [f"{other.told}: {note}" for note in (*notes, *there.notes)]


def _findings(evidence: Evidence, space: AuditSpace) -> set[str]:
    """Every finding that could be named."""
    stated = {finding for one in evidence.exposures for finding in one.findings if finding is not None}
    return stated | set(space.concepts.findings if space.concepts else ())


def _times(evidence: Evidence, kinds: Collection[Kind]) -> list[str]:
    """What is known of the rows and says when they were taken: a model leans on no month."""
    told = {name: {value for value in values if value is not None} for name, values in evidence.groups.items()}
    times = [name for name, values in told.items() if is_period_attribute(name, values)]
    if not times or "attribute" not in kinds:
        return []
    return [f"{', '.join(sorted(times))}: not tested as a thing to lean on; see `audit drift`"]


def _notes(rows: AuditRows, disease: Collection[str]) -> list[str]:
    notes = rows.notes
    most = rows.largest_share
    if most > LARGE_SHARE:
        notes.append(f"one patient has {100 * most:.0f} % of the rows: what holds for it holds for little else")
    if not disease:
        notes.append(f"no finding counts as the disease of '{rows.label}': name some (disease)")
    return notes
