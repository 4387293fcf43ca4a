"""What belongs together: patients stay in one split, studies with one patient, vectors with their picture."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoder.audit.confounders.audit import audit_confounders
from encoder.evaluation import Options, evaluate
from encoder.evaluation.matching import match
from encoder.model.checkpoint import load_checkpoint
from encoder.prediction.bottleneck import Bottleneck, BottleneckConcept
from encoder.prediction.ground_truth import read_truth, wanted_labels
from encoder.prediction.head import Head
from encoder.prediction.intervention import _values
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot_run import predict_zero_shot
from encoder.space.concept_space import open_space
from encoder.training.training_data import read_study
from encoder.vectors.encoders import find_checkpoint
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from ingest.images.images import ingest_images
from ingest.labels.labels import ingest_labels
from kb.errors import UsageError
from kb.images.patient_split import split_of
from kb.images.patients import read_patients
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.vectors.embedding import load_stored_embedder
from tests.support.shapes import SIZE, shapes_study
from tests.support.stored_rows import image, put, put_run


def test_a_patient_lies_in_one_split_whatever_single_images_say(kb: KnowledgeBase) -> None:
    def named(name: str, patient: str, split: str | None) -> dict[str, Any]:
        return image(name, patient_id=patient, attributes={"split": split} if split else {})

    put(kb, "images", [named("1", "a", "val"), named("2", "a", None), named("3", "b", None)])
    found = read_patients(kb).require_apart()
    assert [found.split_of_image(name) for name in "123"] == ["validation", "validation", split_of("b")]
    put(kb, "images", [named("4", "c", "train"), named("5", "c", "test")])
    with pytest.raises(UsageError, match="patient c lies in two splits, train and test"):
        read_patients(kb).require_apart()
    shares = [split_of(f"p{n}") for n in range(4_000)]
    assert shares.count("train") / 4_000 == pytest.approx(0.7, abs=0.03)
    assert shares.count("validation") / 4_000 == pytest.approx(0.1, abs=0.02)


WAYS = ("images", "labels", "attributes", "report", "imported", "nobody")
"""Who tells whose an image is."""


def told_patients(kb: KnowledgeBase, ways: Sequence[str]) -> dict[str, str]:
    """A knowledge base where two images each are of a patient whom only one table names; image to patient."""
    rows: dict[str, list[dict[str, Any]]] = {}
    patients = {}
    for number, way in enumerate(way for way in ways for _ in range(2)):
        name, study, patient = f"i{number:02d}", f"s{number}", f"p{number // 2}"
        patients[name] = patient if way != "nobody" else study
        of = {"study_id": study, "patient_id": patient}
        whose = patient if way == "images" else None
        rows.setdefault("images", []).append(image(name, study_id=study, patient_id=whose))
        sections = [{"name": "findings", "text": "Clear.", "mined": True}]
        report = {"report_id": f"r{number}", "source": "r.csv", "position": "1", "content_hash": "", "extractor": ""}
        whose = patient if way == "report" else None
        rows.setdefault("reports", []).append({**report, "study_id": study, "patient_id": whose, "sections": sections})
        whose = patient if way == "labels" else None
        told = {"image_id": name, "patient_id": whose, "label": "E", "value": number % 2, "source": "l"}
        rows.setdefault("labels", []).append(told)
        if way == "attributes":
            rows.setdefault("attributes", []).append({**of, "name": "ward", "value": "A", "source": "l"})
        if way == "imported":
            put_run(kb, f"their{number}", [{"image_id": name, "patient_id": patient, "label": "E", "score": 0.5}])
        vector = {"image_id": name, "content_hash": name, "encoder": "N1", "vector": [0.0, 1.0]}
        rows.setdefault("image_vectors", []).append(vector)
    for table, those in rows.items():
        put(kb, table, those)
    put_run(kb, "ours", [{"image_id": name, "label": "E", "score": 0.5} for name in patients], encoder="N1")
    return patients


def splits_by_all(kb: KnowledgeBase) -> dict[str, dict[str, str]]:
    """The split of each image, as training, prediction, evaluation and audit see it."""
    read = read_study(kb, embedded=False)
    vectors = read_image_vectors(kb, "N1")
    with Views(kb) as session:
        seen = session.run("SELECT image_id, split FROM images").rows()
    return {
        "training": {read.examples[n].image_id: split for split, numbers in read.splits.items() for n in numbers},
        "prediction": dict(zip(vectors.image_ids, vectors.splits, strict=True)),
        "evaluation": {row["image_id"]: row["in_split"] for row in match(kb, ["ours"])},
        "audit": {row["image_id"]: row["split"] for row in seen},
    }


@pytest.mark.soak
def test_training_and_judging_agree_on_whose_an_image_is_whoever_tells_it(kb: KnowledgeBase) -> None:
    patients = told_patients(kb, WAYS * 6)
    expected = {name: split_of(patient) for name, patient in patients.items()}
    assert len(set(expected.values())) == 3
    for who, found in splits_by_all(kb).items():
        assert found == expected, who


@pytest.mark.soak
def test_a_split_that_only_a_file_of_labels_names_is_the_one_that_is_trained_on(kb: KnowledgeBase) -> None:
    told_patients(kb, ["labels"] * 4)
    told = [{"image_id": f"i{n:02d}", "name": "Split", "value": "test", "source": "l"} for n in range(0, 8, 2)]
    put(kb, "attributes", told)
    for who, found in splits_by_all(kb).items():
        assert set(found.values()) == {"test"}, who


def test_training_refuses_a_patient_in_two_splits(kb: KnowledgeBase) -> None:
    told_patients(kb, ["images", "labels", "report"])
    put(kb, "attributes", [{"image_id": "i02", "name": "split", "value": "train", "source": "l"}])
    put(kb, "attributes", [{"image_id": "i03", "name": "split", "value": "test", "source": "l"}])
    with pytest.raises(UsageError, match="patient p1 lies in two splits"):
        read_study(kb, embedded=False)


@pytest.mark.soak
def test_a_run_is_not_judged_on_what_it_learned_from_before_a_table_told_whose_the_images_are(
    kb: KnowledgeBase,
) -> None:
    told_patients(kb, ["nobody"] * 20)
    trained_at = kb.commit.commit_id
    known = {"encoder": "N1", "checkpoint": "c", "dimension": 2, "objective": "report", "preprocessing": ""}
    put(kb, "encoders", [{**known, "vocabulary_commit": trained_at}])
    assert evaluate(kb, ["ours"], Options(bootstrap=0)).split == "test"
    patient = next(f"p{n}" for n in range(99) if split_of(f"p{n}") == "test")
    trained = next(f"s{n}" for n in range(40) if split_of(f"s{n}") == "train")
    put(kb, "labels", [{"study_id": trained, "patient_id": patient, "label": "E", "value": 1, "source": "late"}])
    with pytest.raises(UsageError, match=f"has learned from 1 images .*i{int(trained[1:]):02d}.*judge all rows"):
        evaluate(kb, ["ours"], Options(bootstrap=0))
    with pytest.raises(UsageError, match="has learned from 1 images"):
        audit_confounders(kb, "ours", "E")
    assert evaluate(kb, ["ours"], Options(bootstrap=0, split="all")).split == "all"


@pytest.fixture
def study(tmp_path: Path, shapes) -> tuple[KnowledgeBase, Path]:
    kb = shapes_study(tmp_path / "s", shapes.embedder, count=30)
    folder = Path(shutil.copytree(shapes.concepts.folder, tmp_path / "e"))
    shutil.rmtree(folder / "space", ignore_errors=True)
    encode(kb, load_checkpoint(folder))
    return kb, folder


def test_a_picture_that_was_replaced_has_no_vector_until_it_is_encoded_again(study, tmp_path: Path) -> None:
    kb, folder = study
    checkpoint = load_checkpoint(folder)
    shutil.copy(tmp_path / "s" / "im0001.png", tmp_path / "s" / "im0000.png")
    ingest_images(
        kb, [tmp_path / "s"], table=tmp_path / "s" / "images.csv", preprocessing=Preprocessing(SIZE), workers=1
    )
    found = read_image_vectors(kb, checkpoint.encoder_id)
    assert (len(found), found.stale) == (29, 1)
    with pytest.raises(UsageError, match=r"im0000\.png: no vector .*present picture"):
        read_image_vectors(kb, checkpoint.encoder_id, ["im0000.png"])
    assert encode(kb, checkpoint).encoded == 1
    assert read_image_vectors(kb, checkpoint.encoder_id).stale == 0


def test_two_copies_of_a_knowledge_base_that_went_apart_share_no_space(study, tmp_path: Path) -> None:
    kb, folder = study
    checkpoint = load_checkpoint(folder)
    other = KnowledgeBase.open(shutil.copytree(kb.uri, tmp_path / "copy.kb"))
    first, second = (row["concept_id"] for row in kb.vocabulary.list(limit=2))
    kb.curate.retire(first)
    other.curate.retire(second)
    mine, theirs = open_space(kb, checkpoint), open_space(other, checkpoint)
    assert first not in mine.concepts["concept_id"].to_pylist()
    assert second not in theirs.concepts["concept_id"].to_pylist()
    assert second in mine.concepts["concept_id"].to_pylist()


def test_a_broken_file_of_a_space_is_made_anew(study) -> None:
    kb, folder = study
    checkpoint = load_checkpoint(folder)
    space = open_space(kb, checkpoint)
    directions = np.random.default_rng(0).standard_normal((384, 2))
    before, inverse = np.array(space.alignments(kb, directions)), space.gram_inverse
    for path in space.folder.glob("*.npy"):
        path.write_bytes(b"")
    again = open_space(kb, checkpoint)
    assert np.array_equal(again.alignments(kb, directions), before)
    assert again.gram_inverse == pytest.approx(inverse)


def test_a_moved_checkpoint_is_found_once_it_was_shown(study, tmp_path: Path) -> None:
    kb, folder = study
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(UsageError, match=r"stood in .*/e: name its folder"):
        find_checkpoint(kb)
    encode(kb, find_checkpoint(kb, str(moved)))
    assert find_checkpoint(kb).folder == moved


def images(*studies: str, patients: tuple[str | None, ...]) -> ImageVectors:
    ids = [f"i{n}" for n in range(len(studies))]
    return ImageVectors(
        image_ids=ids,
        matrix=np.zeros((len(ids), 2)),
        patients=ids,
        splits=["train"] * len(ids),
        studies=list(studies),
        patient_ids=list(patients),
    )


def test_a_label_of_an_image_counts_before_its_studys_and_reaches_only_its_patient(kb, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(
        "image,study,patient,label,value\n,s1,p1,Edema,1\ni0,,,edema,0\n,s2,p9,Edema,1\n,s3,,Edema,1\n"
    )
    ingest_labels(kb, tmp_path / "l.csv")
    of = images("s1", "s1", "s2", "s3", patients=("p1", "p1", "p2", None))
    told = zip(of.image_ids, of.studies, of.patient_ids, strict=True)
    put(kb, "images", [image(name, study_id=study, patient_id=patient) for name, study, patient in told])
    truth = read_truth(kb, of, ["edema"])
    assert truth[:, 0].tolist()[:2] == [0.0, 1.0]
    assert np.isnan(truth[2, 0]) and truth[3, 0] == 1.0
    assert wanted_labels(kb, ["EDEMA", "edema"]) == wanted_labels(kb, ["Edema"])
    with pytest.raises(UsageError, match="has no label 'mass': it has"):
        read_truth(kb, of, ["mass"])
    with pytest.raises(UsageError, match="source 'nobody'"):
        wanted_labels(kb, [], "nobody")


def test_setting_a_finding_never_sets_its_denial() -> None:
    def concept(text: str) -> BottleneckConcept:
        return BottleneckConcept(text, text, 1.0, 0.0, 1.0)

    both = Bottleneck("x", (concept("no nodule"), concept("left nodule")), 0.0, Head("x", np.zeros(1)))
    assert _values(both, {"Nodule": 3.0}) == ({"Nodule"}, {"left nodule": 3.0})
    assert _values(both, {"no nodule": 1.0}) == ({"no nodule"}, {"no nodule": 1.0})
    only = Bottleneck("x", (concept("no nodule"),), 0.0, Head("x", np.zeros(1)))
    assert _values(only, {"nodule": 3.0}) == (set(), {})


@pytest.mark.soak
@pytest.mark.parametrize(("objective", "split", "n"), [("imported", "all", 30), ("concepts", "test", 6)])
def test_sentences_before_an_encoder_from_elsewhere_are_judged_on_all_images(
    study, tmp_path: Path, objective: str, split: str, n: int
) -> None:
    kb, folder = study
    facts = json.loads((folder / "encoder.json").read_text())
    (folder / "encoder.json").write_text(json.dumps({**facts, "objective": objective}))
    kb.publish("forget", lambda publication: (publication.delete("encoders", "true") or {}, None))
    checkpoint = load_checkpoint(folder)
    put(kb, "encoders", [
        {"encoder": checkpoint.encoder_id, "checkpoint": str(folder), "dimension": 16, "objective": objective,
         "preprocessing": ""}
    ])  # fmt: skip
    ingest_labels(kb, tmp_path / "s" / "labels.csv")
    result = predict_zero_shot(
        kb,
        checkpoint,
        PromptSet(),
        options=PredictOptions(labels=("nodule",), space="encoder"),
        embedder=lambda: load_stored_embedder(kb.require_embedder()),
    )
    assert (result.split, result.rows[0]["n"]) == (split, n)
    assert 0 < result.rows[0]["positives"] < n
    assert evaluate(kb, [result.run.name], Options(bootstrap=0)).split == split
