"""From one data set to another: MIMIC-CXR's layout is trained on, VinDr-CXR's is judged whole, as external."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import encoder
import ingest
import kb
from encoder.training.train_result import TrainResult
from encoder.validation.result import Validation
from ingest.datasets.result import DatasetResult
from kb.vectors.embedding import Embedder
from tests.support.data_sets import FOURTEEN, Brush, fourteen, table
from tests.support.shapes import CONFIG, RESNET, SIZE, shape_pixels

pytestmark = pytest.mark.soak

STUDIES, AWAY, READ = 240, 60, 12


@dataclass(frozen=True)
class Session:
    """What came of it all."""

    base: kb.KnowledgeBase
    home: DatasetResult
    away: DatasetResult
    trained: TrainResult
    found: Validation


def findings_of(draw: random.Random) -> dict[str, bool]:
    return {name: draw.random() < 0.45 for name in ("pleural effusion", "nodule")}


def draw_mimic(root: Path) -> None:
    """Studies of two to a patient, a lateral of noise in every fifth."""
    draw, brush, metadata, splits, labels = random.Random(1), Brush(9), [], [], []
    jpg, txt = root / "mimic-cxr-jpg/2.0.0", root / "mimic-cxr/2.0.0"
    for number in range(STUDIES):
        patient, study = 10_000_100 + number // 2, 50_000_200 + number
        findings, side = findings_of(draw), draw.choice(("left", "right"))
        place = f"files/p{str(patient)[:2]}/p{patient}/s{study}"
        said = [f"There is a {side} {name}." if there else f"No {name}." for name, there in findings.items()]
        report = txt / f"{place}.txt"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(f"FINAL REPORT\nFINDINGS:\n{' '.join(said)}\n")
        views = {"PA": shape_pixels(findings, side, draw), **({"LATERAL": brush.pixels()} if number % 5 == 0 else {})}
        split = "train" if number // 2 % 10 < 6 else "validate" if number // 2 % 10 < 8 else "test"
        for view, pixels in views.items():
            name = f"{study}-{view.lower()}"
            path = jpg / place / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=95)
            metadata.append([name, patient, study, view, SIZE, SIZE])
            splits.append([name, study, patient, split])
        labels.append([patient, study, *cells(findings)])
    columns = ["dicom_id", "subject_id", "study_id", "ViewPosition", "Rows", "Columns"]
    table(jpg / "mimic-cxr-2.0.0-metadata.csv.gz", columns, metadata)
    table(jpg / "mimic-cxr-2.0.0-split.csv.gz", ["dicom_id", "study_id", "subject_id", "split"], splits)
    table(jpg / "mimic-cxr-2.0.0-chexpert.csv.gz", ["subject_id", "study_id", *FOURTEEN], labels)


def cells(findings: Mapping[str, bool]) -> list[str]:
    told = {True: "1.0", False: "0.0"}
    return fourteen(PleuralEffusion=told[findings["pleural effusion"]], LungLesion=told[findings["nodule"]])


def draw_vindr(root: Path) -> None:
    """DICOM files that tables name without their ending; three readers of each training image, of whom one errs."""
    draw, brush, read, tested = random.Random(2), Brush(10), [], []
    labels = ("Aortic enlargement", "Nodule/Mass", "Pleural effusion", "No finding")
    for number in range(AWAY):
        findings, side, name = findings_of(draw), draw.choice(("left", "right")), f"{number:08x}"
        part = "train" if number < READ else "test"
        brush.dicom(root / f"{part}/{name}.dicom", shape_pixels(findings, side, draw), PatientSex="F")
        said = [0, int(findings["nodule"]), int(findings["pleural effusion"]), int(not any(findings.values()))]
        if part == "train":
            read += [[name, reader, *(1 - value if reader == "R3" else value for value in said)] for reader in READERS]
        else:
            tested.append([name, *said])
    table(root / "annotations/image_labels_train.csv", ["image_id", "rad_id", *labels], read)
    table(root / "annotations/image_labels_test.csv", ["image_id", *labels], tested)


READERS = ("R1", "R2", "R3")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Session:
    folder = tmp_path_factory.mktemp("sets")
    draw_mimic(folder / "mimic")
    draw_vindr(folder / "vindr")
    base = kb.create(str(folder / "study.kb"))
    home = ingest.dataset(base, folder / "mimic", size=SIZE, workers=1)
    away = ingest.dataset(base, folder / "vindr", external=True, size=SIZE, workers=1)
    config = CONFIG.with_values({"backbone": RESNET, "epochs": 14, "patience": 14, "batch_size": 16})
    trained = encoder.train(base, folder / "encoder", config=config, device="cpu")
    assert trained is not None
    encoder.encode(base, str(folder / "encoder"), device="cpu")
    encoder.predict_zero_shot(base, run="ours", labels=("Pleural Effusion", "Nodule"))
    found = encoder.validate(base, ["ours"], readers="stored", min_positives=5, bootstrap=50)
    return Session(base, home, away, trained, found)


def test_all_that_the_sets_hold_is_stored_and_meets(session: Session) -> None:
    laterals = STUDIES // 5
    assert (session.home.images.found, session.home.images.with_report) == (STUDIES + laterals, STUDIES + laterals)
    assert session.home.images.views == {"PA": STUDIES, "lateral": laterals}
    assert [(one.units, one.here) for one in session.home.labels] == [(STUDIES, STUDIES)]
    assert [(one.units, one.here) for one in session.away.labels] == [(READ, READ), (AWAY - READ, AWAY - READ)]
    readings = session.base.dataset("readings").to_table(columns=["reader"])["reader"].to_pylist()
    assert {name: readings.count(name) for name in READERS} == dict.fromkeys(READERS, READ * 4)
    assert list(session.base.check()) == []


def test_frontals_of_the_official_split_are_trained_on_and_nothing_of_the_other_set(session: Session) -> None:
    assert session.trained.images == {"train": STUDIES * 6 // 10, "validation": STUDIES // 5, "test": STUDIES // 5}


def test_the_other_set_is_judged_whole_and_in_rows_of_its_own(session: Session) -> None:
    rows = {(row.site, row.split, row.label): row for row in session.found.rows}
    for label in ("Pleural Effusion", "Nodule"):
        if ("mimic-cxr", "test", label) in rows:
            assert rows["mimic-cxr", "test", label].n == STUDIES // 5
    away = rows["vindr-cxr", "external", "Pleural Effusion"]
    assert away.n == AWAY
    assert away.auroc is not None and away.auroc > 0.7
    assert not [key for key in rows if key[0] == "vindr-cxr" and key[1] != "external"]


def test_the_readers_stand_beside_it(session: Session) -> None:
    said = {row.reader: row for row in session.found.readers if row.label == "Pleural Effusion"}
    assert {"R1", "R2", "R3"} <= said.keys()
    assert (said["R1"].sensitivity, said["R1"].specificity) == (1, 1), "the majority is as R1 has it"
    assert (said["R3"].sensitivity, said["R3"].specificity) == (0, 0)
