"""What a report made by hand holds of groups and of time, with a text of one's own wherever data has one."""

from __future__ import annotations

from dataclasses import replace

from encoder.audit.drift.result import Change, ChangePoint, DriftAudit, PeriodFigures, ScoreShift
from encoder.audit.segments.result import Figures, Group, Power, Segment, SegmentAudit, Threshold
from kb.display import Listing
from kb.statistics.interval import Interval


def made_segments(label: str, words: str) -> SegmentAudit:
    """Every group has the same figures but men, who are found less often; one segment has them."""
    some = Interval(0.8, 0.7, 0.9)
    figures = Figures(
        n=250,
        patients=140,
        positives=40,
        false_alarms=20,
        missed=8,
        **dict.fromkeys(("sensitivity", "specificity", "ppv", "npv", "alerts", "auroc", "bpsn", "bnsp"), some),
        calibration=Interval(-0.1, -0.2, 0.05),
        slope=Interval(0.9, 0.7, 1.2),
    )
    poor = replace(figures, sensitivity=Interval(0.6, 0.5, 0.7), auroc=None)
    segment = Segment(
        text=f"sex M and site {words}",
        measure="misses",
        p=0.005,
        here=poor,
        elsewhere=figures,
        more_false_alarms=Interval(0.0, -0.1, 0.1),
        more_misses=Interval(0.2, 0.1, 0.3),
        higher_scores=None,
        per_100=3.2,
        extra=8.0,
        covers=(words,),
    )
    groups = [
        Group(attribute="site", value=words, kind="attribute", n=9, figures=None),
        Group(attribute=words, value="stated", kind="report", n=250, figures=figures),
        Group(attribute="sex", value="F", kind="attribute", n=250, figures=figures),
        Group(attribute="sex", value="M", kind="attribute", n=272, figures=poor),
    ]
    return SegmentAudit(
        run=words,
        label=label,
        source=words,
        split="test",
        threshold=Threshold(value=0.5, origin=words),
        overall=figures,
        segments=Listing([segment], ["text"]),
        groups=Listing(groups, ["name"]),
        looked_at=120,
        power=Power(false_alarms=0.1, misses=None),
        notes=(words,),
    )


def made_drift(label: str, words: str) -> DriftAudit:
    """Half a year in which the alerts rose in the fourth month."""
    periods = [
        PeriodFigures(
            period=f"2024-{month:02d}",
            n=87,
            patients=80,
            labelled=87,
            positives=16,
            prevalence=Interval(0.2, 0.1, 0.3),
            alerts=Interval(0.2, 0.15, 0.25) if month < 4 else Interval(0.4, 0.35, 0.45),
            mean_score=None,
            sensitivity=Interval(0.8, 0.6, 0.9),
            specificity=Interval(0.8, 0.7, 0.9),
            auroc=None if month == 2 else Interval(0.85, 0.75, 0.92),
            calibration=None,
            score_quantiles=(0.1, 0.3, 0.8),
        )
        for month in range(1, 7)
    ]
    turn = ChangePoint(since="2024-04", before=0.2, after=0.4, p=0.009, within=("2024-04",))
    change = Change(
        measure="alerts",
        first=periods[0].alerts,
        last=periods[-1].alerts,
        change=Interval(0.2, 0.1, 0.3),
        p=0.009,
        points=(turn,),
        values=(0.2, 0.2, 0.2, 0.4, 0.4, 0.4),
    )
    return DriftAudit(
        run=words,
        label=label,
        source=words,
        split="test",
        by="month",
        n=522,
        patients=293,
        labelled=522,
        threshold=0.5,
        threshold_from="all",
        timeline=Listing(periods, ["period"]),
        changes=Listing([change], ["measure"]),
        reference="2024-01",
        since=turn,
        causes=("scores",),
        scores=ScoreShift(kolmogorov_smirnov=0.3, p=0.009, wasserstein=Interval(0.2, 0.1, 0.3), by_chance=0.02),
        spans=("before", "since"),
        told_apart=None,
        concepts=Listing([], ["text"]),
        shares=Listing([], ["name"]),
        permutations=999,
        smallest_p=0.001,
        sentences=(f"With 2024-04 the share of alerts rose at {words}.",),
        notes=(words,),
    )
