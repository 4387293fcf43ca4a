"""Where scores are cut into yes and no, on which rows that is judged, and what the decisions come to."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from kb.errors import UsageError
from kb.images.patient_split import FOLDS, fold_of
from kb.knowledge_base import KnowledgeBase
from kb.sql.queries import find_query, run_query
from kb.sql.session import AuditSession
from kb.sql.views import Views
from kb.statistics.shares import share_interval
from tests.support.examples import examples
from tests.support.tables import fill, run

Row = tuple[str, int, float]


def study(
    kb: KnowledgeBase, count: int = 200, validation: int = 0, seed: int = 2, *, ours: bool = False, share: float = 0.5
) -> list[Row]:
    """A run over images of patients with two each; the first ones stand in a named validation split."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        truth = int(draw.random() < share)
        rows.append((f"i{number:04}", truth, round(min(max(draw.gauss(0.6 if truth else 0.4, 0.2), 0), 1), 2)))
    split = {f"i{n:04}": [{"name": "split", "value": "val" if n < validation else "test"}] for n in range(count)}
    fill(
        kb,
        images=[
            {
                "image_id": one,
                "patient_id": f"p{number // 2}",
                "source": "folder",
                "kind": "png",
                "sex": "FM"[number // 2 % 2],
                "attributes": [
                    *(split[one] if validation or ours else []),
                    {"name": "Scanner-Model", "value": "XY"[number // 4 % 2]},
                ],
            }
            for number, (one, _, _) in enumerate(rows)
        ],
        labels=[{"image_id": one, "label": "edema", "value": truth, "source": "t"} for one, truth, _ in rows],
        predictions=[{"run": "r", "image_id": one, "label": "Edema", "score": score} for one, _, score in rows],
        runs=[run("r", **({"encoder": "N1", "method": "probe"} if ours else {}))],
    )
    return rows


def best_cut(rows: Sequence[Row]) -> float:
    """The cut of the highest Youden index, the highest of several; in whole numbers, so that equal ones are equal."""
    positives = sum(truth for _, truth, _ in rows)
    negatives = len(rows) - positives

    def worth(cut: float) -> tuple[int, float]:
        called = [truth for _, truth, score in rows if score >= cut]
        return sum(called) * negatives - (len(called) - sum(called)) * positives, cut

    return max({score for *_, score in rows}, key=worth)


def ask(kb: KnowledgeBase, sql: str, **values: Any) -> list[dict[str, Any]]:
    with Views(kb) as session:
        return session.run(sql, values).rows()


def _owner(image: str) -> str:
    return f"p{int(image[1:]) // 2}"


class TestThresholds:
    @pytest.mark.soak
    def test_a_named_validation_chooses_and_is_not_judged_by_it(self, kb: KnowledgeBase) -> None:
        rows = study(kb, validation=60)
        (found,) = ask(kb, "FROM thresholds")
        assert (found["chosen_on"], found["threshold"]) == ("validation", best_cut(rows[:60]))
        assert (found["positives"], found["warning"]) == (sum(truth for _, truth, _ in rows[:60]), None)
        cut = found["threshold"]
        decisions = {row["image_id"]: row["decision"] for row in ask(kb, "SELECT image_id, decision FROM outcomes")}
        assert decisions == {one: None if at < 60 else score >= cut for at, (one, _, score) in enumerate(rows)}
        wrong = {row["image_id"]: row["kind"] for row in ask(kb, "SELECT image_id, kind FROM errors")}
        assert wrong == {
            one: "false negative" if truth else "false positive"
            for one, truth, score in rows[60:]
            if (score >= cut) != truth
        }

    def test_else_each_fold_of_patients_is_judged_by_the_cut_of_the_others(self, kb: KnowledgeBase) -> None:
        rows = study(kb)
        cuts = [best_cut([row for row in rows if fold_of(_owner(row[0])) != fold]) for fold in range(FOLDS)]
        (found,) = ask(kb, "FROM thresholds")
        assert (found["chosen_on"], found["lowest"], found["highest"]) == ("cross-fitted", min(cuts), max(cuts))
        assert found["threshold"] == sorted(cuts)[2]
        held = {row["image_id"]: row for row in ask(kb, "SELECT image_id, threshold, decision, judged FROM outcomes")}
        for one, _, score in rows:
            cut = cuts[fold_of(_owner(one))]
            assert (held[one]["threshold"], held[one]["decision"], held[one]["judged"]) == (cut, score >= cut, True)

    def test_a_drawn_split_says_nothing_of_a_run_from_elsewhere(self, kb: KnowledgeBase) -> None:
        study(kb)
        found = ask(kb, "SELECT DISTINCT split, judged FROM outcomes ORDER BY split")
        assert [row["judged"] for row in found] == [True] * 3, "train, validation and test"

    @pytest.mark.parametrize(("count", "chosen_on"), [(22, "nothing"), (60, "cross-fitted")])
    def test_few_rows_choose_nothing_and_that_is_said(self, kb: KnowledgeBase, count: int, chosen_on: str) -> None:
        study(kb, count)
        (found,) = ask(kb, "FROM thresholds")
        assert found["chosen_on"] == chosen_on
        if chosen_on == "nothing":
            assert found["threshold"] is None
            assert "10 of each are needed" in found["warning"]
            assert ask(kb, "FROM errors") == []
        else:
            assert "under 20" in found["warning"]

    def test_what_is_given_with_the_run_comes_first(self, kb: KnowledgeBase) -> None:
        rows = study(kb, validation=60)
        parameters = json.dumps({"operating_points": {"Edema": 0.7}})
        said = [{"run": "s", "image_id": one, "label": "Edema", "score": score} for one, _, score in rows]
        fill(kb, runs=[run("s", parameters=parameters)], predictions=said)
        (found,) = ask(kb, "SELECT * FROM thresholds WHERE run = 's'")
        assert (found["threshold"], found["chosen_on"], found["positives"]) == (0.7, "given", None)
        alerts = ask(kb, "SELECT count(*) AS n FROM outcomes WHERE run = 's' AND decision")
        assert alerts == [{"n": sum(score >= 0.7 for *_, score in rows)}]
        assert ask(kb, "SELECT operating_points FROM runs WHERE run = 's'") == [{"operating_points": {"Edema": 0.7}}]


class TestRowsThatWereLearnedFrom:
    @pytest.fixture
    def ours(self, kb: KnowledgeBase) -> KnowledgeBase:
        """A probe of ours over drawn splits."""
        study(kb, 300)
        with AuditSession(kb) as session:
            scores = session.query("SELECT image_id, label, score FROM predictions").rows()
        fill(kb, predictions=[{**row, "run": "probe"} for row in scores])
        return fill(kb, runs=[run("probe", encoder="N1", method="probe")])

    @pytest.mark.soak
    def test_are_told_and_left_out_unless_asked(self, ours: KnowledgeBase) -> None:
        with AuditSession(ours) as session:
            held = session.query("SELECT DISTINCT split, judged FROM outcomes WHERE run = 'probe' ORDER BY 1").rows()
            assert [tuple(row.values()) for row in held] == [("test", True), ("train", False), ("validation", False)]
            count = {
                row["split"]: row["n"] for row in session.query("SELECT split, count(*) AS n FROM images GROUP BY 1")
            }
            only = "WHERE run = 'probe'"
            assert [row["n"] for row in session.query(f"SELECT n FROM metrics_by('all') {only}")] == [count["test"]]
            assert {row["split"] for row in session.query(f"SELECT split FROM errors {only}")} == {"test"}
            by_split = session.query(f"SELECT value, n FROM metrics {only} AND grouping = 'split'").rows()
            assert {row["value"]: row["n"] for row in by_split} == count
            for query, column in (("metrics", "n"), ("confusion", "n"), ("roc", "called")):
                for split, n in (
                    (None, count["test"]),
                    ("train", count["train"]),
                    ("all", 300 if query != "confusion" else 300 - count["validation"]),
                ):
                    rows = run_query(session, query, {"run": "probe", "split": split}).rows()
                    assert max(row[column] for row in rows) == n, (query, split)

    @pytest.mark.soak
    def test_are_counted_beside_what_leaves_them_out(self, ours: KnowledgeBase) -> None:
        with AuditSession(ours) as session:
            (row,) = session.query("SELECT count(*) AS n FROM outcomes WHERE NOT judged").rows()

            def told(sql: str, **values: Any) -> str:
                session.query(sql, values)
                return " ".join(session.remarks(sql, values, rows=True))

            assert told("FROM metrics") == told("FROM confusion_by(sex)")
            assert f"left out: {row['n']} predictions that a run of ours learned from" in told("FROM metrics")
            assert "count too: WHERE judged leaves them out" in told("SELECT count(*) FROM outcomes")
            assert told("FROM confusion_by(sex, part := 'all')") == told("FROM outcomes WHERE judged") == ""
            query = find_query("roc")
            values = query.values({"run": "probe"})
            assert "left out: " in " ".join(session.remarks(query.sql, values, rows=True))
            assert session.remarks(query.sql, {**values, "split": "all"}, rows=True) == []
            assert session.remarks(query.sql, {**values, "run": "r"}, rows=True) == []

    def test_choose_by_their_own_validation(self, ours: KnowledgeBase) -> None:
        found = {row["run"]: row["chosen_on"] for row in ask(ours, "SELECT run, chosen_on FROM thresholds")}
        assert found == {"r": "cross-fitted", "probe": "validation"}

    def test_a_part_that_is_none_is_refused(self, ours: KnowledgeBase) -> None:
        with AuditSession(ours) as session, pytest.raises(UsageError, match=r"split = tset: .*test, external"):
            run_query(session, "roc", {"split": "tset"})


CLUSTERED = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


class TestWhatDecisionsComeTo:
    @pytest.mark.soak
    @settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(CLUSTERED)
    def test_shares_have_the_intervals_of_the_library(
        self, session: AuditSession, rows: list[tuple[int, bool]]
    ) -> None:
        clusters, said = (np.array(column) for column in zip(*rows, strict=True))
        sql = (
            "WITH p AS (SELECT c, count(*) AS n, sum(s::INTEGER) AS x FROM (SELECT unnest($c) AS c, unnest($s) AS s) "
            "GROUP BY c) SELECT share_over(n, x) AS share FROM p"
        )
        (found,) = session.query(sql, {"c": clusters.tolist(), "s": said.tolist()}).rows()
        expected = share_interval(said, clusters)
        assert expected is not None
        told = [found["share"][name] for name in ("value", "low", "high")]
        assert told == pytest.approx(list(expected), abs=1e-9)

    @pytest.mark.soak
    def test_confusion_by_is_that_of_scikit_learn_with_patients_as_clusters(self, kb: KnowledgeBase) -> None:
        study(kb)
        held = ask(kb, "SELECT sex, owner, truth, decision FROM outcomes")
        found = {row["value"]: row for row in ask(kb, "FROM confusion_by(sex)")}
        assert set(found) == {"F", "M"}
        for sex, row in found.items():
            mine = [one for one in held if one["sex"] == sex]
            truth, called = (np.array([int(one[name]) for one in mine]) for name in ("truth", "decision"))
            owners = np.array([one["owner"] for one in mine])
            tn, fp, fn, tp = metrics.confusion_matrix(truth, called).ravel().tolist()
            assert [row[name] for name in ("tp", "fp", "fn", "tn", "n")] == [tp, fp, fn, tn, len(mine)]
            assert row["patients"] == len(set(owners))
            for name, over, said in (
                ("sensitivity", truth == 1, called == 1),
                ("specificity", truth == 0, called == 0),
                ("ppv", called == 1, truth == 1),
                ("npv", called == 0, truth == 0),
                ("alerts_per_100", truth >= 0, called == 1),
            ):
                expected = share_interval(said[over], owners[over])
                assert expected is not None
                scale = 100 if name == "alerts_per_100" else 1
                told = [row[f"{name}{end}"] / scale for end in ("", "_low", "_high")]
                assert told == pytest.approx(list(expected), abs=1e-9), name

    def test_calibration_by_has_bins_of_equally_many_rows_and_keeps_ties(self, kb: KnowledgeBase) -> None:
        rows = study(kb)
        truth, scores = (np.array([row[at] for row in rows], dtype=float) for at in (1, 2))
        (found,) = ask(kb, "FROM calibration_by('all')")
        bins = np.searchsorted(np.sort(scores), scores, side="left") * 10 // len(rows)
        gaps = [abs((scores - truth)[bins == one].sum()) for one in range(10)]
        assert found["ece"] == pytest.approx(sum(gaps) / len(rows), abs=1e-12)
        assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, scores), abs=1e-12)
        assert found["gap"] == pytest.approx(scores.mean() - truth.mean(), abs=1e-12)

    def test_roc_has_the_steps_of_scikit_learn(self, kb: KnowledgeBase) -> None:
        rows = study(kb)
        truth, scores = zip(*(row[1:] for row in rows), strict=True)
        found = ask(kb, "FROM roc('r', 'EDEMA')")
        fpr, tpr, cuts = metrics.roc_curve(truth, scores, drop_intermediate=False)
        assert [row["threshold"] for row in found] == list(cuts[1:])
        assert [row["sensitivity"] for row in found] == pytest.approx(list(tpr[1:]))
        assert [row["specificity"] for row in found] == pytest.approx(list(1 - fpr[1:]))
        for row in found:
            assert row["precision"] == pytest.approx(
                metrics.precision_score(truth, [score >= row["threshold"] for score in scores])
            )

    def test_the_decision_curve_is_net_benefit(self, kb: KnowledgeBase) -> None:
        rows = study(kb, share=0.3)
        found = {round(row["probability"], 2): row for row in ask(kb, "FROM decision_curve('r', NULL)")}
        assert len(found) == 99
        for step in range(1, 100):
            probability, n = step / 100, len(rows)
            odds = probability / (1 - probability)
            called = [truth for _, truth, score in rows if score >= probability]
            benefit = (sum(called) - (len(called) - sum(called)) * odds) / n
            everybody = (sum(truth for _, truth, _ in rows) * (1 + odds) - n * odds) / n
            row = found[probability]
            assert row["net_benefit"] == pytest.approx(benefit, abs=1e-12), step
            assert row["net_benefit_of_all"] == pytest.approx(everybody, abs=1e-12)
            assert (row["net_benefit_of_none"], row["alerts_per_100"]) == (0, pytest.approx(100 * len(called) / n))

    @pytest.mark.soak
    @pytest.mark.parametrize("spelling", ["scanner-model", "Scanner_Model", "SCANNER MODEL", "scannermodel"])
    def test_rows_are_grouped_by_an_attribute_in_any_spelling(self, kb: KnowledgeBase, spelling: str) -> None:
        study(kb)
        with AuditSession(kb) as session:
            for query in ("metrics", "confusion"):
                found = run_query(session, query, {"by": spelling}).rows()
                assert [(row["grouping"], row["value"]) for row in found] == [(spelling, "X"), (spelling, "Y")]
            (gap,) = run_query(session, "subgroup_gaps", {"by": spelling}).rows()
            assert {gap["best"], gap["worst"]} == {"X", "Y"}
            (drift,) = run_query(session, "drift", {"by": spelling}).rows()
            assert (drift["a"], drift["b"]) == ("X", "Y")
            direct = session.query("FROM confusion_by(attribute(attributes, $name)) ORDER BY value", {"name": spelling})
            assert [row["n"] for row in direct] == [100, 100]
