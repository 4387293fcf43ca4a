"""Confounders by label: the ranked table, what it means in words, and ROC curves with and without the first few."""

from __future__ import annotations

from typing import Any

import numpy as np

from encoder.audit.confounders.result import Confounder, ConfounderAudit, Estimate
from encoder.audit.confounders.sentences import conclusion, in_general, tell
from encoder.audit.page.curves import Roc, roc_figure
from encoder.audit.page.markup import Html, tag
from encoder.audit.page.numbers import NONE, between, chance, count, share, signed, signed_interval
from encoder.audit.page.plot import figure
from encoder.audit.page.tables import folded, missing, notes, over, table
from encoder.audit.report.report_data import ReportData
from kb.statistics.ranking import Ranking

MOST_ROWS, MOST_CURVES = 12, 3
RATES = (0.05, 0.1, 0.2, 0.4)

KINDS = {"report": "stated by reports", "image": "score in the image", "attribute": "attribute"}
TESTED = {"report": "findings that reports state", "image": "concepts by their scores", "attribute": "attributes"}
NOT_ESTABLISHED = "not established"
COLUMNS = (
    "what",
    "verdict",
    "n with it",
    "leans, r (95%)",
    "effect in the logit",
    "q of r",
    "goes with it, d (95%)",
    "q of both",
    "AUROC",
    "with it",
    "without it",
    "against it (95%)",
    "erased",
    "erased, against it",
)


def confounders(data: ReportData) -> Html:
    """The section."""
    return tag(
        "section",
        tag("h2", "Confounders", id="confounders"),
        tag(
            "p",
            "A confounder is something other than the disease that the model leans on and that goes with the label in "
            "this data. What does so at every site alike, or is known to, is a correlate: it may be biology or "
            "treatment. A harmful lean makes the model err, though no link to the label could be shown here: its AUROC "
            "against lies under 0.5, or its gap of false alarms or misses over 20 points, with the whole interval. "
            "Leaning (r) is the correlation with the logit among rows of equal truth; d says how much more of it the "
            "positives have, in standard deviations; q is the false discovery rate. Of a score in the image, q is of "
            "its own part - without what all images vary in, and without likeness to the disease - and asks how far "
            "that lies from the middle of all concepts, which stands under the table. Rows stand by verdict, then by "
            "harm. "
            "“Against it” is the AUROC of the pairs that it speaks against: positives without it, negatives with it; "
            "“erased” is the AUROC after "
            "it is taken out of what the model reads: of the image vectors for a run of this knowledge base, else of "
            "the logits.",
        ),
        *(_one(number, audit) for number, audit in enumerate(data.confounders)),
        None if data.confounders else missing("No label could be audited for confounders: the notes say why."),
        notes(data.notes_of("confounders")),
        aria_labelledby="confounders",
    )


def _one(number: int, audit: ConfounderAudit) -> Html:
    shown = list(audit.found[:MOST_ROWS])
    body = _table(audit, shown) if shown else missing("Nothing was tested, so there is nothing to rank.")
    if shown and not any(one.verdict for one in shown):
        body = folded(f"What was looked at, {len(shown)} rows", body)
    return tag(
        "section",
        tag("h3", audit.label, id=f"confounders-{number}"),
        *(tag("p", f"{sentence[:1].upper()}{sentence[1:]}.") for sentence in conclusion(audit)),
        *(tag("p", tag("strong", f"{one.name}: "), tell(one, audit.label)) for one in _told(audit)),
        body,
        _curves(number, audit),
        notes([*_counts(audit, len(shown)), *audit.notes]),
        aria_labelledby=f"confounders-{number}",
    )


def _told(audit: ConfounderAudit) -> list[Confounder]:
    """The rows that are told in sentences: all that may be wrong."""
    return [one for one in audit.found[:MOST_ROWS] if one.verdict in ("confounder", "harmful lean", "correlate")]


def _counts(audit: ConfounderAudit, shown: int) -> list[str]:
    tested = ", ".join(f"{count(number)} {TESTED.get(kind, kind)}" for kind, number in audit.tested.items())
    entries = [
        f"{count(audit.n)} rows, {count(audit.positives)} positive, {count(audit.patients)} patients; labels of "
        f"{audit.source}; split: {audit.split}; AUROC {share(audit.auroc)}",
        f"tested: {tested or 'nothing'}; what counts as the disease itself: {', '.join(audit.disease) or 'nothing'}",
    ]
    if len(audit.found) > shown:
        entries.append(f"{shown} of {count(len(audit.found))} rows are shown")
    if general := in_general(audit.found):
        entries.append(general)
    return entries + ([f"compared with {audit.against}"] if audit.against else [])


def _table(audit: ConfounderAudit, shown: list[Confounder]) -> Html:
    return table(
        f"What the model may lean on for {audit.label}, by verdict, then by harm",
        COLUMNS,
        [*map(_row, shown)],
        texts=(1,),
    )


def _row(one: Confounder) -> list[object]:
    strata: Any = one.strata
    against = None if one.harm is None else one.harm.against
    interval = "" if against is None else between(against.low, against.high)
    aurocs = {
        name: NONE if strata is None else share(getattr(strata, name))
        for name in ("auroc", "auroc_present", "auroc_absent", "auroc_against", "erased", "erased_against")
    }
    return [
        over(one.name, KINDS.get(one.kind, one.kind)),
        tag("strong", one.verdict) if one.verdict in ("confounder", "harmful lean") else one.verdict or NOT_ESTABLISHED,
        NONE if strata is None else f"{count(strata.present)} of {count(strata.present + strata.absent)}",
        _estimate(one.leans),
        _estimate(one.effect),
        chance(one.leans.q),
        _estimate(one.goes_with),
        chance(one.q),
        *(over(told, interval) if name == "auroc_against" else told for name, told in aurocs.items()),
    ]


def _estimate(found: Estimate) -> Html:
    return over(signed(found.value), signed_interval(found.low, found.high))


def _curves(number: int, audit: ConfounderAudit) -> Html | None:
    """ROC curves of the first few that are called, where their scores are at hand."""
    present = audit.scores.get("present", {})
    wanted = [one for one in _told(audit) if one.name in present][:MOST_CURVES]
    if not wanted:
        return None
    made = [_figure(f"confounder-{number}-{at}", audit, one) for at, one in enumerate(wanted)]
    return tag("div", *made, class_="grid")


def _figure(name: str, audit: ConfounderAudit, one: Confounder) -> Html:
    truth, logit = audit.scores["truth"], audit.scores["logit"]
    there = np.asarray(audit.scores["present"][one.name], dtype=bool)
    high = one.kind == "image"
    parts = [
        ("all rows", np.ones(len(truth), dtype=bool)),
        ("its score is high" if high else "with it", there),
        ("its score is low" if high else "without it", ~there),
    ]
    curves = [curve for said, chosen in parts if (curve := _curve(said, truth[chosen], logit[chosen])) is not None]
    if not curves:
        return missing(f"{one.name}: no stratum has rows of both truths, so no curve can be drawn.")
    title = f"{audit.label}: ROC curves with and without {one.name}"
    rows = [
        (curve.name, share(curve.auroc), *(share(curve.sensitivity_at(rate)) for rate in RATES)) for curve in curves
    ]
    columns = ("rows", "AUROC", *(f"at {rate}" for rate in RATES))
    numbers = folded("The numbers", table(f"{one.name}: AUROC, and sensitivity at false positive rates", columns, rows))
    caption = f"{audit.label}, with and without {one.name}.{_errors(one)}"
    return figure(roc_figure(name, title, curves), caption, numbers)


def _errors(one: Confounder) -> str:
    """What is wrong with it and without it, in a sentence."""
    if one.strata is None:
        return ""
    rates, high = one.strata.errors, one.kind == "image"
    there, gone = ("where its score is high", "where it is low") if high else ("with it", "without it")
    return (
        f" At the cut of the highest Youden index, {share(rates.false_positives_present)} of the negatives {there} are "
        f"called positive, and {share(rates.false_positives_absent)} {gone}; {share(rates.false_negatives_present)} of "
        f"the positives {there} are missed, and {share(rates.false_negatives_absent)} {gone}."
    )


def _curve(said: str, truth: Any, logit: Any) -> Roc | None:
    if not truth.any() or truth.all():
        return None
    ranking = Ranking(truth, logit)
    curve = ranking.curve()
    rates, sensitivity = curve.false_positive_rate.tolist(), curve.sensitivity.tolist()
    return Roc(f"{said} (n {count(len(truth))})", ranking.auroc, rates, sensitivity)
