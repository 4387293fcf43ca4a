"""What belongs together: patients stay in one split, studies with one patient, vectors with their picture."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from encoder.checkpoint import load_checkpoint
from encoder.concept_space import open_space
from encoder.encoding import encode
from encoder.image_vectors import ImageVectors, find_checkpoint, read_image_vectors
from encoder.prediction.bottleneck import Bottleneck, BottleneckConcept
from encoder.prediction.head import Head
from encoder.prediction.intervention import _values
from encoder.prediction.truth import read_truth, wanted_labels
from ingest.images import ingest_images
from ingest.labels import ingest_labels
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.images.splits import split_of, splits_of
from kb.knowledge_base import KnowledgeBase
from tests.encoder.shapes import SIZE, shapes_study
from tests.encoder.test_evaluation_runs import image, put


def test_a_patient_lies_in_one_split_whatever_single_images_say() -> None:
    assert splits_of(["a", "a", "b"], [{"split": "val"}, {}, {}]) == ["validation", "validation", split_of("b")]
    with pytest.raises(UsageError, match="patient a lies in two splits, train and test"):
        splits_of(["a", "a"], [{"split": "train"}, {"split": "test"}])
    with pytest.raises(UsageError, match="the split 'holdout'"):
        splits_of(["a"], [{"split": "holdout"}])
    shares = [split_of(f"p{n}") for n in range(4_000)]
    assert shares.count("train") / 4_000 == pytest.approx(0.7, abs=0.03)
    assert shares.count("validation") / 4_000 == pytest.approx(0.1, abs=0.02)


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
    with pytest.raises(UsageError, match=r"im0000\.png: no vector .*clear-kb encode"):
        read_image_vectors(kb, checkpoint.encoder_id, ["im0000.png"])
    assert encode(kb, checkpoint).encoded == 1
    assert read_image_vectors(kb, checkpoint.encoder_id).stale == 0


def test_two_copies_of_a_knowledge_base_that_went_apart_share_no_space(study, tmp_path: Path) -> None:
    kb, folder = study
    checkpoint = load_checkpoint(folder)
    other = KnowledgeBase.open(shutil.copytree(kb.uri, tmp_path / "copy.kb"))
    first, second = (row["concept_id"] for row in kb.vocabulary.list(limit=2))
    kb.vocabulary.retire(first)
    other.vocabulary.retire(second)
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
    with pytest.raises(UsageError, match=r"stood in .*/e: say --encoder"):
        find_checkpoint(kb)
    encode(kb, find_checkpoint(kb, str(moved)))
    assert find_checkpoint(kb).folder == moved


def images(*studies: str, patients: tuple[str | None, ...]) -> ImageVectors:
    ids = [f"i{n}" for n in range(len(studies))]
    return ImageVectors(ids, np.zeros((len(ids), 2)), ids, ["train"] * len(ids), list(studies), list(patients))


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
    with pytest.raises(UsageError, match="--source nobody"):
        wanted_labels(kb, [], "nobody")


def test_setting_a_finding_never_sets_its_denial() -> None:
    def concept(text: str) -> BottleneckConcept:
        return BottleneckConcept(text, text, 1.0, 0.0, 1.0)

    both = Bottleneck("x", (concept("no nodule"), concept("left nodule")), 0.0, Head("x", np.zeros(1)))
    assert _values(both, {"Nodule": 3.0}) == ({"Nodule"}, {"left nodule": 3.0})
    assert _values(both, {"no nodule": 1.0}) == ({"no nodule"}, {"no nodule": 1.0})
    only = Bottleneck("x", (concept("no nodule"),), 0.0, Head("x", np.zeros(1)))
    assert _values(only, {"nodule": 3.0}) == (set(), {})
