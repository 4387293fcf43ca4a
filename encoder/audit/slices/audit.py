"""`audit slices`: where a run fails, among images that look alike in the space of an encoder."""

from __future__ import annotations

from dataclasses import replace

from encoder.audit.confounders.audit_space import KINDS, open_audit_space
from encoder.audit.confounders.comparison import Selection, find_other
from encoder.audit.confounders.disease import disease_of, telling_nothing
from encoder.audit.confounders.row_evidence import read_evidence
from encoder.audit.confounders.strata import auroc
from encoder.audit.rows import AuditRows
from encoder.audit.segments.result import Threshold
from encoder.audit.segments.threshold import shared_threshold
from encoder.audit.slices.find import SliceOptions, find_slices
from encoder.audit.slices.result import Slices
from encoder.prediction.judged import judged_split
from kb.display import Listing
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.sql.views import Views

COLUMNS = ("number", "data", "n", "positives", "auroc", "auroc_low", "auroc_high", "extra", "verdict")


def audit_slices(
    kb: KnowledgeBase,
    run: str,
    label: str,
    *,
    options: SliceOptions | None = None,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    encoder: str | None = None,
    against: str | None = None,
    threshold: float | None = None,
    seed: int | None = None,
    watcher: Watcher | None = None,
) -> Slices:
    """The slices of the images that `run` predicts `label` of, the worst first.

    Args:
        kb: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts.
        options: how; see `SliceOptions`.
        source: of labels; needed if several speak of the label.
        split: default: "test" for what was trained here (an encoder, a probe, a bottleneck), else "all".
        where: SQL over the view `outcomes`.
        views: of the images; see `kb.images.view_choice`.
        encoder: whose image vectors are clustered, for a run that is of none.
        against: a site, a run or another knowledge base: then each slice stands there for both.
        threshold: of scores, that all slices share; None for that of the view `thresholds`.
        seed: of the clustering, in the place of that of `options`.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run, label or truth, or no image has a vector.
    """
    options, watcher = options or SliceOptions(), watcher or Silent()
    options = options if seed is None else replace(options, seed=seed)
    asked = Selection(
        run=run, label=label, source=source, split=judged_split(kb, [run], split), where=where, views=views
    )
    watcher.stage("slices", 2)
    with Views(kb) as session:
        other = find_other(kb, session, against, asked=asked)
        rows = (other.here if other else asked).read(session)
        space = open_audit_space(kb, run, encoder)
        if space.encoder is None:
            raise UsageError(f"slices are clusters of image vectors: {'; '.join(space.notes)}")
        cut, untold = _threshold(session, rows, threshold)
        # Another run has scores of its own; the same run at another site or knowledge base is cut where it is here.
        theirs = _threshold(session, other.rows, threshold)[0] if other is not None and other.same_images else cut
        if threshold is None:
            rows, without = rows.without_choosers()
            other = other and replace(other, rows=other.rows.without_choosers()[0])
            untold += without
        evidence, notes = read_evidence(kb, session, rows, encoder=space.encoder, kinds=KINDS)
    watcher.advance(1, 1)
    there, more = (None, []) if other is None else other.evidence(space, KINDS)
    found = find_slices(
        evidence,
        space.concepts,
        {*disease_of(rows.label), *telling_nothing()},
        options=options,
        other=there,
        names=("here", other.told.partition(",")[0] if other else "there"),
        thresholds=(cut.value if cut else None, theirs.value if theirs else None),
    )
    overall = auroc(rows.truth, rows.logit)
    return Slices(
        run=run,
        label=rows.label,
        source=rows.source,
        split=rows.split,
        n=len(rows),
        positives=rows.positives,
        patients=rows.patients,
        auroc=float("nan") if overall is None else overall,
        slices=Listing(found, COLUMNS),
        notes=(*space.notes, *rows.notes, *untold, *notes, *more),
        threshold=cut,
    )


def _threshold(session: Views, rows: AuditRows, asked: float | None) -> tuple[Threshold | None, list[str]]:
    """The threshold that slices share; without one, why their errors are not looked at."""
    try:
        return shared_threshold(session, rows, asked), []
    except UsageError as error:
        if asked is not None:
            raise
        return None, [f"false alarms and misses are not looked at, scores alone are: {error}"]
