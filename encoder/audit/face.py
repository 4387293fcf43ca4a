"""The functions that `encoder.audit` offers: what `clear-kb audit` does, for a notebook."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from encoder.audit.audit_session import open_session
from encoder.audit.confounders.audit import ConfounderOptions, audit_confounders
from encoder.audit.confounders.audit_space import KINDS
from encoder.audit.confounders.find import LEAST
from encoder.audit.confounders.result import ConfounderAudit, Kind
from encoder.audit.drift.audit import DriftOptions, audit_drift
from encoder.audit.drift.result import DriftAudit
from encoder.audit.drift.rows import LEAST as LEAST_ROWS
from encoder.audit.drift.rows import DriftSelection
from encoder.audit.drift.scan import PERMUTATIONS
from encoder.audit.report.options import ReportOptions
from encoder.audit.segments.audit import SegmentOptions, audit_segments
from encoder.audit.segments.outcomes import MEASURES, Measure
from encoder.audit.segments.result import SegmentAudit
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.find import SliceOptions
from encoder.audit.slices.result import Slices
from encoder.prediction.judged import judged_split
from encoder.space.fitted.directions import FittedDirections
from encoder.space.fitted.fit import fit_directions
from encoder.vectors.encoders import find_foreign
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher
from kb.sql.limits import Limits
from kb.sql.session import AuditSession


def session(
    base: KnowledgeBase,
    *,
    limits: Limits | None = None,
    encoder: str | None = None,
    tables: Mapping[str, str | Path] | None = None,
) -> AuditSession:
    """Open the documented views of a state, to be asked in SQL; a `with` closes them.

    Args:
        base: the knowledge base, at any commit.
        limits: of time and memory; default: 60 seconds, 3 GB.
        encoder: folder or id of the encoder whose vectors are meant; not needed if there is one only.
        tables: files of your own that queries may join, by name: {"fleet": "scanners.csv"}; CSV, TSV, Parquet or JSON
            lines.

    Example:
        >>> with encoder.audit.session(base) as session:
        ...     session.query("SELECT value AS site, n, auroc FROM metrics_by(site)").rows()[0]
        {'site': 'hill', 'n': 20, 'auroc': 0.98}
    """
    return open_session(base, limits, encoder, tables=tables)


def confounders(
    base: KnowledgeBase,
    run: str,
    label: str,
    *,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    disease: Sequence[str] = (),
    by: Collection[Kind] = KINDS,
    top: int = 20,
    least: int = LEAST,
    encoder: str | None = None,
    against: str | None = None,
    correlates: str | Path | None = None,
    watcher: Watcher | None = None,
) -> ConfounderAudit:
    """What a run leans on for a label that is not the disease, by verdict and the most harmful first.

    Args:
        base: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts.
        source: of labels; needed if several speak of the label.
        split: default: "test" for runs of an encoder that was trained here, else "all".
        where: SQL over the view `outcomes`: "view = 'PA'".
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        disease: further findings that count as the disease.
        by: what is tested: concepts by their scores in images, findings that reports state, attributes.
        top: rows that are wanted.
        least: patients that have a thing, and patients that have not, for it to be tested.
        encoder: folder or id of the encoder whose vectors count, for a run that is of none.
        against: a site, a run, or another knowledge base to compare with.
        correlates: a file of what is known to go with labels (label, kind, findings), beside the bundled table.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run, label or truth, too little to test, or nothing to test by.
    """
    options = ConfounderOptions(
        source=source,
        split=split,
        where=where,
        views=views,
        disease=disease,
        kinds=by,
        limit=top,
        least=least,
        encoder=encoder,
        against=against,
        correlates=correlates,
    )
    return audit_confounders(base, run, label, options=options, watcher=watcher)


def drift(
    base: KnowledgeBase,
    run: str,
    label: str | None = None,
    *,
    by: str = "month",
    date: str | None = None,
    since: str | None = None,
    until: str | None = None,
    reference: str | None = None,
    least: int = LEAST_ROWS,
    threshold: float | None = None,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    permutations: int = PERMUTATIONS,
    top: int = 20,
    encoder: str | None = None,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> DriftAudit:
    """What changed over time for a run, since when, and what it fits; without labels, what scores and images tell.

    Args:
        base: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts; not needed where it is the only one.
        by: week, month, quarter, year, or an attribute whose values have an order.
        date: the attribute that holds the date; default: the first of the usual ones that a row has.
        since: the first day ("2024-03"), or the first value of the attribute.
        until: the last one, which counts.
        reference: the period that the last one is held against; default: the first.
        least: rows under which a period is joined with the next.
        threshold: what scores are cut at; default: that of the view `thresholds`.
        source: of labels; needed if several speak of the label.
        split: default: "test" for runs of an encoder that was trained here, else "all".
        where: SQL over the view `outcomes`.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        permutations: draws of patients exchanged over time, behind each p.
        top: concepts, and findings and attributes, that are named at the most.
        encoder: folder or id of the encoder whose vectors count, for a run that is of none.
        seed: of draws and resamples.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run or label, no row has a date, or there is one period only.
    """
    asked = DriftSelection(
        run=run,
        label=label,
        by=by,
        date=date,
        since=since,
        until=until,
        least=least,
        threshold=threshold,
        source=source,
        split=judged_split(base, [run], split),
        where=where,
        views=views,
    )
    options = DriftOptions(reference=reference, permutations=permutations, top=top, encoder=encoder, seed=seed)
    return audit_drift(base, asked, options=options, watcher=watcher)


def directions(base: KnowledgeBase, encoder: str | None = None, *, origin: str | None = None) -> FittedDirections:
    """Concepts as directions of the vectors of a model from elsewhere, and how well each finding is told by them.

    Audits by images, image search by a concept and `concept_scores` in SQL go by these where they are good enough.

    Args:
        base: the knowledge base, at any commit.
        encoder: the name of the vectors; not needed where there are those of one model only.
        origin: "reports" (concept activation vectors), or the id of an encoder of ours whose concepts are carried over
            by a linear map; default: the first of which any concept holds, encoders first.

    Raises:
        UsageError: there are no such vectors, or they are of an encoder whose checkpoint is here.
        ClearKbError: there is nothing that directions could be fitted to.
    """
    return fit_directions(base, find_foreign(base, encoder), origin)


def segments(
    base: KnowledgeBase,
    run: str,
    label: str,
    *,
    by: Sequence[str] = (),
    threshold: float | None = None,
    pairs: bool = True,
    min_size: int = 30,
    min_positives: int = 5,
    measures: Collection[Measure] = MEASURES,
    most: int = 10,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> SegmentAudit:
    """How a run does in every group of patients at one threshold, and the segments in which it does worse.

    Args:
        base: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts.
        by: what rows are cut by; default: every attribute, finding of reports and property of pictures.
        threshold: of scores; default: that of the view `thresholds`.
        pairs: whether pairs of conditions are looked at.
        min_size: rows under which nothing is said of a group.
        min_positives: positives, and negatives, under which nothing is said of it.
        measures: what the search looks at: "false alarms", "misses", "bpsn", "bnsp", "auroc".
        most: segments that are named.
        source: of labels; needed if several speak of the label.
        split: default: "test" for runs of an encoder that was trained here, else "all".
        where: SQL over the view `outcomes`.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        seed: of what chance does.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run, label, truth or attribute, no threshold, or nothing to cut rows by.
    """
    options = SegmentOptions(
        source=source,
        split=split,
        where=where,
        views=views,
        by=by,
        threshold=threshold,
        pairs=pairs,
        min_size=min_size,
        min_positives=min_positives,
        measures=measures,
        most=most,
        seed=seed,
    )
    return audit_segments(base, run, label, options=options, watcher=watcher)


def slices(
    base: KnowledgeBase,
    run: str,
    label: str,
    *,
    count: int = 10,
    min_size: int = 30,
    min_positives: int = 5,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    encoder: str | None = None,
    against: str | None = None,
    threshold: float | None = None,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> Slices:
    """Clusters of images that look alike, the ones in which a run does worst first, with what they hold.

    Args:
        base: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts.
        count: how many clusters.
        min_size: images under which nothing is said of a slice.
        min_positives: positives, and negatives, under which it has no AUROC.
        source: of labels; needed if several speak of the label.
        split: default: "test" for runs of an encoder that was trained here, else "all".
        where: SQL over the view `outcomes`.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        encoder: whose image vectors are clustered, for a run that is of none.
        against: a site, a run or another knowledge base: then each slice stands there for both.
        threshold: of scores, that all slices share; default: that of the view `thresholds`.
        seed: of the clustering.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run, label or truth, or no image has a vector.
    """
    options = SliceOptions(slices=count, min_size=min_size, min_positives=min_positives, seed=seed)
    return audit_slices(
        base,
        run,
        label,
        options=options,
        source=source,
        split=split,
        where=where,
        views=views,
        encoder=encoder,
        against=against,
        threshold=threshold,
        watcher=watcher,
    )


def report(
    base: KnowledgeBase,
    run: str,
    path: str | Path,
    *,
    labels: Sequence[str] = (),
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    encoder: str | None = None,
    min_positives: int = 10,
    bootstrap: int = 1000,
    seed: int = 0,
    beside: Sequence[str] = (),
    limits: str | Path | None = None,
    card: str | Path | None = None,
    heatmaps: bool = True,
    evidence: bool = True,
    ids: bool = True,
    images: bool = True,
    title: str | None = None,
    overwrite: bool = False,
    watcher: Watcher | None = None,
) -> Path:
    """Write one HTML page on a run, which needs no network and no script.

    Args:
        base: the knowledge base, at any commit.
        run: the name of the run.
        path: where to, ending in .html.
        labels: shown in full; default: those with the most positives, six at most.
        source: the source of labels to go by, if several contradict each other.
        split: default: "test" for runs of an encoder that was trained here, else "all".
        where: SQL over the images.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        encoder: the folder of a checkpoint, or its id; not needed if there is one only.
        min_positives: labels and groups with fewer positives, or negatives, are left out.
        bootstrap: resamples of the patients.
        seed: of the resamples.
        beside: further runs that stand beside it.
        limits: a YAML file of limits that figures pass, warn of or fail.
        card: a YAML file that states what the model is for.
        heatmaps: whether explained examples show where in the image a prediction comes from.
        evidence: whether report sentences are shown.
        ids: whether ids are shown; without them labels stand there, and no report sentences.
        images: whether thumbnails are shown.
        title: of the page.
        overwrite: whether a file that is no report of ours may be replaced.
        watcher: hears how far it is.

    Raises:
        UsageError: there is no such run or label, nothing to judge it by, or another file stands there.
    """
    # The page draws by matplotlib, which no other audit needs.
    from encoder.audit.report.report import gather
    from encoder.audit.report.writing import write_report

    options = ReportOptions(
        labels=labels,
        source=source,
        split=split,  # type: ignore[arg-type]  # it refuses other words
        where=where,
        views=views,
        encoder=encoder,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
        beside=beside,
        limits=limits,
        card=card,
        heatmaps=heatmaps,
        evidence=evidence,
        ids=ids,
        images=images,
        title=title,
    )
    return write_report(gather(base, run, options, watcher=watcher), path, overwrite=overwrite)
