"""The library of named queries: each runs on nothing and on a ward, and tells what it says it tells."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.sql.queries import NamedQuery, all_queries, find_query, run_query
from kb.sql.session import AuditSession
from tests.support.concepts import add_concepts
from tests.support.tables import fill, run

NAMES = sorted(all_queries())


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Any:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("empty") / "empty.kb", by="tester")
    with AuditSession(kb) as session:
        yield session


class TestAllOfThem:
    @pytest.mark.parametrize("name", NAMES)
    def test_runs_on_an_empty_knowledge_base(self, empty: AuditSession, name: str) -> None:
        assert run_query(empty, name).rows() == []

    @pytest.mark.parametrize("name", NAMES)
    def test_tells_something_of_a_ward(self, session: AuditSession, name: str) -> None:
        assert run_query(session, name).rows()

    @pytest.mark.parametrize("name", NAMES)
    def test_says_what_it_tells_and_uses_what_it_is_told(self, name: str) -> None:
        query = find_query(name)
        assert query.about.endswith(".")
        for parameter in query.parameters:
            assert f"${parameter.name}" in query.sql
            assert parameter.about

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("parameter", ["run", "label", "source"])
    def test_filters_filter(self, session: AuditSession, name: str, parameter: str) -> None:
        if parameter not in {told.name for told in find_query(name).parameters}:
            pytest.skip("it has no such parameter")
        assert run_query(session, name, {parameter: "none of these"}).rows() == []

    def test_at_least_those_of_the_issue(self) -> None:
        assert {
            "metrics",
            "calibration",
            "subgroup_gaps",
            "disagreement",
            "drift",
            "label_noise",
            "false_positives_by_concept",
            "false_negatives_by_concept",
            "unused_concepts",
            "evidence",
            "sources_disagree",
        } <= set(NAMES)


class TestParameters:
    def test_a_query_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match="did you mean calibration"):
            find_query("calibrate")
        assert find_query("Label-Noise").name == "label_noise"

    def test_a_parameter_that_is_not_there(self, session: AuditSession) -> None:
        with pytest.raises(UsageError, match=r"has no parameter 'bin'.*it takes run, label, source, bins"):
            run_query(session, "calibration", {"bin": 5})

    @pytest.mark.parametrize("value", ["many", "2.5", ""])
    def test_a_value_of_another_kind(self, session: AuditSession, value: str) -> None:
        with pytest.raises(UsageError, match="whole number"):
            run_query(session, "calibration", {"bins": value})

    def test_defaults(self) -> None:
        query: NamedQuery = find_query("calibration")
        assert query.values({"bins": "4"}) == {
            **dict.fromkeys(("run", "label", "source", "split")),
            "bins": 4,
        }


def _one(session: AuditSession, name: str, **given: Any) -> dict[str, Any]:
    (row,) = run_query(session, name, given).rows()
    return row


class TestWhatTheyTell:
    def test_calibration_bins_hold_equal_shares_and_keep_ties(self, session: AuditSession) -> None:
        rows = run_query(session, "calibration", {"run": "good", "source": "truth.csv", "bins": 4}).rows()
        scores = session.query(
            "SELECT score, truth FROM outcomes WHERE run = 'good' AND source = 'truth.csv' ORDER BY score"
        ).rows()
        assert sum(row["n"] for row in rows) == len(scores) == 120
        assert all(one["highest"] < other["lowest"] for one, other in pairwise(rows))
        for row in rows:
            inside = [one for one in scores if row["lowest"] <= one["score"] <= row["highest"]]
            assert row["n"] == len(inside)
            assert row["positives"] == sum(one["truth"] for one in inside)
            assert row["mean_score"] == pytest.approx(sum(one["score"] for one in inside) / len(inside))
            assert row["share"] == pytest.approx(row["positives"] / row["n"])
        error = sum(row["n"] * abs(row["gap"]) for row in rows) / 120
        assert all(row["error"] == pytest.approx(error) for row in rows)

    def test_the_site_with_tubes_is_the_better_one_of_the_leaning_run(self, session: AuditSession) -> None:
        gap = _one(session, "subgroup_gaps", run="leaning", source="truth.csv", by="site")
        assert (gap["best"], gap["worst"], gap["groups"]) == ("A", "B", 2)
        assert gap["gap"] == pytest.approx(gap["best_auroc"] - gap["worst_auroc"])
        drift = _one(session, "drift", run="leaning", source="truth.csv")
        assert (drift["a"], drift["b"], drift["n_a"], drift["n_b"]) == ("A", "B", 80, 40)
        assert drift["auroc_change"] == pytest.approx(-gap["gap"])

    def test_drift_between_two_that_are_named(self, session: AuditSession) -> None:
        told = {"run": "good", "source": "truth.csv", "by": "month", "a": "2020-02", "b": "2020-01"}
        assert (_one(session, "drift", **told)["a"], _one(session, "drift", **told)["b"]) == ("2020-02", "2020-01")
        assert _one(session, "drift", **{**told, "b": None})["b"] == "2020-01"

    def test_small_groups_are_left_out_of_gaps(self, session: AuditSession) -> None:
        assert run_query(session, "subgroup_gaps", {"least": 1000}).rows() == []

    def test_disagreement_is_ordered_and_says_what_is_true(self, session: AuditSession) -> None:
        rows = run_query(session, "disagreement", {"source": "truth.csv", "most": 10}).rows()
        assert len(rows) == 10
        sizes = [abs(row["difference"]) for row in rows]
        assert sizes == sorted(sizes, reverse=True)
        assert {(row["a"], row["b"]) for row in rows} == {("good", "leaning")}
        swapped = run_query(session, "disagreement", {"source": "truth.csv", "most": 10, "a": "leaning"}).rows()
        assert (swapped[0]["a"], swapped[0]["b"]) == ("leaning", "good")
        assert swapped[0]["difference"] == -rows[0]["difference"]

    def test_false_positives_of_the_leaning_run_are_about_tubes(self, session: AuditSession) -> None:
        (row,) = run_query(session, "false_positives_by_concept", {"run": "leaning", "source": "truth.csv"}).rows()
        assert row["concept"] == "chest tube"
        counts = session.query(
            "WITH tube AS (SELECT study_id FROM observations WHERE finding = 'chest tube'), judged AS ("
            "SELECT study_id, decision AS wrong FROM outcomes "
            "WHERE run = 'leaning' AND source = 'truth.csv' AND truth = 0) "
            "SELECT wrong, study_id IN (FROM tube) AS tube, count(*) AS n FROM judged GROUP BY ALL"
        ).rows()
        table = {(one["wrong"], one["tube"]): one["n"] for one in counts}
        bad, good = table.get((True, True), 0), table.get((False, True), 0)
        assert (row["false_positives_with"], row["true_negatives_with"]) == (bad, good)
        assert row["false_positives"] == bad + table.get((True, False), 0)
        odds = (bad + 0.5) * (table.get((False, False), 0) + 0.5) / ((table.get((True, False), 0) + 0.5) * (good + 0.5))
        assert row["odds_ratio"] == pytest.approx(odds)
        assert row["odds_low"] * row["odds_high"] == pytest.approx(odds**2)

    def test_false_positives_roll_up_to_what_no_report_says(self, session: AuditSession) -> None:
        told = {"run": "leaning", "source": "truth.csv"}
        rows = run_query(session, "false_positives_by_concept", {**told, "under": "device"}).rows()
        assert [row["concept"] for row in rows] == ["chest tube"]
        assert run_query(session, "false_positives_by_concept", {**told, "under": "hernia"}).rows() == []

    def test_label_noise_is_where_all_runs_contradict(self, session: AuditSession) -> None:
        rows = run_query(session, "label_noise", {"source": "reader"}).rows()
        assert rows
        errors = session.query("SELECT image_id, run FROM errors WHERE source = 'reader'").rows()
        wrong = {(row["image_id"], row["run"]) for row in errors}
        assert all({(row["image_id"], "good"), (row["image_id"], "leaning")} <= wrong for row in rows)
        assert [row["doubt"] for row in rows] == sorted((row["doubt"] for row in rows), reverse=True)

    def test_agreement_of_sources(self, session: AuditSession) -> None:
        told = _one(session, "source_agreement")
        apart = run_query(session, "sources_disagree").rows()
        assert told["only_a"] + told["only_b"] == len(apart)
        positive_a, positive_b = told["both_positive"] + told["only_a"], told["both_positive"] + told["only_b"]
        chance = (positive_a * positive_b + (120 - positive_a) * (120 - positive_b)) / 120**2
        assert told["kappa"] == pytest.approx((told["agreement"] - chance) / (1 - chance))
        assert all(row["value_a"] != row["value_b"] for row in apart)
        assert run_query(session, "sources_disagree", {"a": "truth.csv", "b": "reader"}).rows() == apart
        assert run_query(session, "sources_disagree", {"a": "nobody"}).rows() == []

    def test_evidence_and_unused_concepts(self, session: AuditSession) -> None:
        by_text = run_query(session, "evidence", {"concept": "Chest Tube", "most": 3}).rows()
        assert len(by_text) == 3
        assert by_text == run_query(session, "evidence", {"concept": "Ctub", "most": 3}).rows()
        assert {row["sentence"] for row in by_text} == {"There is chest tube."}
        assert [row["text"] for row in run_query(session, "unused_concepts").rows()] == ["hernia"]

    def test_the_worst_errors_come_first(self, session: AuditSession) -> None:
        rows = run_query(session, "worst_errors", {"kind": "false positive", "most": 5}).rows()
        margins = [row["margin"] for row in rows]
        assert margins == sorted(margins, reverse=True)
        assert {row["kind"] for row in rows} == {"false positive"}


@pytest.mark.soak
def test_studies_disagree_where_no_image_is_known(kb: KnowledgeBase) -> None:
    said = {"study_id": "s1", "label": "edema"}
    fill(kb, labels=[{**said, "value": 1, "source": "a"}, {**said, "value": 0, "source": "b"}])
    with AuditSession(kb) as session:
        (row,) = run_query(session, "sources_disagree").rows()
    assert (row["level"], row["unit"], row["value_a"], row["value_b"]) == ("study", "s1", 1, 0)


def test_drift_of_scores_needs_no_labels(kb: KnowledgeBase) -> None:
    """A hospital watches a model before anybody has read its images."""
    images = [{"image_id": f"i{n}", "source": "x", "kind": "png"} for n in range(6)]
    sites = [{"image_id": f"i{n}", "name": "site", "value": "AB"[n % 2], "source": "x"} for n in range(6)]
    scores = [{"run": "r", "image_id": f"i{n}", "label": "edema", "score": n / 10} for n in range(6)]
    fill(kb, images=images, attributes=sites, predictions=scores, runs=[run("r")])
    with AuditSession(kb) as session:
        (row,) = run_query(session, "drift").rows()
    assert (row["mean_score_a"], row["mean_score_b"]) == (pytest.approx(0.2), pytest.approx(0.3))
    assert (row["prevalence_a"], row["auroc_a"], row["above_a"]) == (None, None, None)
    assert not math.isnan(row["mean_score_a"])


def test_months_drift_from_the_first_to_the_last_whatever_rows_they_have(kb: KnowledgeBase) -> None:
    months = ["2024-01"] * 2 + ["2024-02"] * 5 + ["2024-03"] * 5 + ["2024-04"] * 2
    dates = [
        {"image_id": f"i{n}", "name": "date", "value": f"{month}-03", "source": "x"} for n, month in enumerate(months)
    ]
    scores = [{"run": "r", "image_id": f"i{n}", "label": "edema", "score": n / 20} for n in range(len(months))]
    images = [{"image_id": f"i{n}", "source": "x", "kind": "png"} for n in range(len(months))]
    fill(kb, images=images, attributes=dates, predictions=scores, runs=[run("r")])
    with AuditSession(kb) as session:
        whole, to_march = (_one(session, "drift", by="month", **told) for told in ({}, {"b": "2024-03"}))
    assert (whole["a"], whole["b"], whole["n_a"]) == ("2024-01", "2024-04", 2)
    assert (to_march["a"], to_march["b"]) == ("2024-01", "2024-03")


@pytest.mark.soak
def test_roll_up_counts_a_mention_for_every_wider_concept_and_a_study_once(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["fracture", "rib fracture", "left rib fracture", "no fracture"])
    ids = {text: read_query(text).concept_id for text in ("fracture", "rib fracture", "left rib fracture")}
    said = {"s0": ["rib fracture", "left rib fracture"], "s1": ["left rib fracture"], "s2": ["fracture"], "s3": []}
    span = {"start": 0, "end": 8}
    observed = {"section": "findings", "sentence_span": span, "assertion": "present", "certainty": "definite"}
    fill(
        kb,
        images=[{"image_id": f"i{study}", "study_id": study, "source": "t", "kind": "png"} for study in said],
        reports=[{"report_id": f"r{study}", "study_id": study} for study in said],
        observations=[
            {"report_id": f"r{study}", "text": text, "concept_id": ids[text], **observed}
            for study, texts in said.items()
            for text in texts
        ],
        labels=[
            {"image_id": f"i{study}", "label": "edema", "value": int(study == "s3"), "source": "t"} for study in said
        ],
        predictions=[{"run": "r", "image_id": f"i{s}", "label": "edema", "score": 0.9 - (s == "s3") / 2} for s in said],
        runs=[run("r", parameters='{"operating_points": {"edema": 0.5}}')],
    )
    with AuditSession(kb) as session:

        def counted(**told: Any) -> dict[str, int]:
            rows = run_query(session, "false_positives_by_concept", {"least": 1, **told}).rows()
            return {row["concept"]: row["false_positives_with"] for row in rows}

        assert counted() == {"fracture": 1, "rib fracture": 1, "left rib fracture": 2}
        assert counted(roll_up=1) == {"fracture": 3, "rib fracture": 2, "left rib fracture": 2}
        assert counted(roll_up=1, under="rib fracture") == {"rib fracture": 2, "left rib fracture": 2}
        assert len(run_query(session, "evidence", {"under": "bone abnormality"}).rows()) == 4
        pairs = session.query("SELECT concept_id, ancestor, distance, direct FROM concept_ancestors").rows()
        of_left = [row for row in pairs if row["concept_id"] == ids["left rib fracture"]]
        assert sorted((row["ancestor"], row["distance"], row["direct"]) for row in of_left) == [
            ("fracture", 2, False),
            ("left rib fracture", 0, False),
            ("rib fracture", 1, True),
        ]
