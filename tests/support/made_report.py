"""A report made by hand: every section has something to show, and every text in it may be a hostile one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from encoder.audit.confounders.result import Confounder, ConfounderAudit, ErrorRates, Estimate, Strata
from encoder.audit.report.card import ModelCard
from encoder.audit.report.report_data import (
    Bin,
    Calibration,
    Errors,
    Example,
    Flag,
    Operating,
    Points,
    Provenance,
    ReportData,
    Scores,
    Wrong,
)
from encoder.audit.slices.result import Slice, SliceConcept, Slices, Trait
from encoder.evaluation.confusion import confusion_of
from encoder.evaluation.evaluation import MEAN, Comparison, Evaluation, LeftOut, Scored
from encoder.explanation.explanation import Contribution, Explanation, Group
from kb.display import Listing
from kb.vocabulary.vocabulary import Evidence
from tests.support.made_groups import made_drift, made_segments

_TRUTH = np.repeat([True, False], (99, 423))
CONFUSION = confusion_of(_TRUTH, np.arange(522) % 4 < 1 + _TRUTH, np.arange(522) // 2)
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
        beside=_beside(words, label),
        beside_operating=(_operating(f"other {words}", label),),
        operating=(_operating(words, label),),
        calibration=(_calibration(label),),
        segments=(made_segments(label, words),),
        drift=(made_drift(label, words),),
        confounders=(_audit(label, words),),
        slices=(_slices(label, words),),
        errors=(
            Errors(label, "false alarms", 3, (Wrong(f"image {words}", words, 0.9), Wrong("study S1", None, 0.8))),
            Errors(label, "misses", 0, ()),
        ),
        examples=(Example(label, "Worst false positive", False, 0.5, _explanation(label, words)),),
        thumbnails={words: PIXEL},
        heatmaps={(words, label): PIXEL},
        card=ModelCard({"intended_use": (words,), "not_for": (words, "children")}),
        flags=_flags(label, words),
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
        confusion=CONFUSION,
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


def _operating(run: str, label: str) -> Operating:
    return Operating(
        run=run,
        label=label,
        unit="images",
        n=522,
        positives=99,
        auroc=0.8,
        auprc=0.7,
        roc=Points((0.0, 0.1, 0.3, 1.0), (0.0, 0.6, 0.9, 1.0)),
        precision=Points((0.0, 0.5, 1.0), (1.0, 0.8, 0.19)),
        scores=Scores((0.0, 0.5, 1.0), (20, 79), (400, 23)),
        threshold=0.5,
        threshold_from=f"run {run}",
        confusion=CONFUSION,
    )


def _beside(run: str, label: str) -> Evaluation:
    """Another run that has the same figures."""
    made = _evaluation(f"other {run}", label)
    compared = Comparison(
        run=f"other {run}",
        against=run,
        label=label,
        n=522,
        positives=99,
        auroc=0.78,
        auroc_against=0.8,
        difference=-0.02,
        low=-0.05,
        high=0.01,
        p=0.2,
        test="DeLong",
    )
    return replace(made, comparisons=Listing([compared], []), notes=(f"beside {run}",))


def _flags(label: str, words: str) -> tuple[Flag, ...]:
    limits = {"label": label, "warn": 0.9, "fail": 0.8}
    return (
        Flag(measure="sensitivity", value=0.85, judged=0.77, verdict="fail", **limits),
        Flag(measure="auroc", value=0.95, judged=0.95, verdict="pass", **limits),
        Flag(measure="subgroup_gap_auroc", value=None, judged=None, verdict="not judged", about=words, **limits),
    )


def _calibration(label: str) -> Calibration:
    bins = tuple(Bin(n / 10, min(1.0, n / 9), max(0.0, n / 9 - 0.1), min(1.0, n / 9 + 0.1), 52) for n in range(10))
    return Calibration(label, bins)


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
        patients=301,
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
