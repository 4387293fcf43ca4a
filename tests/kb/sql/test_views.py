"""The views: how labels, predictions and what is said of images come together, and the figures computed from them."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kb.errors import UsageError
from kb.images.patient_split import split_of
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from tests.support.paths import SHARED
from tests.support.tables import fill, run

CHEXPERT = SHARED / "data" / "chexpert_test"


def ask(kb: KnowledgeBase, sql: str) -> list[dict[str, Any]]:
    with Views(kb) as session:
        return session.run(sql).rows()


def image(image_id: str, study: str | None = None, patient: str | None = None, **attributes: str) -> dict[str, Any]:
    pairs = [{"name": name, "value": value} for name, value in attributes.items()]
    return {
        "image_id": image_id,
        "study_id": study,
        "patient_id": patient,
        "source": "folder",
        "kind": "png",
        "attributes": pairs,
    }


def label(value: int | None, label: str = "edema", source: str = "a.csv", **unit: str) -> dict[str, Any]:
    return {"label": label, "value": value, "source": source, **unit}


def prediction(score: float, label: str = "edema", name: str = "r", logit: float | None = None, **unit: str) -> Any:
    return {"run": name, "label": label, "score": score, "logit": logit, **unit}


class TestTruth:
    def test_an_image_has_its_own_label_else_that_of_its_study(self, kb: KnowledgeBase) -> None:
        fill(
            kb,
            images=[image("i1", "s1"), image("i2", "s1"), image("i3", "s2")],
            labels=[label(1, study_id="s1"), label(0, image_id="i2"), label(None, study_id="s2")],
            predictions=[prediction(0.5, image_id=one) for one in ("i1", "i2", "i3")],
            runs=[run("r")],
        )
        found = ask(kb, "SELECT image_id, truth, source FROM outcomes ORDER BY image_id")
        assert [row["truth"] for row in found] == [1, 0, None]
        assert {row["source"] for row in found} == {"a.csv"}

    def test_a_study_has_its_own_label_else_what_its_images_have(self, kb: KnowledgeBase) -> None:
        fill(
            kb,
            images=[image(f"i{n}", f"s{n // 2}") for n in range(8)],
            labels=[
                *(label(value, image_id=f"i{n}") for n, value in enumerate((0, 1, 0, 0, 0, None, None, 1))),
                label(0, study_id="s3"),
            ],
            predictions=[prediction(0.5, study_id=f"s{n}") for n in range(4)],
            runs=[run("r")],
        )
        found = ask(kb, "SELECT study_id, truth FROM outcomes ORDER BY study_id")
        assert [row["truth"] for row in found] == [1, 0, None, 0]

    def test_a_study_of_two_patients_is_two_studies(self, kb: KnowledgeBase) -> None:
        fill(
            kb,
            labels=[label(1, study_id="study1", patient_id="p1"), label(0, study_id="study1", patient_id="p2")],
            predictions=[prediction(0.5, study_id="study1", patient_id=patient) for patient in ("p1", "p2")],
            runs=[run("r")],
        )
        found = ask(kb, "SELECT owner, truth FROM outcomes ORDER BY owner")
        assert found == [{"owner": "p1", "truth": 1}, {"owner": "p2", "truth": 0}]

    def test_each_source_is_a_row_and_none_is_one_without(self, kb: KnowledgeBase) -> None:
        fill(
            kb,
            labels=[label(1, image_id="i1"), label(0, source="b.csv", image_id="i1")],
            predictions=[prediction(0.5, image_id="i1"), prediction(0.5, image_id="i2")],
            runs=[run("r")],
        )
        found = ask(kb, "SELECT image_id, source, truth FROM outcomes ORDER BY ALL")
        assert [tuple(row.values()) for row in found] == [("i1", "a.csv", 1), ("i1", "b.csv", 0), ("i2", None, None)]

    def test_spellings_of_a_label_are_one(self, kb: KnowledgeBase) -> None:
        fill(
            kb,
            labels=[label(1, "Pleural_Effusion", image_id="i1")],
            predictions=[prediction(0.5, "pleural  effusion", image_id="i1")],
            runs=[run("r")],
        )
        assert ask(kb, "SELECT truth, label FROM outcomes") == [{"truth": 1, "label": "pleural  effusion"}]


class TestWhatIsSaidOfImages:
    def test_attributes_of_the_table_and_of_images_are_joined(self, kb: KnowledgeBase) -> None:
        said = {"image_id": "i1", "source": "labels.csv"}
        fill(
            kb,
            images=[image("i1", "s1", "p1", Device="X1"), image("i2", "s2", "p2", hospital="North")],
            attributes=[
                {**said, "name": "Sex", "value": "female"},
                {**said, "name": "patient_age", "value": "61"},
                {**said, "name": "site", "value": "South"},
                {**said, "name": "study_date", "value": "20200331"},
                {**said, "name": "ViewPosition", "value": "AP"},
                {**said, "name": "device", "value": "another"},
                {"study_id": "s9", "patient_id": "p9", "name": "site", "value": "West", "source": "labels.csv"},
            ],
        )
        first, second = ask(kb, "SELECT * FROM images ORDER BY image_id")
        assert (first["sex"], first["age"], first["age_band"], first["site"]) == ("F", 61.0, "60-79", "South")
        assert (first["month"], first["view"], first["owner"]) == ("2020-03", "AP", "p1")
        assert first["attributes"]["device"] == "X1", "what the image's own table says counts"
        assert (second["site"], second["sex"], second["month"]) == ("North", None, None)
        (study,) = ask(kb, "SELECT site, patient_id, images FROM studies WHERE study_id = 's9'")
        assert study == {"site": "West", "patient_id": "p9", "images": 0}

    def test_an_image_that_only_a_table_speaks_of_is_there(self, kb: KnowledgeBase) -> None:
        fill(kb, attributes=[{"image_id": "x", "name": "site", "value": "S", "source": "t"}])
        assert ask(kb, "SELECT image_id, site, kind FROM images") == [{"image_id": "x", "site": "S", "kind": None}]

    def test_what_is_said_of_a_study_reaches_its_images_and_their_predictions(self, kb: KnowledgeBase) -> None:
        said = {"study_id": "s1", "patient_id": "p1", "source": "labels.csv"}
        fill(
            kb,
            images=[image("i1", "s1", "p1"), image("i2", "s1", "p2")],
            attributes=[{**said, "name": "sex", "value": "F"}, {**said, "name": "device", "value": "X1"}],
            predictions=[
                {"run": "r", "image_id": name, "study_id": "s1", "patient_id": patient, "label": "E", "score": 0.5}
                for name, patient in (("i1", "p1"), ("i2", "p2"), ("i3", "p1"))
            ],
        )
        rows = ask(kb, "SELECT image_id, sex, attributes['device'] AS device FROM outcomes ORDER BY image_id")
        assert [(row["image_id"], row["sex"], row["device"]) for row in rows] == [
            ("i1", "F", "X1"),
            ("i2", None, None),  # "s1" of another patient is another study
            ("i3", "F", "X1"),  # an image that only a prediction names
        ]

    @pytest.mark.parametrize(
        ("age", "band"),
        [(-1, None), (0, "0-17"), (17.9, "0-17"), (18, "18-39"), (60, "60-79"), (80, "80+"), (131, None)],
    )
    def test_age_bands(self, kb: KnowledgeBase, age: float, band: str | None) -> None:
        assert ask(kb, f"SELECT age_band({age}) AS band") == [{"band": band}]

    def test_the_split_is_named_or_drawn_and_one_for_an_owner(self, kb: KnowledgeBase) -> None:
        fill(kb, images=[image("i1", "s1", "p1", split="val"), image("i2", "s2", "p1"), image("i3", "s3", "p3")])
        found = {row["image_id"]: row["split"] for row in ask(kb, "SELECT image_id, split FROM images")}
        assert found == {"i1": "validation", "i2": "validation", "i3": split_of("p3")}

    def test_a_split_that_contradicts_itself_is_said(self, kb: KnowledgeBase) -> None:
        fill(kb, images=[image("i1", "s1", "p1", split="train"), image("i2", "s2", "p1", split="test")])
        with pytest.raises(UsageError, match="two splits"):
            ask(kb, "SELECT split FROM images")


def auroc(truths: Iterable[int], scores: Iterable[float]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(list(truths), list(scores)))


class TestMetrics:
    def test_auroc_is_that_of_scikit_learn_with_ties(self, kb: KnowledgeBase) -> None:
        draw = random.Random(1)
        rows = [(f"i{n}", draw.random() < 0.3, round(draw.random(), 1)) for n in range(400)]
        fill(
            kb,
            images=[image(one, site="AB"[number % 2]) for number, (one, _, _) in enumerate(rows)],
            labels=[*(label(int(truth), image_id=one) for one, truth, _ in rows), label(None, image_id="other")],
            predictions=[
                *(prediction(score, image_id=one) for one, _, score in rows),
                prediction(0.2, image_id="other"),
            ],
            runs=[run("r")],
        )
        found = {row["value"]: row for row in ask(kb, "SELECT * FROM metrics WHERE grouping IN ('all', 'site')")}
        assert found["all"]["auroc"] == pytest.approx(auroc(*zip(*(row[1:] for row in rows), strict=True)), abs=1e-12)
        assert (found["all"]["n"], found["all"]["unknown"]) == (400, 1)
        for place, site in enumerate("AB"):
            part = rows[place::2]
            assert found[site]["auroc"] == pytest.approx(
                auroc(*zip(*(row[1:] for row in part), strict=True)), abs=1e-12
            )
            assert found[site]["auroc_low"] < found[site]["auroc"] < found[site]["auroc_high"]

    def test_logits_rank_where_all_have_one(self, kb: KnowledgeBase) -> None:
        """Scores of exactly 1 are ties, and their logits are not."""
        fill(
            kb,
            labels=[label(truth, image_id=f"i{n}") for n, truth in enumerate((0, 1, 0, 1))],
            predictions=[prediction(1.0, image_id=f"i{n}", logit=40.0 + n) for n in range(4)],
            runs=[run("r")],
        )
        (found,) = ask(kb, "SELECT auroc FROM metrics WHERE grouping = 'all'")
        assert found["auroc"] == pytest.approx(0.75)

    def test_one_class_has_no_auroc(self, kb: KnowledgeBase) -> None:
        fill(kb, labels=[label(1, image_id="i")], predictions=[prediction(0.3, image_id="i")], runs=[run("r")])
        (found,) = ask(kb, "SELECT auroc, auroc_low, positives FROM metrics WHERE grouping = 'all'")
        assert found == {"auroc": None, "auroc_low": None, "positives": 1}


class TestConcepts:
    def test_mentions_follow_a_replaced_concept(self, kb: KnowledgeBase) -> None:
        told = {"finding": "edema", "assertion": "present", "laterality": "none", "source": "t", "status": "accepted"}
        span = {"start": 4, "end": 14}
        section = {"name": "findings", "text": "abc Edema here.", "mined": True}
        mention = {"report_id": "r1", "section": "findings", "sentence_span": span, "text": "edema"}
        fill(
            kb,
            concepts=[
                {**told, "concept_id": "C1", "text": "edema"},
                {**told, "concept_id": "C2", "text": "oedema", "status": "retired", "replaced_by": "C1"},
            ],
            reports=[{"report_id": "r1", "study_id": "s1", "sections": [section]}],
            observations=[
                {**mention, "concept_id": "C2", "assertion": "present"},
                {**mention, "concept_id": "C1", "assertion": "uncertain"},
            ],
        )
        (survivor,) = ask(kb, "SELECT mentions, reports, uncertain FROM concepts WHERE concept_id = 'C1'")
        assert survivor == {"mentions": 2, "reports": 1, "uncertain": 1}
        found = ask(kb, "SELECT concept_id, mined_as, sentence, study_id FROM observations ORDER BY mined_as")
        assert [row["mined_as"] for row in found] == ["C1", "C2"]
        assert {row["concept_id"] for row in found} == {"C1"}
        assert {row["sentence"] for row in found} == {"Edema here"}


@pytest.fixture(scope="module")
def chexpert(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    if not CHEXPERT.is_dir():
        pytest.skip("../shared/data is not here")
    from ingest.labels.labels import ingest_labels
    from ingest.labels.predictions import ingest_predictions

    kb = KnowledgeBase.create(tmp_path_factory.mktemp("chexpert") / "chexpert.kb", by="tester")
    ingest_labels(kb, CHEXPERT / "groundtruth.csv")
    for path in sorted((CHEXPERT / "predictions").glob("*.csv")):
        ingest_predictions(kb, path, path.stem.removesuffix("_predictions"))
    return kb


def _column(path: Path, name: str) -> dict[str, float]:
    with path.open(encoding="utf-8") as file:
        return {row["Study"]: float(row[name]) for row in csv.DictReader(file)}


class TestOnCheXpert:
    @pytest.mark.soak
    def test_auroc_of_all_five_models_is_that_of_scikit_learn(self, chexpert: KnowledgeBase) -> None:
        found = ask(chexpert, "SELECT run, label, auroc, n FROM metrics WHERE grouping = 'all'")
        assert len(found) == 25
        for row in found:
            scores = _column(CHEXPERT / "predictions" / f"{row['run']}_predictions.csv", row["label"])
            truths = _column(CHEXPERT / "groundtruth.csv", row["label"])
            expected = auroc([int(truths[study]) for study in scores], scores.values())
            assert row["auroc"] == pytest.approx(expected, abs=1e-9)
            assert row["n"] == 500

    def test_every_threshold_is_cross_fitted(self, chexpert: KnowledgeBase) -> None:
        assert ask(chexpert, "SELECT chosen_on, count(*) AS n FROM thresholds GROUP BY ALL") == [
            {"chosen_on": "cross-fitted", "n": 25}
        ]
