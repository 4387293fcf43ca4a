"""Confounders by label: the ranked table, what it means in words, and ROC curves with and without the first few."""

from __future__ import annotations

from typing import Any

import numpy as np

from encoder.audit.confounders.result import Confounder, ConfounderAudit, Estimate
from encoder.audit.confounders.sentences import in_general
from encoder.audit.page.curves import Roc, roc_figure
from encoder.audit.page.markup import Html, tag
from encoder.audit.page.numbers import NONE, chance, count, share, signed, signed_interval
from encoder.audit.page.plot import figure
from encoder.audit.page.tables import folded, missing, notes, over, table
from encoder.audit.report.report_data import ReportData
from kb.statistics.ranking import Ranking

MOST_ROWS, MOST_CURVES = 12, 3
RATES = (0.05, 0.1, 0.2, 0.4)

KINDS = {"report": "stated by reports", "image": "score in the image", "attribute": "attribute"}
TESTED = {"report": "findings that reports state", "image": "concepts by their scores", "attribute": "attributes"}
VERDICTS = {"confounder": "confounder", "leaned on": "leaned on only", "": "not established"}
COLUMNS = (
    "what",
    "verdict",
    "n with it",
    "leans, r (95%)",
    "effect in the logit",
    "goes with it, d",
    "q",
    "AUROC",
    "with it",
    "without it",
    "against it",
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
            "this data. Leaning (r) is the correlation with the logit among rows of equal truth; d says how much more "
            "of it the positives have, in standard deviations; q is the false discovery rate of both together. Of a "
            "score in the image, d is beyond its likeness to the disease, and q asks how far r and d lie from the "
            "middle of all concepts, which stands under the table. "
            "“Against it” is the AUROC of positives without it against negatives with it; “erased” is the AUROC after "
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
    if shown and not audit.confounders:
        body = folded(f"What was looked at, {len(shown)} rows", body)
    return tag(
        "section",
        tag("h3", audit.label, id=f"confounders-{number}"),
        tag("p", _verdict(audit)),
        body,
        _curves(number, audit),
        notes([*_counts(audit, len(shown)), *audit.notes]),
        aria_labelledby=f"confounders-{number}",
    )


def _verdict(audit: ConfounderAudit) -> str:
    called = [one.name for one in audit.confounders]
    leaned = [one.name for one in audit.found if one.verdict == "leaned on"]
    if called:
        more = f" and {count(len(called) - 4)} more" if len(called) > 4 else ""
        text = f"The model leans on {', '.join(called[:4])}{more}, which goes with the label here."
    else:
        text = "Nothing was found that the model leans on and that also goes with the label here."
    if leaned:
        more = f" and {count(len(leaned) - 4)} more" if len(leaned) > 4 else ""
        also = " also" if called else ""
        text += f" It{also} leans on {', '.join(leaned[:4])}{more}, without a link to the label that could be shown."
    return text


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
        f"What the model may lean on for {audit.label}, the weightiest first", COLUMNS, [*map(_row, shown)], texts=(1,)
    )


def _row(one: Confounder) -> list[object]:
    strata: Any = one.strata
    names = ("auroc", "auroc_present", "auroc_absent", "auroc_against", "erased", "erased_against")
    return [
        over(one.name, KINDS.get(one.kind, one.kind)),
        tag("strong", VERDICTS[one.verdict]) if one.verdict == "confounder" else VERDICTS.get(one.verdict, one.verdict),
        NONE if strata is None else f"{count(strata.present)} of {count(strata.present + strata.absent)}",
        _estimate(one.leans),
        _estimate(one.effect),
        signed(one.goes_with.value),
        chance(one.q),
        *(NONE if strata is None else share(getattr(strata, name)) for name in names),
    ]


def _estimate(found: Estimate) -> Html:
    return over(signed(found.value), signed_interval(found.low, found.high))


def _curves(number: int, audit: ConfounderAudit) -> Html | None:
    """ROC curves of the first few that are called, where their scores are at hand."""
    present = audit.scores.get("present", {})
    wanted = [one for one in audit.confounders if one.name in present][:MOST_CURVES]
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
