"""Which views are learned from, predicted and judged, rows group by group, and p values for how many there are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from encoder.audit.rows import read_rows
from encoder.evaluation import Evaluation, Options, evaluate
from encoder.prediction.predicting import PredictOptions, chosen_images
from encoder.training.training_data import read_study
from kb.errors import UsageError
from kb.images.view_choice import view_choice
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.statistics.multiplicity import benjamini_hochberg, holm
from tests.support.stored_rows import image, put, put_run

VIEWS = ("PA", "AP", "frontal", "lateral", "other", None)
QUICK = Options(bootstrap=20, min_positives=3)


@pytest.fixture
def pictures(kb: KnowledgeBase) -> KnowledgeBase:
    """120 images of 60 patients at two sites, twenty of each view, with reports, vectors, labels and two runs."""
    draw = np.random.default_rng(0)
    rows, reports, vectors = [], [], []
    for n in range(120):
        told = {"site": "hill" if n % 3 else "harbor", "split": "test" if n < 90 else "external"}
        rows.append(image(f"i{n:03d}", study_id=f"s{n}", patient_id=f"p{n // 2}", view=VIEWS[n % 6], attributes=told))
        known = {"source": "r.csv", "position": "1", "content_hash": "", "extractor": "", "patient_id": None}
        section = {"name": "findings", "text": "Clear.", "mined": True}
        reports.append({"report_id": f"r{n}", "study_id": f"s{n}", **known, "sections": [section]})
        vectors.append({"image_id": f"i{n:03d}", "content_hash": f"i{n:03d}", "encoder": "N1", "vector": [0.0, 1.0]})
    for table, those in (("images", rows), ("reports", reports), ("image_vectors", vectors)):
        put(kb, table, those)
    truth = draw.random(120) < 0.5
    held = [{"image_id": f"i{n:03d}", "label": "E", "value": int(truth[n]), "source": "l"} for n in range(120)]
    put(kb, "labels", held)
    for run, noise in (("good", 1.0), ("poor", 3.0)):
        scores = 1 / (1 + np.exp(1 - 2 * truth - draw.normal(0, noise, 120)))
        put_run(kb, run, [{"image_id": f"i{n:03d}", "label": "E", "score": float(scores[n])} for n in range(120)])
    return kb


def counted(found: Evaluation) -> dict[str, int | None]:
    return {row.split: row.n for row in found.rows if row.run == "good"}


@pytest.mark.soak
@pytest.mark.parametrize(
    ("views", "judged", "said"),
    [
        ("frontal", {"internal": 60, "external": 20}, "left out for their view: 20 lateral, 20 other (views: frontal)"),
        ("PA,ap", {"internal": 30, "external": 10}, "20 frontal, 20 lateral, 20 other, 20 unknown (views: PA,ap)"),
        ("lateral", {"internal": 15, "external": 5}, "20 AP, 20 PA, 20 frontal, 20 other, 20 unknown"),
        ("all", {"internal": 90, "external": 30}, None),
    ],
)
def test_frontals_are_judged_unless_others_are_asked_for_and_what_was_left_out_is_counted(
    pictures: KnowledgeBase, views: str, judged: dict[str, int], said: str | None
) -> None:
    found = evaluate(pictures, ["good"], Options(bootstrap=0, min_positives=2, views=views))
    assert counted(found) == judged
    told = [note for note in found.notes if "left out for their view" in note]
    assert len(told) == (said is not None) and all(said in note for note in told if said)


@pytest.mark.soak
def test_training_and_prediction_take_frontals_too(pictures: KnowledgeBase) -> None:
    frontal = read_study(pictures, embedded=False)
    assert (len(frontal.examples), frontal.left_out) == (60, {"lateral": 15, "other": 15, "external": 30})
    assert len(read_study(pictures, embedded=False, views="all").examples) == 90
    with pytest.raises(UsageError, match="view 'side': one of all, PA, AP, frontal, lateral, other, unknown"):
        view_choice("PA,side")
    chosen, told = chosen_images(pictures, "N1", PredictOptions())
    assert (len(chosen), told) == (80, ["left out for their view: 20 lateral, 20 other (views: frontal)"])
    assert len(chosen_images(pictures, "N1", PredictOptions(views="lateral"))[0]) == 20


@pytest.mark.soak
def test_an_audit_reads_frontals_too(pictures: KnowledgeBase) -> None:
    with Views(pictures) as session:
        rows = read_rows(session, "good", "E", split="external")
        assert (len(rows), rows.notes) == (20, ["left out for their view: 5 lateral, 5 other"])
        assert len(read_rows(session, "good", "E", split="external", views="all")) == 30
        with pytest.raises(UsageError, match="nothing is known to be true of E in these views: 5 AP"):
            read_rows(session, "good", "E", split="external", where="view = 'AP'", views="PA")


@pytest.mark.soak
def test_groups_have_figures_and_intervals_of_their_own_and_parts_stay_apart(pictures: KnowledgeBase) -> None:
    found = evaluate(pictures, ["good", "poor"], Options(bootstrap=50, min_positives=3, views="all"), by="site")
    assert [(row.split, row.group, row.n) for row in found.rows if row.run == "good"] == [
        ("internal", "harbor", 30),
        ("internal", "hill", 60),
        ("external", "harbor", 10),
        ("external", "hill", 20),
    ]
    hill = found.get("good", "E", split="internal", group="hill")
    (mine,) = [r for r in found.label_rows if (r.run, r.split, r.group) == ("good", "internal", "hill")]
    assert hill.values["auroc"] == pytest.approx(metrics.roc_auc_score(mine.truth, mine.rank))
    low, high = hill.intervals["auroc"] or (0, 0)
    assert low < (hill.values["auroc"] or 0) < high
    alone = evaluate(
        pictures, ["good"], Options(bootstrap=50, min_positives=3, views="all", where="site = 'hill'", split="internal")
    )
    assert alone.rows[0].intervals == hill.intervals
    assert {row.group for row in evaluate(pictures, ["good"], QUICK, by="view").rows} <= {
        "PA",
        "AP",
        "frontal",
        "unknown",
    }
    with pytest.raises(UsageError, match="by 'ward': nothing is known by that name; there are site, source, view"):
        evaluate(pictures, ["good"], QUICK, by="ward")


@pytest.mark.soak
def test_p_values_are_adjusted_over_all_that_are_shown(pictures: KnowledgeBase) -> None:
    plain = evaluate(
        pictures, ["good"], Options(bootstrap=200, min_positives=3, views="all"), against="poor", by="site"
    )
    assert all(row.p_adjusted is None for row in plain.comparisons)
    found = evaluate(
        pictures,
        ["good"],
        Options(bootstrap=200, min_positives=3, views="all"),
        against="poor",
        by="site",
        adjust="holm",
    )
    p = [row.p or 0.0 for row in found.comparisons]
    assert len(p) == 4 and [row.p_adjusted for row in found.comparisons] == holm(p)


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    # 4 x 0.01; then 3 x 0.02 = 0.06; 2 x 0.03 = 0.06 and 0.04, which may not fall below what stands before.
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == [] and holm([0.2]) == [0.2]
    # 0.01 x 4/1, 0.02 x 4/2, 0.03 x 4/3, 0.04 x 4/4: all 0.04.
    assert benjamini_hochberg([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.04] * 4)
    assert benjamini_hochberg([0.01, 0.5]) == pytest.approx([0.02, 0.5])
