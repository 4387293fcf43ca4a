"""`audit segments`: how a run does in every group at the threshold that all share, and where it does worse."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from encoder.audit.confounders.disease import disease_of, telling_nothing
from encoder.audit.confounders.row_evidence import read_stated
from encoder.audit.rows import AuditRows, read_rows
from encoder.audit.segments.attributes import Attribute, findings_of, read_attributes
from encoder.audit.segments.figures import figures_of, shift_interval
from encoder.audit.segments.groups import groups_of
from encoder.audit.segments.outcomes import MEASURES, Measure
from encoder.audit.segments.pictures import picture_attributes
from encoder.audit.segments.result import Power, Segment, SegmentAudit, extra_errors
from encoder.audit.segments.search import Judged, Named, Searched, SearchOptions, search_segments
from encoder.audit.segments.threshold import shared_threshold
from encoder.prediction.judged import judged_split
from kb.display import Listing
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.sql.views import Views
from kb.statistics.interval import Interval
from kb.statistics.shares import design_effect, difference_interval, wilson

SEGMENT_COLUMNS = ("text", "measure", "p", "per_100", "extra")
GROUP_COLUMNS = (
    "name",
    "n",
    "positives",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "alerts",
    "auroc",
    "bpsn",
    "bnsp",
)

EIGHT_OF_TEN = 0.8416
"""The normal quantile of 0.8."""

TENTH = 0.1
EXAMPLES = 12
"""Images of a segment that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """How to look at groups and for segments.

    Attributes:
        source: of labels; needed if several speak of the label.
        split: default: "test" for what was trained here (an encoder, a probe, a bottleneck), else "all".
        where: SQL over the view `outcomes`.
        views: of the images; see `kb.images.view_choice`.
        by: attributes, findings and properties of pictures that rows are cut by; none for all that are known.
        threshold: of scores; None for that of the view `thresholds`.
        pairs: whether pairs of conditions are looked at.
        min_size: rows under which nothing is said of a group.
        min_positives: positives, and negatives, under which nothing is said of it.
        measures: what the search looks at.
        most: segments that are named.
        seed: of what chance does.
    """

    source: str | None = None
    split: str | None = None
    where: str | None = None
    views: str = FRONTAL
    by: Sequence[str] = ()
    threshold: float | None = None
    pairs: bool = True
    min_size: int = 30
    min_positives: int = 5
    measures: Collection[Measure] = MEASURES
    most: int = 10
    seed: int = 0


def audit_segments(
    kb: KnowledgeBase, run: str, label: str, *, options: SegmentOptions | None = None, watcher: Watcher | None = None
) -> SegmentAudit:
    """How `run` does for `label` in every group, and the segments in which it does worse than elsewhere.

    Args:
        kb: the knowledge base, at any commit.
        run: the name of a run, ours or imported.
        label: that it predicts.
        options: how; see `SegmentOptions`.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such run, label, truth or attribute, no threshold, or nothing to cut rows by.
    """
    options, watcher = options or SegmentOptions(), watcher or Silent()
    watcher.stage("reading", None)
    split = judged_split(kb, [run], options.split)
    with Views(kb) as session:
        rows = read_rows(
            session, run, label, source=options.source, split=split, where=options.where, views=options.views
        )
        if not 0 < rows.positives < len(rows):
            held = "none is positive" if not rows.positives else "all are positive"
            raise UsageError(f"{label}: of {len(rows):,} rows {held}, so no error of one kind can be told")
        threshold = shared_threshold(session, rows, options.threshold)
        rows, without = rows.without_choosers() if options.threshold is None else (rows, [])
        attributes, notes = _attributes(kb, session, rows, options, watcher)
    chosen = _asked(attributes, options.by)
    watcher.stage("searching", None)
    judged = Judged(truth=rows.truth, logit=rows.logit, flagged=rows.score >= threshold.value, owners=rows.owners)
    searched = search_segments(
        judged,
        chosen,
        SearchOptions(
            min_size=options.min_size,
            min_positives=options.min_positives,
            pairs=options.pairs,
            measures=options.measures,
            most=options.most,
            seed=options.seed,
        ),
    )
    watcher.stage("groups", None)
    groups = groups_of(rows, chosen, threshold.value, min_size=options.min_size, min_positives=options.min_positives)
    segments = [_segment(rows, one, threshold.value) for one in searched.named]
    segments.sort(key=lambda one: -one.extra)
    return SegmentAudit(
        run=run,
        label=rows.label,
        source=rows.source,
        split=rows.split,
        threshold=threshold,
        overall=figures_of(rows, np.ones(len(rows), dtype=bool), threshold.value),
        segments=Listing(segments, SEGMENT_COLUMNS),
        groups=Listing(groups, GROUP_COLUMNS),
        looked_at=searched.looked_at,
        power=power_of(judged, searched),
        notes=(*rows.notes, *without, *notes),
    )


def _attributes(
    kb: KnowledgeBase, session: Views, rows: AuditRows, options: SegmentOptions, watcher: Watcher
) -> tuple[list[Attribute], list[str]]:
    """All that rows can be cut by, and what is not known of them."""
    stated, notes = read_stated(session, rows)
    aside = {*disease_of(rows.label), *telling_nothing()}
    pictures, more = picture_attributes(kb, rows, watcher)
    told, left_out = read_attributes(session, rows, options.where)
    found = [*told, *findings_of(stated, aside), *pictures]
    if not found:
        raise UsageError(
            "nothing but scores and labels is known of these rows: bring a table with sex, age, site or device, "
            "reports, or pictures",
            need="labels",
        )
    return found, [*left_out, *notes, *more]


def _asked(attributes: Sequence[Attribute], names: Sequence[str]) -> list[Attribute]:
    """The attributes that are named; all if none is."""
    known = dict.fromkeys(one.name.lower() for one in attributes)
    if missing := [name for name in names if name.lower() not in known]:
        raise UsageError(f"by '{missing[0]}': rows can be cut by {', '.join(known)}", parameter="by")
    wanted = {name.lower() for name in names} or set(known)
    return [one for one in attributes if one.name.lower() in wanted]


def _segment(rows: AuditRows, named: Named, threshold: float) -> Segment:
    here, there = figures_of(rows, named.rows, threshold), figures_of(rows, ~named.rows, threshold)
    flagged = rows.score >= threshold
    alarms = _gap(flagged, named.rows, ~rows.truth, rows.owners, named.critical)
    misses = _gap(~flagged, named.rows, rows.truth, rows.owners, named.critical)
    extra = extra_errors(here, there)
    return Segment(
        text=named.text,
        measure=named.measure,
        p=named.p,
        here=here,
        elsewhere=there,
        more_false_alarms=alarms,
        more_misses=misses,
        higher_scores=shift_interval(rows, named.rows),
        per_100=100 * extra / here.n,
        extra=extra,
        covers=named.covers,
        wrong=tuple(_wrong(rows, named.rows & (flagged != rows.truth))),
    )


def _wrong(rows: AuditRows, mistaken: np.ndarray) -> Iterator[str]:
    """The images of some rows that are called wrongly, the furthest on the wrong side first."""
    places = np.flatnonzero(mistaken)
    far = np.where(rows.truth, -rows.logit, rows.logit)[places]
    found = [rows.image_ids[int(at)] for at in places[np.argsort(-far, kind="stable")]]
    yield from islice((image for image in found if image is not None), EXAMPLES)


def _gap(
    wrong: np.ndarray, chosen: np.ndarray, truth: np.ndarray, owners: np.ndarray, quantile: float
) -> Interval | None:
    """The share of wrong rows of one truth here less elsewhere, its interval as wide as the search makes it."""
    sides = []
    for side in (chosen, ~chosen):
        part = truth & side
        if not part.any():
            return None
        effect, _ = design_effect(wrong[part].astype(np.float64), owners[part])
        sides.append(wilson(float(wrong[part].mean()), int(part.sum()) / effect, quantile))
    return difference_interval(sides[0], sides[1])


def power_of(judged: Judged, searched: Searched) -> Power:
    """What gap of a tenth of the rows would have been found 8 times of 10; None where no gap would."""
    found: list[float | None] = []
    for truth, wrong in ((False, judged.flagged), (True, ~judged.flagged)):
        part = judged.truth == truth
        said = wrong[part].astype(np.float64)
        n, share = TENTH * len(said), float(said.mean()) if len(said) else 0.0
        if not n or not math.isfinite(searched.critical):
            found.append(None)
            continue
        effect, _ = design_effect(said, judged.owners[part])
        share = max(share, 1 / len(said))
        gap = _detected(share, n * (1 - TENTH) / effect, searched.critical)
        found.append(gap if share + gap <= 1 else None)
    return Power(false_alarms=found[0], misses=found[1])


def _detected(share: float, n: float, critical: float) -> float:
    """The gap over a share that lies beyond `critical` 8 times of 10, with as many rows."""
    gap = 0.0
    for _ in range(50):  # the spread of the segment's own share grows with the gap
        own = min(share + gap, 1.0)
        gap = (critical * math.sqrt(share * (1 - share)) + EIGHT_OF_TEN * math.sqrt(own * (1 - own))) / math.sqrt(n)
    return gap
