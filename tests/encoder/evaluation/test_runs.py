"""`evaluate` over a knowledge base: matching, splits, thresholds, what is left out, comparisons, readers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics

from encoder.evaluation import Evaluation, Options, evaluate
from encoder.evaluation.evaluation import MEAN
from encoder.evaluation.figure import draw
from encoder.evaluation.matching import match
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql.operating_points import give_points
from kb.sql.views import Views
from tests.support.paths import SHARED
from tests.support.stored_rows import image, put, put_run

QUICK = Options(bootstrap=50, min_positives=3)


def study(kb: KnowledgeBase, rows: int = 120, seed: int = 0, runs: Sequence[str] = ("good", "poor")) -> np.ndarray:
    """Two runs over studies, each of a patient of its own, with three labels and "No Finding"."""
    random = np.random.default_rng(seed)
    ids = [{"study_id": f"s{n}", "patient_id": f"p{n}"} for n in range(rows)]
    names = ("Edema", "Pleural_Thickening", "Rare", "No Finding")
    truth = {name: random.random(rows) < (0.01 if name == "Rare" else 0.4) for name in names}
    held = [(n, name, int(values[n])) for name, values in truth.items() for n in range(rows)]
    put(kb, "labels", [{**ids[n], "label": name, "value": value, "source": "l"} for n, name, value in held])
    for noise, run in enumerate(runs, start=1):
        made = {k: 1 / (1 + np.exp(1 - 2 * v - random.normal(0, noise, rows))) for k, v in truth.items()}
        said = [(n, name.replace("_", " "), float(scores[n])) for name, scores in made.items() for n in range(rows)]
        put_run(kb, run, [{**ids[n], "label": name, "score": score} for n, name, score in said])
    return truth["Edema"]


class TestFigures:
    def test_labels_are_scored_or_left_out_and_no_finding_stands_apart(self, kb: KnowledgeBase) -> None:
        study(kb)
        found = evaluate(kb, ["good"], QUICK)
        assert [row.label for row in found.rows] == ["Edema", "Pleural Thickening", MEAN, "No Finding"]
        edema, thickening, mean, nothing = found.rows
        assert (nothing.in_mean, mean.labels, edema.patients) == (False, 2, 120)
        assert mean.values["auroc"] == pytest.approx((edema.values["auroc"] + thickening.values["auroc"]) / 2)
        low, high = edema.intervals["auroc"]
        assert low < edema.values["auroc"] < high
        (left,) = found.left_out
        assert left.label == "Rare" and "under the minimum of 3 (min_positives)" in left.reason
        assert any('"No Finding" stands apart' in note for note in found.notes)

    def test_unknown_labels_are_left_out_and_counted(self, kb: KnowledgeBase) -> None:
        ids = [{"image_id": f"i{n}"} for n in range(20)]
        values = [None if n < 4 else n % 2 for n in range(18)]
        held = zip(ids, values, strict=False)
        put(kb, "labels", [{**i, "label": "Edema", "value": v, "source": "l"} for i, v in held])
        put_run(kb, "r", [{**i, "label": "edema", "score": n / 20} for n, i in enumerate(ids)])
        found = evaluate(kb, ["r"], QUICK)
        (row,) = found.rows
        assert (row.n, row.positives, row.unknown) == (14, 7, 4)
        assert any("2 predictions were left out because nothing is held" in note for note in found.notes)
        assert any("nobody knows the patient" in note for note in found.notes)

    def test_logits_rank_where_probabilities_are_all_one(self, kb: KnowledgeBase) -> None:
        put(kb, "labels", [{"image_id": f"i{n}", "label": "E", "value": int(n > 9), "source": "l"} for n in range(20)])
        told = [{"image_id": f"i{n}", "label": "E", "score": 1.0, "logit": 50.0 + n} for n in range(20)]
        put_run(kb, "r", told)
        assert evaluate(kb, ["r"], QUICK).get("r", "E").values["auroc"] == 1

    def test_it_shows_itself(self, kb: KnowledgeBase) -> None:
        study(kb)
        found = evaluate(kb, (), QUICK, against="poor")
        console = Console(width=160)
        with console.capture() as capture:
            console.print(found)
        told = capture.get()
        for word in ("AUROC", "at a threshold", "left out", "DeLong", "mean over labels (2)", "No Finding (apart)"):
            assert word in told
        assert all("n" in row or "positives" in row for _, rows in found.tables() for row in rows)
        assert "<table>" in found._repr_html_()
        data = json.loads(json.dumps(found.to_dict()))
        parts = {"rows", "left_out", "comparisons", "readers", "agreement", "notes"}
        assert set(data) == {"commit", "split", "by", *parts}


class TestThresholds:
    @pytest.mark.soak
    def test_of_a_run_from_elsewhere_are_cross_fitted_over_all_its_rows(self, kb: KnowledgeBase) -> None:
        study(kb, 300)
        found = evaluate(kb, ["good"], QUICK)
        row = found.get("good", "Edema")
        assert (row.threshold_from, row.n) == ("cross-fitted", 300)
        with Views(kb) as session:
            (told,) = session.run("SELECT * FROM thresholds WHERE run = 'good' AND label = 'Edema'").rows()
            (judged,) = session.run("SELECT * FROM confusion_by('all') WHERE run = 'good' AND label = 'Edema'").rows()
        assert (told["threshold"], told["chosen_on"]) == (row.threshold, "cross-fitted")
        for name in ("sensitivity", "specificity", "ppv", "npv"):
            assert row.values[name] == pytest.approx(judged[name], abs=1e-12)
            assert row.intervals[name] == pytest.approx((judged[f"{name}_low"], judged[f"{name}_high"]), abs=1e-9)
        ends = (judged["alerts_per_100_low"] / 100, judged["alerts_per_100_high"] / 100)
        assert row.values["alerts"] == pytest.approx(judged["alerts_per_100"] / 100)
        assert row.intervals["alerts"] == pytest.approx(ends, abs=1e-9)
        assert any("each fifth of the patients is judged by the cut of the other four" in note for note in found.notes)

    @pytest.mark.soak
    def test_a_validation_that_a_table_names_chooses_and_is_not_judged_there(self, kb: KnowledgeBase) -> None:
        truth = study(kb, 300)
        told = [
            {"study_id": f"s{n}", "name": "split", "value": "val" if n < 90 else "test", "source": "t"}
            for n in range(300)
        ]
        put(kb, "attributes", [{**row, "patient_id": f"p{row['study_id'][1:]}"} for row in told])
        row = evaluate(kb, ["good"], QUICK).get("good", "Edema")
        assert (row.threshold_from, row.n) == ("validation", 300)
        scores = {r["study_id"]: r["score"] for r in match(kb, ["good"]) if r["label"] == "Edema"}
        held = [(int(truth[n]), int(scores[f"s{n}"] >= (row.threshold or 0))) for n in range(90, 300)]
        assert row.values["sensitivity"] == pytest.approx(metrics.recall_score(*zip(*held, strict=True)))
        # The validation itself is judged by what others choose: no row by a threshold that it helped to choose.
        only = evaluate(kb, ["good"], replace(QUICK, split="validation"))
        assert only.get("good", "Edema").threshold_from == "cross-fitted"

    @pytest.mark.soak
    def test_groups_share_the_threshold_of_all(self, kb: KnowledgeBase) -> None:
        study(kb, 300)
        put(kb, "attributes", [
            {"study_id": f"s{n}", "patient_id": f"p{n}", "name": "ward", "value": "AB"[n % 2], "source": "t"}
            for n in range(300)
        ])  # fmt: skip
        whole = evaluate(kb, ["good"], QUICK).get("good", "Edema").threshold
        found = evaluate(kb, ["good"], QUICK, by="ward")
        assert {found.get("good", "Edema", group=group).threshold for group in "AB"} == {whole}

    @pytest.mark.soak
    def test_are_those_given_with_the_run_before_any_other(self, kb: KnowledgeBase) -> None:
        truth = study(kb, 200)
        give_points(kb, "good", ["0.5", "edema=0.3"], by="tester")
        found = evaluate(kb, ["good"], QUICK)
        row = found.get("good", "Edema")
        assert (row.threshold, row.threshold_from) == (0.3, "given")
        assert found.get("good", "Pleural Thickening").threshold == 0.5
        scores = {r["study_id"]: r["score"] for r in match(kb, ["good"]) if r["label"] == "Edema"}
        called = [scores[f"s{n}"] >= 0.3 for n in range(200)]
        assert row.values["sensitivity"] == pytest.approx(metrics.recall_score(truth, called))
        asked = evaluate(kb, ["good"], replace(QUICK, threshold_from="cross-fitted"))
        assert asked.get("good", "Edema").threshold_from == "cross-fitted"
        none = evaluate(kb, ["poor"], replace(QUICK, threshold_from="given")).get("poor", "Edema")
        assert (none.threshold, none.threshold_from, none.values["sensitivity"]) == (None, "nothing", None)

    @pytest.mark.soak
    def test_reach_a_target_in_the_rows_that_choose(self, kb: KnowledgeBase) -> None:
        study(kb, 300)
        for measure in ("sensitivity", "specificity"):
            found = evaluate(kb, ["good"], replace(QUICK, threshold_from=f"target:{measure}=0.9"))
            row = found.get("good", "Edema")
            assert row.threshold_from == "cross-fitted"
            assert 0.8 < (row.values[measure] or 0) < 0.97
            assert any(f"for a {measure} of 0.9" in note for note in found.notes)

    @pytest.mark.parametrize(("rows", "chosen"), [(24, "nothing"), (40, "cross-fitted")])
    def test_few_rows_choose_none_and_that_is_said(self, kb: KnowledgeBase, rows: int, chosen: str) -> None:
        study(kb, rows)
        found = evaluate(kb, ["good"], QUICK)
        row = found.get("good", "Edema")
        assert row.threshold_from == chosen
        told = " ".join(found.notes)
        if chosen == "nothing":
            assert (row.threshold, row.values["f1"], row.values["sensitivity"]) == (None, None, None)
            assert "no threshold for Edema (good: " in told and "10 of either are needed" in told
        else:
            assert "few rows chose the threshold of Edema (good: " in told

    @pytest.mark.soak
    def test_fixed_or_from_another_run(self, kb: KnowledgeBase) -> None:
        truth = study(kb, 200)
        fixed = evaluate(kb, ["good"], Options(bootstrap=0, threshold_from=0.5)).get("good", "Edema")
        assert (fixed.threshold, fixed.threshold_from) == (0.5, "fixed")
        rows = [r for r in match(kb, ["good"]) if r["label"] == "Edema"]
        scores = np.array([r["score"] for r in sorted(rows, key=lambda r: int(r["study_id"][1:]))])
        assert fixed.values["f1"] == pytest.approx(metrics.f1_score(truth, scores >= 0.5))
        # The other run holds the same patients, and so nothing that a threshold may be chosen on.
        other = evaluate(kb, ["good"], Options(bootstrap=0, threshold_from="poor")).get("good", "Edema")
        assert (other.threshold_from, other.threshold) == ("nothing", None)
        other = evaluate(kb, ["good"], Options(bootstrap=0, threshold_from="poor", split="test")).get("good", "Edema")
        assert other.threshold_from == "run poor"

    @pytest.mark.parametrize(
        ("told", "message"),
        [
            ("nope", "threshold_from 'nope'"),
            ("crossfitted", "did you mean cross-fitted"),
            ("target:f1=0.9", "target:sensitivity=0.9 or target:specificity=0.9"),
            ("target:sensitivity=90", "above 0 and up to 1"),
            ("nan", "threshold_from 'nan'"),
        ],
    )
    def test_from_what_is_no_source_is_refused(self, kb: KnowledgeBase, told: str, message: str) -> None:
        study(kb)
        with pytest.raises(UsageError, match=message):
            evaluate(kb, ["good"], Options(threshold_from=told))


class TestMatching:
    def put_images(self, kb: KnowledgeBase) -> None:
        put(kb, "images", [
            image("a1", study_id="a", patient_id="p1", view="PA", attributes={"split": "test"}),
            image("a2", study_id="a", patient_id="p1", view="LL", attributes={"split": "test"}),
            image("b1", study_id="b", patient_id="p2", view="PA", attributes={"split": "val"}),
        ])  # fmt: skip

    def test_across_levels(self, kb: KnowledgeBase) -> None:
        self.put_images(kb)
        put(kb, "labels", [
            {"study_id": "a", "label": "Edema", "value": 1, "source": "l"},
            {"image_id": "b1", "label": "Edema", "value": 0, "source": "l"},
            {"image_id": "a1", "label": "Mass", "value": 0, "source": "l"},
            {"image_id": "a2", "label": "Mass", "value": 1, "source": "l"},
        ])  # fmt: skip
        told = [{"image_id": i, "label": "Edema"} for i in ("a1", "a2", "b1")]
        told += [{"study_id": s, "label": label} for s in ("a", "b") for label in ("Edema", "Mass")]
        put_run(kb, "r", [{**row, "score": 0.5} for row in told])
        found = {(row["unit"], row["label"]): row for row in match(kb, ["r"])}
        assert {key: row["value"] for key, row in found.items()} == {
            ("image a1", "Edema"): 1,
            ("image a2", "Edema"): 1,
            ("image b1", "Edema"): 0,
            ("study a", "Edema"): 1,
            ("study a", "Mass"): 1,
            ("study b", "Edema"): 0,
            ("study b", "Mass"): None,
        }
        assert {row["owner"] for row in found.values()} == {"p1", "p2"}
        assert found["study a", "Mass"]["in_split"] == "test"
        assert found["study b", "Mass"]["in_split"] == "validation" and not found["study b", "Mass"]["labelled"]

    def test_a_study_of_another_patient_is_another_study(self, kb: KnowledgeBase) -> None:
        put(kb, "labels", [{"study_id": "study1", "patient_id": "p1", "label": "E", "value": 1, "source": "l"}])
        told = [{"study_id": "study1", "patient_id": p, "label": "E", "score": 0.5} for p in ("p1", "p2")]
        put_run(kb, "r", told)
        assert {row["owner"]: row["value"] for row in match(kb, ["r"])} == {"p1": 1, "p2": None}

    def test_sources_that_contradict_each_other(self, kb: KnowledgeBase) -> None:
        for source, value in (("radiologists", 1), ("labeller", 0), ("silent", None)):
            put(kb, "labels", [{"image_id": "a", "label": "E", "value": value, "source": source}])
        put_run(kb, "r", [{"image_id": "a", "label": "E", "score": 0.5}])
        with pytest.raises(UsageError, match=r"labeller and silent|labeller and radiologists") as told:
            match(kb, ["r"])
        assert "name the source" in str(told.value) and told.value.parameter == "source"
        assert match(kb, ["r"], source="labeller")[0]["value"] == 0
        with pytest.raises(UsageError, match="there are labels of labeller, radiologists, silent"):
            evaluate(kb, ["r"], Options(source="nobody"))

    @pytest.mark.soak
    def test_a_condition_over_the_images(self, kb: KnowledgeBase) -> None:
        self.put_images(kb)
        put(kb, "labels", [{"study_id": "a", "label": "E", "value": 1, "source": "l"}])
        put_run(kb, "r", [{"image_id": i, "label": "E", "score": 0.5} for i in ("a1", "a2", "b1")])
        for where, images in (("view = 'PA'", {"a1", "b1"}), ("attributes['split'] = 'val' -- mine", {"b1"})):
            assert {row["image_id"] for row in match(kb, ["r"], where=where)} == images
        for where in ("nope = 1", "1=1) UNION SELECT content, '' FROM read_text('/etc/passwd') --", "view ="):
            with pytest.raises(UsageError, match=r"^where "):
                match(kb, ["r"], where=where)
        with pytest.raises(UsageError, match="none of these predictions"):
            evaluate(kb, ["r"], Options(where="view = 'AP'"))

    def test_an_encoder_of_ours_is_judged_on_the_test_split(self, kb: KnowledgeBase) -> None:
        self.put_images(kb)
        put(kb, "labels", [{"study_id": "a", "label": "E", "value": 1, "source": "l"}])
        put_run(kb, "r", [{"image_id": i, "label": "E", "score": 0.5} for i in ("a1", "a2", "b1")], encoder="e")
        assert evaluate(kb, ["r"], QUICK).split == "test"
        found = evaluate(kb, ["r"], Options(split="all", views="all"))
        assert [left.n for left in found.left_out] == [2]

    @pytest.mark.soak
    def test_an_encoder_from_elsewhere_is_judged_on_all_images_but_not_what_was_learned_here(
        self, kb: KnowledgeBase
    ) -> None:
        self.put_images(kb)
        known = {"checkpoint": "c", "dimension": 2, "preprocessing": ""}
        put(kb, "encoders", [{**known, "encoder": "theirs", "objective": "imported"}])
        put(kb, "encoders", [{**known, "encoder": "ours", "objective": "report"}])
        put(kb, "labels", [{"image_id": i, "label": "E", "value": 1, "source": "l"} for i in ("a1", "a2", "b1")])
        scored = [{"image_id": i, "label": "E", "score": 0.5} for i in ("a1", "a2", "b1")]
        chosen = json.dumps({"calibrated": ["E"], "validation_auroc": {"llm-none": 0.8}})
        told = [("zero", "theirs", "zero-shot", "{}"), ("tuned", "theirs", "zero-shot", chosen)]
        told += [("probe", "theirs", "probe", "{}"), ("own", "ours", "zero-shot", "{}")]
        for run, encoder, method, parameters in told:
            about = {"run": run, "method": method, "encoder": encoder, "parameters": parameters, "heads": []}
            put(kb, "runs", [{**about, "time": datetime.now(UTC)}])
            put(kb, "predictions", [{"run": run, **row} for row in scored])
        found = {run: evaluate(kb, [run], replace(QUICK, views="all")) for run, *_ in told}
        assert {run: (one.split, one.left_out[0].n) for run, one in found.items()} == {
            "zero": ("all", 3),
            "tuned": ("all", 3),
            "probe": ("test", 2),
            "own": ("test", 2),
        }
        said = {run for run, one in found.items() if any("validation images, which are among" in n for n in one.notes)}
        assert said == {"tuned"}
        assert evaluate(kb, ["zero", "own"], QUICK).split == "test"


class TestComparing:
    def test_one_row_a_patient_is_delongs(self, kb: KnowledgeBase) -> None:
        study(kb, 200)
        found = evaluate(kb, ["good", "poor"], QUICK, against="poor")
        assert [c.label for c in found.comparisons] == ["Edema", "Pleural Thickening", MEAN, "No Finding"]
        edema, _, mean, _ = found.comparisons
        assert (edema.run, edema.against, edema.test, edema.n) == ("good", "poor", "DeLong", 200)
        assert edema.low < edema.difference < edema.high and edema.p < 0.05
        assert mean.test == "patient bootstrap" and mean.n is None

    def test_several_rows_a_patient_are_resampled(self, kb: KnowledgeBase) -> None:
        random = np.random.default_rng(0)
        ids = [{"image_id": f"i{n}", "patient_id": f"p{n // 2}"} for n in range(120)]
        truth = random.random(120) < 0.4
        held = zip(ids, truth, strict=True)
        put(kb, "labels", [{**i, "label": "E", "value": int(v), "source": "l"} for i, v in held])
        for run, noise in (("good", 0.3), ("poor", 3)):
            scores = 1 / (1 + np.exp(-(truth + random.normal(0, noise, 120))))
            put_run(kb, run, [{**i, "label": "E", "score": float(s)} for i, s in zip(ids, scores, strict=True)])
        (found,) = evaluate(kb, ["good"], Options(bootstrap=200), against="poor").comparisons
        assert found.test == "patient bootstrap"
        assert 0 < found.low < found.difference < found.high and found.p <= 0.02


class TestReaders:
    def write(self, path: Path, rows: Sequence[str], header: str = "reader,study_id,label,value") -> Path:
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    @pytest.mark.soak
    def test_above_and_below_the_curve(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        truth = study(kb)
        rows = [f"Ada,s{n},edema,{int(v)}" for n, v in enumerate(truth)]
        rows += [f"Bo,s{n},Edema,{int(not v)}" for n, v in enumerate(truth)] + ["Cem,s1,Edema,", "Cem,s2,Edema,1"]
        path = self.write(tmp_path / "r.csv", rows)
        found = evaluate(kb, ["good"], QUICK, readers=path)
        ada, bo, mean = found.readers
        assert (ada.reader, ada.sensitivity, ada.specificity, ada.lies, ada.n) == ("Ada", 1, 1, "above", 120)
        assert (bo.sensitivity, bo.specificity, bo.lies, bo.model_sensitivity) == (0, 0, "below", 1)
        assert (mean.reader, mean.sensitivity, mean.specificity) == ("mean of 2 readers", 0.5, 0.5)
        (agreed,) = found.agreement
        assert (agreed.label, agreed.readers, agreed.n) == ("Edema", 3, 120) and agreed.kappa < -0.9
        left = draw(found, tmp_path / "figure.png")
        assert left == () and (tmp_path / "figure.png").stat().st_size > 20_000

    @pytest.mark.parametrize(
        ("rows", "header", "error", "message"),
        [
            (["A,s1,E,2"], "reader,study_id,label,value", ClearKbError, "row 1: '2' is no reading"),
            ([",s1,E,1"], "reader,study_id,label,value", ClearKbError, "a reader, a label and"),
            (["A,E,1"], "reader,label,value", UsageError, "no column 'image_id or study_id'"),
            (["A,s1,E"], "reader,study_id,label", UsageError, "no column 'value'"),
        ],
    )
    def test_what_is_no_table_of_readings(
        self, kb: KnowledgeBase, tmp_path: Path, rows: list[str], header: str, error: type[Exception], message: str
    ) -> None:
        study(kb)
        with pytest.raises(error, match=message):
            evaluate(kb, ["good"], QUICK, readers=self.write(tmp_path / "r.csv", rows, header))

    def test_a_figure_that_cannot_be_drawn(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        study(kb)
        found = evaluate(kb, ["good"], QUICK)
        for path in (tmp_path / "f.gif", tmp_path / "no" / "f.png"):
            with pytest.raises(UsageError, match="-o"):
                draw(found, path)


class TestWrongUsage:
    def test_is_told(self, kb: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match="no predictions"):
            evaluate(kb)
        put_run(kb, "r", [{"image_id": "a", "label": "E", "score": 0.5}])
        with pytest.raises(UsageError, match="no labels"):
            evaluate(kb)
        put(kb, "labels", [{"image_id": "a", "label": "E", "value": 1, "source": "l"}])
        for arguments, message in (
            ({"runs": ["nope"]}, "no run 'nope': there are r"),
            ({"against": "nope"}, "no run 'nope'"),
            ({"options": Options(labels=("Mass",))}, "label 'Mass': there are predictions for E"),
        ):
            with pytest.raises(UsageError, match=message):
                evaluate(kb, **arguments)  # type: ignore[arg-type]


def chexpert(kb: KnowledgeBase) -> Evaluation:
    from ingest.labels.labels import ingest_labels
    from ingest.labels.predictions import ingest_predictions

    folder = SHARED / "data" / "chexpert_test"
    if not folder.exists():
        pytest.skip("../shared/data is not here")
    ingest_labels(kb, folder / "groundtruth.csv")
    for path in sorted((folder / "predictions").glob("*.csv")):
        ingest_predictions(kb, path, path.stem.removesuffix("_predictions"))
    return evaluate(kb, (), Options(bootstrap=20))


@pytest.mark.soak
def test_five_models_on_five_labels_as_scikit_learn_has_them(kb: KnowledgeBase) -> None:
    import csv

    found = chexpert(kb)
    folder = SHARED / "data" / "chexpert_test"

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    truth = {row["Study"]: row for row in read(folder / "groundtruth.csv")}
    checked = 0
    for path in sorted((folder / "predictions").glob("*.csv")):
        rows = read(path)
        for label in set(rows[0]) - {"Study"}:
            y = [int(truth[row["Study"]][label]) for row in rows]
            scores = [float(row[label]) for row in rows]
            values = found.get(path.stem.removesuffix("_predictions"), label).values
            assert values["auroc"] == pytest.approx(metrics.roc_auc_score(y, scores), abs=1e-9)
            assert values["auprc"] == pytest.approx(metrics.average_precision_score(y, scores), abs=1e-9)
            checked += 1
    assert checked == 25
