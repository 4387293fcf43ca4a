"""What changed over time, in sentences: for the terminal, the page, and whoever has to act on it."""

from __future__ import annotations

from collections.abc import Iterator

from encoder.audit.drift.result import Change, ChangePoint, DriftAudit
from kb.statistics.interval import Interval

TOLD_AS = {
    "AUROC": "AUROC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "alerts": "the share of alerts",
    "calibration": "truth less score (calibration in the large)",
    "mean score": "the mean score",
    "score of positives": "the mean score of positives",
    "score of negatives": "the mean score of negatives",
    "prevalence": "prevalence",
}
"""The measures in the order in which they are told."""

NAMED = 5


def tell(audit: DriftAudit) -> list[str]:
    """The audit in sentences: what changed and since when, what it fits, and what is in the images now."""
    return [
        *_changes(audit),
        *_causes(audit),
        *_scores(audit),
        *_images(audit),
        *_without_labels(audit),
    ]


def _changes(audit: DriftAudit) -> Iterator[str]:
    order = list(TOLD_AS)
    sure = sorted((one for one in audit.changes if one.sure), key=lambda one: order.index(one.measure))
    turned: dict[tuple[str, tuple[str, ...]], list[tuple[Change, ChangePoint]]] = {}
    for one in sure:
        for point in one.points:
            if point.sure:
                turned.setdefault((point.since, point.within), []).append((one, point))
    for (since, within), told in turned.items():
        begun = "" if within == (since,) else f"; it may have begun as early as {within[0]} and as late as {within[-1]}"
        p = said(max(point.p for _, point in told), audit)
        each = f"{'each ' if len(told) > 1 else ''}{p}"
        yield f"With {since} {', '.join(_turn(*pair) for pair in told)} ({each}{begun})."
    for one in sure:
        if not any(point.sure for point in one.points):
            yield f"{_capital(TOLD_AS[one.measure])} {_verb(one.change)} {_between(one, audit)}."
    if not sure and not audit.scores.sure:
        ranked = audit.change("AUROC")
        what = "scores" if ranked is None else "performance, prevalence or scores"
        yield (
            f"No drift of {what} is shown: nothing changed beyond what chance does over {len(audit.timeline)} periods "
            f"(measures: {len(audit.changes)}, p adjusted by Holm)."
        )
        if ranked is not None and ranked.change is not None:
            yield f"What could have been missed: AUROC went {_between(ranked, audit)}."


def _turn(one: Change, point: ChangePoint) -> str:
    """One measure at a change point: "AUROC fell from 0.882 to 0.701"."""
    verb = "rose" if point.after > point.before else "fell"
    return f"{TOLD_AS[one.measure]} {verb} from {point.before:.3f} to {point.after:.3f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _verb(change: Interval | None) -> str:
    return "changed" if change is None else "rose" if change.value > 0 else "fell"


def _between(one: Change, audit: DriftAudit) -> str:
    """ "from 0.846 in 2024-01 to 0.881 in 2024-12 (+0.035, -0.063 to +0.210; p 1.000)"."""
    last = audit.timeline[-1].period
    if one.first is None or one.last is None or one.change is None:
        return f"between {audit.reference} and {last} ({said(one.p, audit)})"
    moved = f"{one.change.value:+.3f}, {one.change.low:+.3f} to {one.change.high:+.3f}"
    return (
        f"from {one.first.value:.3f} in {audit.reference} to {one.last.value:.3f} in {last} "
        f"({moved}; {said(one.p, audit)})"
    )


def _causes(audit: DriftAudit) -> Iterator[str]:
    causes = audit.causes
    lost, gained = "performance lost" in causes, "performance gained" in causes
    moved, mix = "scores at the same truth" in causes, "prevalence" in causes
    if mix and not (moved or lost or gained):
        yield (
            "This fits another mix of patients (label shift): prevalence changed, and neither scores at the same truth "
            "nor the ranking shows a change."
        )
    elif moved and not (lost or gained):
        yield (
            "This fits other images or another version of the model: scores moved at the same truth and the ranking "
            "shows no change, so that the threshold and the calibration no longer fit."
        )
    elif lost or gained:
        more = ", and scores moved at the same truth" if moved else ""
        yield f"The model ranks {'worse' if lost else 'better'} than before{more}: no other threshold mends that."
    if mix and (moved or lost or gained):
        yield "Prevalence changed as well: predictive values move by that alone."
    yield from _alerts(audit)


def _alerts(audit: DriftAudit) -> Iterator[str]:
    """How much of a change of alerts the prevalence accounts for."""
    alerts, prevalence, sensitivity, specificity = (
        audit.change(name) for name in ("alerts", "prevalence", "sensitivity", "specificity")
    )
    if alerts is None or not alerts.sure or prevalence is None or sensitivity is None or specificity is None:
        return
    first, last = alerts.first, alerts.last
    share, caught, passed = prevalence.last, sensitivity.first, specificity.first
    if first is None or last is None or share is None or caught is None or passed is None:
        return
    expected = share.value * caught.value + (1 - share.value) * (1 - passed.value)
    yield (
        f"Alerts per 100: {100 * first.value:.0f} in {audit.reference}, {100 * last.value:.0f} in "
        f"{audit.timeline[-1].period}, where prevalence alone would make them {100 * expected:.0f}."
    )


def _scores(audit: DriftAudit) -> Iterator[str]:
    scores = audit.scores
    if scores.sure or audit.source is None:
        last = audit.timeline[-1].period
        kept = f"Scores in {last} are others" if scores.sure else f"Scores in {last} show no other distribution"
        way = scores.wasserstein
        yield (
            f"{kept} than in {audit.reference}: Kolmogorov-Smirnov {scores.kolmogorov_smirnov:.3f} "
            f"({said(scores.p, audit)}), moved by {way.value:.3f} ({way.low:.3f} to {way.high:.3f}) on average, "
            f"{scores.by_chance:.3f} by chance."
        )


def _images(audit: DriftAudit) -> Iterator[str]:
    spans = f"{audit.spans[1]} against {audit.spans[0]}"
    apart = audit.told_apart
    if apart is not None:
        verdict = "can" if apart.low > 0.5 else "cannot"
        yield (
            f"Images {spans} {verdict} be told apart by their vectors: cross-fitted AUROC {apart.value:.3f} "
            f"({apart.low:.3f} to {apart.high:.3f}), where 0.5 is no difference."
        )
    concepts = audit.concepts[:NAMED]
    if concepts:
        held = "; ".join(f"{one.text} {one.difference.value - one.usual:+.2f} (q {small(one.q)})" for one in concepts)
        yield f"In the images, {spans}, in standard deviations beyond concepts in general: {held}."
    for kind, what in (("report", "In reports"), ("attribute", "Of attributes")):
        shares = [one for one in audit.shares if one.kind == kind][:NAMED]
        if shares:
            held = "; ".join(
                f"{one.name} {100 * one.before.value:.0f} to {100 * one.after.value:.0f} % (q {small(one.q)})"
                for one in shares
            )
            yield f"{what}, {spans}: {held}."


def _without_labels(audit: DriftAudit) -> Iterator[str]:
    if audit.source is None:
        yield "How well the model does is not known: no label speaks of these rows, and scores that hold prove nothing."
    elif audit.change("AUROC") is None:
        yield (
            f"How well the model does is not told: of {audit.n:,} rows {audit.labelled:,} have a label, and too few of "
            "one truth."
        )


def said(p: float, audit: DriftAudit) -> str:
    """A p as it is told: "p 0.031"; "p at most 0.010" where so many draws can give no smaller one."""
    if p != p:
        return "p unknown"
    return f"p at most {small(p)}" if p <= audit.smallest_p * (1 + 1e-9) else f"p {small(p)}"


def small(p: float) -> str:
    """A p or q in three digits."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"
