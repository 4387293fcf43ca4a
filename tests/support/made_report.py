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
    left = LeftOut(
        run="r",
        label="hernia",
        n=30,
        positives=2,
        negatives=28,
        unknown=0,
        reason="2 positives, under the minimum of 10 (min_positives)",
    )
    return Evaluation(
        rows=Listing([], []),
        left_out=Listing([left], []),
        comparisons=Listing([], []),
        readers=Listing([], []),
        notes=(),
        commit="c0",
        split="all",
    )


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
    row = Scored(
        run=run,
        label=label,
        n=522,
        positives=99,
        negatives=423,
        unknown=3,
        patients=293,
        values=values,
        intervals=around,
        threshold=0.5,
        threshold_from="validation",
    )
    mean = Scored(
        run=run,
        label=MEAN,
        n=None,
        positives=None,
        negatives=None,
        unknown=None,
        patients=None,
        values=values,
        intervals=around,
        threshold=None,
        threshold_from="",
        labels=7,
    )
    bare = Scored(
        run=run,
        label="No Finding",
        n=9,
        positives=4,
        negatives=5,
        unknown=0,
        patients=9,
        values={**values, "auroc": None},
        intervals={},
        threshold=None,
        threshold_from="",
        in_mean=False,
    )
    left = LeftOut(
        run=run,
        label="hernia",
        n=30,
        positives=2,
        negatives=28,
        unknown=0,
        reason="2 positives, under the minimum of 10 (min_positives)",
    )
    rows = Listing([row, mean, bare], ["label"])
    return Evaluation(
        rows=rows,
        left_out=Listing([left], []),
        comparisons=Listing([], []),
        readers=Listing([], []),
        notes=(run,),
        commit="c0",
        split="test",
    )


def _calibration(label: str) -> Calibration:
    bins = tuple(Bin(n / 10, min(1.0, n / 9), max(0.0, n / 9 - 0.1), min(1.0, n / 9 + 0.1), 52) for n in range(10))
    return Calibration(label, bins, 0.1, (0.05, 0.15), 0.08)


def _subgroups(label: str, words: str) -> Subgroups:
    groups = (
        Subgroup(by="sex", value="F", n=250, positives=40, patients=140, auroc=0.82, low=0.7, high=0.9),
        Subgroup(by="sex", value="M", n=272, positives=59, patients=153, auroc=0.71, low=0.62, high=0.79),
        Subgroup(by="site", value=words, n=9, positives=2, patients=5, reason="2 positives, under the minimum of 10"),
    )
    return Subgroups(label, 0.8, (0.7, 0.9), groups, (f"view: not known of {words}",))


def _audit(label: str, words: str) -> ConfounderAudit:
    random = np.random.default_rng(0)
    truth = random.random(200) < 0.3
    there = random.random(200) < np.where(truth, 0.8, 0.1)
    sure, unsure = Estimate(0.4, 0.3, 0.5, 0.0001), Estimate(float("nan"), float("nan"), float("nan"), float("nan"))
    scored = Estimate(-0.57, -0.65, -0.48, 0.0076, 0.8, -0.5)
    rates = ErrorRates(0.6, 0.1, 0.05, None)
    aurocs = (0.9, 0.7, 0.71, 0.4, 0.8, None)
    names = ("auroc", "auroc_present", "auroc_absent", "auroc_against", "erased", "erased_against")
    counts = {"present": 70, "absent": 130, "positives_present": 50, "positives_absent": 10}
    told = dict(zip(names, aurocs, strict=True))
    strata = Strata(**counts, **told, leans=0.3, erased_leans=0.0, errors=rates, erased_errors=rates)
    rows = [
        Confounder(
            name=words,
            kind="report",
            finding=words,
            concept_id="C1",
            concept=words,
            leans=sure,
            effect=sure,
            goes_with=sure,
            q=0.0002,
            weight=0.3,
            verdict="confounder",
            strata=strata,
        ),
        Confounder(
            name="scar",
            kind="image",
            finding="scar",
            concept_id="C2",
            concept="scar",
            leans=scored,
            effect=unsure,
            goes_with=unsure,
            q=0.4,
            weight=0.1,
            verdict="leaned on",
            strata=strata,
        ),
        Confounder(
            name="sex: M",
            kind="attribute",
            finding=None,
            concept_id=None,
            concept=None,
            leans=unsure,
            effect=unsure,
            goes_with=unsure,
            q=0.9,
            weight=0.0,
            verdict="",
            strata=None,
        ),
    ]
    scores = {"truth": truth, "logit": truth + there + random.normal(size=200), "present": {words: there}}
    tested = {"report": 6, "image": 300, "attribute": 4}
    found = Listing(rows, ["name"])
    return ConfounderAudit(
        run=words,
        label=label,
        source=words,
        split="test",
        n=200,
        positives=60,
        patients=150,
        auroc=0.9,
        disease=(words,),
        tested=tested,
        found=found,
        notes=(words,),
        scores=scores,
    )


def _slices(label: str, words: str) -> Slices:
    concept = SliceConcept(concept_id="C1", text=words, finding=words, difference=1.2, low=0.8, high=1.6, q=0.001)
    none: dict[str, Any] = {"against": None, "concepts": (), "traits": (), "images": (), "wrong": ()}
    held = {"against": 1, "concepts": (concept,), "traits": (Trait(words, 0.6, 0.1),)}
    low = Slice(
        number=2,
        data="",
        n=80,
        positives=20,
        patients=60,
        auroc=0.6,
        auroc_low=0.5,
        auroc_high=0.7,
        mean_score=0.3,
        verdict="low",
        **held,
        images=(words,),
        wrong=(words, "not here"),
    )
    rows = [
        low,
        Slice(
            number=1,
            data="",
            n=300,
            positives=60,
            patients=200,
            auroc=0.9,
            auroc_low=0.85,
            auroc_high=0.95,
            mean_score=0.3,
            verdict="",
            **none,
        ),
    ]
    rows.append(
        Slice(
            number=3,
            data="",
            n=9,
            positives=2,
            patients=9,
            auroc=None,
            auroc_low=None,
            auroc_high=None,
            mean_score=0.3,
            verdict="small",
            **none,
        )
    )
    return Slices(
        run=words,
        label=label,
        source=words,
        split="test",
        n=389,
        positives=82,
        auroc=0.85,
        slices=Listing(rows, ["number"]),
        notes=(words,),
    )


def _explanation(label: str, words: str) -> Explanation:
    said = Evidence(
        report_id="R1",
        study_id=None,
        patient_id=None,
        source=None,
        section="findings",
        sentence=words,
        spans=(),
        text=words,
        assertion="present",
        certainty="certain",
        temporality="",
        laterality="none",
        severity="none",
    )
    top = (
        Contribution(concept_id="C1", text=words, finding=words, score=0.4, contribution=1.5, evidence=(said,)),
        Contribution(concept_id="C2", text="scar", finding="scar", score=0.1, contribution=-0.2),
    )
    groups = (Group(words, 3, 1.6), Group("scar", 1, -0.2))
    return Explanation(
        image_id=words,
        label=label,
        run=words,
        score=0.7,
        logit=0.85,
        base=-0.5,
        concepts=9,
        others=0.05,
        outside=0.0,
        residual=1e-8,
        top=top,
        groups=groups,
        relative=True,
    )
