"""A report made by hand: every section has something to show, and every text in it may be a hostile one."""

from __future__ import annotations

from typing import Any

import numpy as np

from encoder.audit.confounders.result import Confounder, ConfounderAudit, ErrorRates, Estimate, Strata
from encoder.audit.report.report_data import Bin, Calibration, Example, Provenance, ReportData, Subgroup, Subgroups
from encoder.audit.slices.result import Slice, SliceConcept, Slices, Trait
from encoder.evaluation.evaluation import MEAN, Evaluation, LeftOut, Scored
from encoder.explanation.explanation import Contribution, Explanation, Group
from kb.display import Listing
from kb.vocabulary.vocabulary import Evidence

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def no_evaluation() -> Evaluation:
    """An evaluation in which no label could be scored."""
    left = LeftOut("r", "hernia", 30, 2, 28, 0, "2 positives, under the minimum of 10 (--min-positives)")
    return Evaluation(Listing([], []), Listing([left], []), Listing([], []), Listing([], []), (), "c0", "all")


def made_report(label: str = "pneumothorax", words: str = "chest tube") -> ReportData:
    """A report on one label, with `words` wherever data has a text."""
    return ReportData(
        title=f"Audit of {words}",
        run=words,
        method="probe",
        source=f"the labels of {words}",
        evaluation=_evaluation(words, label),
        labels=(label,),
        calibration=(_calibration(label),),
        subgroups=(_subgroups(label, words),),
        confounders=(_audit(label, words),),
        slices=(_slices(label, words),),
        examples=(Example(label, "Worst false positive", False, 0.5, _explanation(label, words)),),
        thumbnails={words: PIXEL},
        provenance=Provenance((("run", words), ("Python", "3.11")), (("this page", ("clear-kb", "--run", words)),)),
        notes={"slices": (f"note on {words}",), "metrics": (words,)},
    )


def _evaluation(run: str, label: str) -> Evaluation:
    values = dict.fromkeys(("auroc", "auprc", "f1", "mcc", "sensitivity", "specificity", "brier", "ece"), 0.8)
    around = dict.fromkeys(("auroc", "auprc", "f1", "mcc", "ece"), (0.7, 0.9))
    row = Scored(run, label, 522, 99, 423, 3, 293, values, around, 0.5, "validation")
    mean = Scored(run, MEAN, None, None, None, None, None, values, around, None, "", labels=7)
    bare = Scored(run, "No Finding", 9, 4, 5, 0, 9, {**values, "auroc": None}, {}, None, "", in_mean=False)
    left = LeftOut(run, "hernia", 30, 2, 28, 0, "2 positives, under the minimum of 10 (--min-positives)")
    rows = Listing([row, mean, bare], ["label"])
    return Evaluation(rows, Listing([left], []), Listing([], []), Listing([], []), (run,), "c0", "test")


def _calibration(label: str) -> Calibration:
    bins = tuple(Bin(n / 10, min(1.0, n / 9), max(0.0, n / 9 - 0.1), min(1.0, n / 9 + 0.1), 52) for n in range(10))
    return Calibration(label, bins, 0.1, (0.05, 0.15), 0.08)


def _subgroups(label: str, words: str) -> Subgroups:
    groups = (
        Subgroup("sex", "F", 250, 40, 140, 0.82, 0.7, 0.9),
        Subgroup("sex", "M", 272, 59, 153, 0.71, 0.62, 0.79),
        Subgroup("site", words, 9, 2, 5, reason="2 positives, under the minimum of 10"),
    )
    return Subgroups(label, 0.8, (0.7, 0.9), groups, (f"view: not known of {words}",))


def _audit(label: str, words: str) -> ConfounderAudit:
    random = np.random.default_rng(0)
    truth = random.random(200) < 0.3
    there = random.random(200) < np.where(truth, 0.8, 0.1)
    sure, unsure = Estimate(0.4, 0.3, 0.5, 0.0001), Estimate(float("nan"), float("nan"), float("nan"), float("nan"))
    scored = Estimate(-0.57, -0.65, -0.48, 0.0076, 0.8)
    rates = ErrorRates(0.6, 0.1, 0.05, None)
    aurocs = (0.9, 0.7, 0.71, 0.4, 0.8, None)
    strata = Strata(70, 130, 50, 10, *aurocs[:4], 0.3, *aurocs[4:], 0.0, errors=rates, erased_errors=rates)
    rows = [
        Confounder(words, "report", words, "C1", words, sure, sure, sure, 0.0002, 0.3, "confounder", strata),
        Confounder("scar", "image", "scar", "C2", "scar", scored, unsure, unsure, 0.4, 0.1, "leaned on", strata),
        Confounder("sex: M", "attribute", None, None, None, unsure, unsure, unsure, 0.9, 0.0, "", None),
    ]
    scores = {"truth": truth, "logit": truth + there + random.normal(size=200), "present": {words: there}}
    tested = {"report": 6, "image": 300, "attribute": 4}
    found = Listing(rows, ["name"])
    return ConfounderAudit(
        words, label, words, "test", 200, 60, 150, 0.9, (words,), tested, found, (words,), scores=scores
    )


def _slices(label: str, words: str) -> Slices:
    concept = SliceConcept("C1", words, words, 1.2, 0.8, 1.6, 0.001)
    none: dict[str, Any] = {"against": None, "concepts": (), "traits": (), "images": (), "wrong": ()}
    held = {"against": 1, "concepts": (concept,), "traits": (Trait(words, 0.6, 0.1),)}
    low = Slice(2, "", 80, 20, 60, 0.6, 0.5, 0.7, 0.3, "low", **held, images=(words,), wrong=(words, "not here"))
    rows = [low, Slice(1, "", 300, 60, 200, 0.9, 0.85, 0.95, 0.3, "", **none)]
    rows.append(Slice(3, "", 9, 2, 9, None, None, None, 0.3, "small", **none))
    return Slices(words, label, words, "test", 389, 82, 0.85, Listing(rows, ["number"]), (words,))


def _explanation(label: str, words: str) -> Explanation:
    said = Evidence("R1", None, None, None, "findings", words, (), words, "present", "certain", "", "none", "none")
    top = (Contribution("C1", words, words, 0.4, 1.5, (said,)), Contribution("C2", "scar", "scar", 0.1, -0.2))
    groups = (Group(words, 3, 1.6), Group("scar", 1, -0.2))
    return Explanation(words, label, words, 0.7, 0.85, -0.5, 9, 0.05, 0.0, 1e-8, top, groups, True)
