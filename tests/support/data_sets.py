"""Small copies of the layouts in which the field's data sets are given out, and the truth of what they hold.

Ids, reports and pictures are made up; each function draws one set under a folder and says what has to be stored of it.
"""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.radiographs import DIGITAL_XRAY, dicom

Facts = tuple[str | None, str | None, str | None, str | None]
"""Of an image: study, patient, view and split."""

Said = Mapping[tuple[str, str], int | None]
"""What labels say: the image or study and the label, to the value."""

DRAWN = "train or validation"
"""The split of patients whom a release lets train, and of whom some are drawn to choose."""

FOURTEEN = (
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema"),
    *("Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture"),
    "Support Devices",
)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A set that was drawn, and what has to be stored of it: images, reports by study, labels by source, readers."""

    name: str
    root: Path
    images: Mapping[str, Facts]
    reports: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Said] = field(default_factory=dict)
    readers: Mapping[str, int] = field(default_factory=dict)
    """How many readings there are of each reader."""
    left: tuple[str, ...] = ()


class Brush:
    """Draws pictures, each another one."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)

    def pixels(self) -> np.ndarray:
        return self._dice.integers(0, 255, (40, 36), dtype=np.uint8)

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.pixels()).save(path)

    def dicom(self, path: Path, pixels: np.ndarray | None = None, **elements: Any) -> None:
        data = dicom(self.pixels() if pixels is None else pixels, sop_class=DIGITAL_XRAY, Modality="DX", **elements)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, packed where its name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def said(
    units: Sequence[str], labels: Sequence[str], positive: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """1 for what is positive, 0 for all else."""
    ones = set(positive)
    return {(unit, label): int((unit, label) in ones) for unit in units for label in labels}


def fourteen(**cells: str) -> list[str]:
    """The cells of the fourteen labels, blank where nothing is said; named without their spaces."""
    return [cells.get(label.replace(" ", ""), "") for label in FOURTEEN]


def _values(unit: str, **values: int | None) -> dict[tuple[str, str], int | None]:
    return {(unit, label): values.get(label.replace(" ", "")) for label in FOURTEEN}


def mimic_cxr(root: Path) -> Drawn:
    """Two patients, three studies, a lateral, a validation patient; labels of two labelers and of radiologists."""
    brush, jpg, txt = Brush(1), root / "mimic-cxr-jpg/2.1.0", root / "mimic-cxr/2.1.0"
    images = {
        "0a4f-1c": ("51000001", "11000001", "PA", "train"),
        "0a4f-2d": ("51000001", "11000001", "lateral", "train"),
        "77be-3e": ("51000002", "11000001", "AP", "train"),
        "c0de-4f": ("51000003", "12000009", "AP", "validation"),
    }
    for dicom_id, (study, patient, _, _) in images.items():
        brush.picture(jpg / f"files/p{patient[:2]}/p{patient}/s{study}/{dicom_id}.jpg")
    studies = {study: patient for study, patient, _, _ in images.values()}
    for study, patient in studies.items():
        path = txt / f"files/p{patient[:2]}/p{patient}/s{study}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("FINDINGS:\n\nThere is a small left pleural effusion.\n\nIMPRESSION:\n\nNo pneumothorax.\n")
    words = {"PA": "PA", "AP": "AP", "lateral": "LATERAL"}
    rows = [
        [d, patient, study, "CHEST (PA AND LAT)", words[view], 40, 36]
        for d, (study, patient, view, _) in images.items()
    ]
    header = [
        "dicom_id",
        "subject_id",
        "study_id",
        "PerformedProcedureStepDescription",
        "ViewPosition",
        "Rows",
        "Columns",
    ]
    table(jpg / "mimic-cxr-2.0.0-metadata.csv.gz", header, [*rows, ["feed-00", 11000001, 51000002, "", "AP", 40, 36]])
    split = {"train": "train", "validation": "validate"}
    rows = [[d, study, patient, split[part]] for d, (study, patient, _, part) in images.items()]
    table(jpg / "mimic-cxr-2.0.0-split.csv.gz", ["dicom_id", "study_id", "subject_id", "split"], rows)
    chexpert = {
        "51000001": fourteen(Edema="1.0", Pneumonia="-1.0", Cardiomegaly="0.0"),
        "51000002": fourteen(NoFinding="1.0"),
        "51000003": fourteen(PleuralEffusion="1.0"),
    }
    header = ["subject_id", "study_id", *FOURTEEN]
    for labeler in ("chexpert", "negbio"):
        rows = [[studies[study], study, *cells] for study, cells in chexpert.items()]
        table(jpg / f"mimic-cxr-2.0.0-{labeler}.csv.gz", header, rows)
    table(jpg / "mimic-cxr-2.1.0-test-set-labeled.csv", ["study_id", "Edema", "Pneumonia"], [["51000001", 1, 0]])
    table(txt / "cxr-study-list.csv.gz", ["subject_id", "study_id", "path"], [])
    truth: dict[tuple[str, str], int | None] = {
        **_values("51000001", Edema=1, Cardiomegaly=0),
        **_values("51000002", NoFinding=1),
        **_values("51000003", PleuralEffusion=1),
    }
    tested: dict[tuple[str, str], int | None] = {("51000001", "Edema"): 1, ("51000001", "Pneumonia"): 0}
    return Drawn(
        name="mimic-cxr",
        root=root,
        images=images,
        reports={f"s{study}": study for study in studies},
        labels={"mimic-chexpert": truth, "mimic-negbio": truth, "mimic-test-labeled": tested},
        left=("mimic-cxr/2.1.0/cxr-study-list.csv.gz",),
    )


def mimic_sectioned(root: Path) -> Drawn:
    """The DICOM files of one study, by the record list, and the report cut into sections."""
    Brush(2).dicom(root / "files/p10/p10000764/s57375967/096052b7.dcm", ViewPosition="PA", PatientAge="061Y")
    rows = [[10000764, 57375967, "096052b7", "files/p10/p10000764/s57375967/096052b7.dcm"]]
    table(root / "cxr-record-list.csv.gz", ["subject_id", "study_id", "dicom_id", "path"], rows)
    header = ["study", "impression", "findings", "last_paragraph", "comparison"]
    table(root / "mimic_cxr_sectioned.csv", header, [["s57375967", "No pneumonia.", "The lungs are clear.", "", ""]])
    return Drawn(
        name="mimic-cxr",
        root=root,
        images={"096052b7": ("57375967", "10000764", "PA", None)},
        reports={"s57375967": "57375967"},
    )


def chexpert(root: Path) -> Drawn:
    """Training and validation tables inside the small copy, the test set with its truth by study and two readers."""
    brush, small = Brush(3), "CheXpert-v1.0-small"
    header = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FOURTEEN]
    images: dict[str, Facts] = {}

    def draw(part: str, patient: str, study: int, view: str, kind: str) -> str:
        path = f"{small}/{part}/{patient}/study{study}/view1_{view}.jpg"
        brush.picture(root / path)
        split = {"valid": "validation"}.get(part, part)
        images[path if part != "test" else path.removeprefix(f"{small}/")] = (
            f"{patient}/study{study}",
            patient,
            kind,
            split,
        )
        return path

    train = [
        [
            draw("train", "patient00001", 1, "frontal", "AP"),
            "Female",
            68,
            "Frontal",
            "AP",
            *fourteen(Edema="1.0", Fracture="-1.0"),
        ],
        [draw("train", "patient00002", 1, "lateral", "lateral"), "Male", 87, "Lateral", "", *fourteen(NoFinding="1.0")],
    ]
    table(root / small / "train.csv", header, train)
    valid = [[draw("valid", "patient64541", 1, "frontal", "PA"), "Male", 73, "Frontal", "PA", *(["0.0"] * 14)]]
    table(root / small / "valid.csv", header, valid)
    tested = [draw("test", patient, 1, "frontal", "frontal") for patient in ("patient64741", "patient64742")]
    rows = [[path.removeprefix(f"{small}/"), *fourteen(Edema="1.0")] for path in tested]
    table(root / "test_labels.csv", ["Path", *FOURTEEN], rows)
    of_study = [path.replace(small, "CheXpert-v1.0").rpartition("/")[0] for path in tested]
    ground = [["1" if label == "Edema" and at == 0 else "0" for label in FOURTEEN] for at in range(2)]
    table(
        root / "groundtruth.csv", ["Study", *FOURTEEN], [[s, *cells] for s, cells in zip(of_study, ground, strict=True)]
    )
    for reader in ("bc4", "bc8"):
        table(root / f"radiologists/{reader}.csv", ["Study", *FOURTEEN], [[study, *(["1"] * 14)] for study in of_study])
    paths = [row[0] for row in train]
    return Drawn(
        name="chexpert",
        root=root,
        images=images,
        labels={
            "chexpert-train": {**_values(paths[0], Edema=1), **_values(paths[1], NoFinding=1)},
            "chexpert-valid": {(str(valid[0][0]), label): 0 for label in FOURTEEN},
            "chexpert-test": said(
                ["patient64741/study1", "patient64742/study1"], FOURTEEN, [("patient64741/study1", "Edema")]
            ),
        },
        readers={"bc4": 28, "bc8": 28},
    )


def chexpert_plus(root: Path) -> Drawn:
    """PNG files that the table calls .jpg; one report of a study with two views; labels as lines of JSON."""
    brush = Brush(4)
    paths = [f"train/patient42142/study5/view{at}_{kind}.jpg" for at, kind in ((1, "frontal"), (2, "lateral"))]
    paths.append("valid/patient42200/study1/view1_frontal.jpg")
    for path in paths:
        brush.picture(root / "PNG" / path.replace(".jpg", ".png"))
    header = ["path_to_image", "frontal_lateral", "ap_pa", "deid_patient_id", "report", "section_findings"]
    header += ["section_impression", "section_summary", "section_accession_number", "age", "sex", "split"]
    text = ["whole text", "", "1. Small left pleural effusion.", "ABNORMAL", "", 61.0, "Male"]
    rows = [
        [paths[0], "Frontal", "PA", "patient42142", *text, "train"],
        [paths[1], "Lateral", "", "patient42142", *text, "train"],
        [paths[2], "Frontal", "AP", "patient42200", *text, "valid"],
    ]
    table(root / "df_chexpert_plus_240401.csv", header, rows)
    lines = [
        {"path_to_image": path, "Edema": 1.0, "Fracture": None, "Pneumonia": -1.0, "Cardiomegaly": 0.0}
        for path in paths
    ]
    (root / "chexbert_labels").mkdir()
    (root / "chexbert_labels/report_fixed.json").write_text("\n".join(map(json.dumps, lines)))
    values = {"Edema": 1, "Pneumonia": None, "Cardiomegaly": 0}
    return Drawn(
        name="chexpert-plus",
        root=root,
        images={
            paths[0]: ("patient42142/study5", "patient42142", "PA", "train"),
            paths[1]: ("patient42142/study5", "patient42142", "lateral", "train"),
            paths[2]: ("patient42200/study1", "patient42200", "AP", "validation"),
        },
        reports={name: name for name in ("patient42142/study5", "patient42200/study1")},
        labels={"chexpert-plus-chexbert": {(path, label): value for path in paths for label, value in values.items()}},
    )


def rexgradient(root: Path) -> Drawn:
    """One JSON object of studies, each with lists of its images and their views."""
    brush, images, told = Brush(5), dict[str, Facts](), {}
    for part, split in (("train", "train"), ("valid", "validation"), ("test", "test")):
        study, patient = f"1.2.826.0.1.{len(split)}.77", f"GRDN{part.upper()}1"
        paths = [
            f"deid_png/{patient}/GRDNACC/studies/{study}/series/{study}.{at}/instances/{study}.{at}.1.png"
            for at in (0, 1)
        ]
        for path, view in zip(paths, ("AP", "lateral"), strict=True):
            brush.picture(root / path)
            images[path] = (study, patient, view, split)
        told[part] = {
            f"p{patient}": {
                "PatientID": patient,
                "AccessionNumber": "GRDNACC",
                "StudyInstanceUid": study,
                "PatientSex": "F",
                "PatientAge": "071Y",
                "StudyDate": "20130301",
                "Indication": "Cough.",
                "Comparison": "None.",
                "Findings": "There is a nodule in the right upper lobe.",
                "Impression": "Lung nodule.",
                "ImagePath": [f"../{path}" for path in paths],
                "ImageViewPosition": ["ANTERO_POSTERIOR", "LATERAL"],
            }
        }
        path = root / f"metadata/{part}_metadata_view_position.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(told[part], indent=1))
    studies = {study for study, *_ in images.values()}
    return Drawn(name="rexgradient", root=root, images=images, reports={str(study): str(study) for study in studies})


def padchest(root: Path) -> Drawn:
    """Python lists with stray blanks, a blank one, 16-bit pictures, years of birth; the reports are Spanish."""
    rows, images = [], dict[str, Facts]()
    made = [
        ("4", "P1", "PA", "PA", "['cardiomegaly', ' nodule ']"),
        ("4", "P1", "L", "lateral", "['cardiomegaly', ' nodule ']"),
        ("5", "P2", "AP_horizontal", "AP", "['normal']"),
        ("6", "P3", "PA", "PA", ""),
    ]
    header = ["", "ImageID", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth", "PatientSex_DICOM"]
    header += ["ViewPosition_DICOM", "Projection", "Report", "MethodLabel", "Labels"]
    dice = np.random.default_rng(6)
    (root / "images").mkdir(parents=True)
    for at, (study, patient, projection, view, labels) in enumerate(made):
        name = f"{study}_{at}abc.png"
        Image.fromarray(dice.integers(0, 4095, (40, 36), dtype=np.uint16)).save(root / "images" / name)
        images[name] = (study, patient, view, None)
        words = [20140915, study, patient, 1950.0, "M", "POSTEROANTERIOR", projection, " cardiomegali .", "Physician"]
        rows.append([at, name, *words, labels])
    table(root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", header, rows)
    names = list(images)
    labels = ("cardiomegaly", "nodule", "normal")
    positive = [(name, label) for name in names[:2] for label in labels[:2]] + [(names[2], "normal")]
    return Drawn(name="padchest", root=root, images=images, labels={"padchest": said(names[:3], labels, positive)})


def padchest_gr(root: Path) -> Drawn:
    """A row for each positive label of an image, and the official split."""
    brush, names = Brush(7), ["70_a.png", "71_b.png", "72_c.png"]
    for name in names:
        brush.picture(root / "Padchest_GR_files/PadChest_GR" / name)
    header = ["StudyID", "ImageID", "PatientID", "split", "label", "label_group"]
    rows = [
        ["70", names[0], "G1", "train", "nodule", "Nodule"],
        ["70", names[0], "G1", "train", "cardiomegaly", "Cardiomegaly"],
        ["71", names[1], "G2", "validation", "nodule", "Nodule"],
        ["72", names[2], "G3", "test", "Normal", "Normal"],
    ]
    table(root / "master_table.csv", header, rows)
    (root / "grounded_reports_20240819.json").write_text(
        json.dumps([{"StudyID": "70", "ImageID": names[0], "findings": []}])
    )
    positive = [(names[0], "nodule"), (names[0], "cardiomegaly"), (names[1], "nodule"), (names[2], "Normal")]
    return Drawn(
        name="padchest-gr",
        root=root,
        images={row[1]: (row[0], row[2], None, row[3]) for row in rows},
        labels={"padchest-gr": said(names, ("nodule", "cardiomegaly", "Normal"), positive)},
        left=("grounded_reports_20240819.json",),
    )


def vindr_cxr(root: Path) -> Drawn:
    """DICOM files whose names the tables give without their ending; three readers of each training image."""
    brush, images = Brush(8), dict[str, Facts]()
    labels = ("Aortic enlargement", "Cardiomegaly", "Nodule/Mass", "No finding")
    for part, name in (("train", "aa11"), ("test", "bb22"), ("test", "cc33")):
        brush.dicom(root / f"{part}/{name}.dicom", PatientSex="M", PatientAge="000Y")
        images[name] = (None, None, None, "test" if part == "test" else DRAWN)
    votes = {"R1": (0, 1, 1, 0), "R9": (0, 1, 0, 0), "R10": (0, 0, 0, 0)}
    rows: list[list[object]] = [["aa11", reader, *cells] for reader, cells in votes.items()]
    table(root / "annotations/image_labels_train.csv", ["image_id", "rad_id", *labels], rows)
    rows = [["bb22", 0, 1, 0, 0], ["cc33", 0, 0, 0, 1]]
    table(root / "annotations/image_labels_test.csv", ["image_id", *labels], rows)
    table(root / "annotations/annotations_test.csv", ["image_id", "class_name", "x_min"], [["bb22", "Cardiomegaly", 1]])
    return Drawn(
        name="vindr-cxr",
        root=root,
        images=images,
        labels={
            "vindr-train": said(["aa11"], labels, [("aa11", "Cardiomegaly")]),
            "vindr-test": said(["bb22", "cc33"], labels, [("bb22", "Cardiomegaly"), ("cc33", "No finding")]),
        },
        readers=dict.fromkeys(votes, 4),
        left=("annotations/annotations_test.csv",),
    )


def vinbigdata(root: Path) -> Drawn:
    """A row for each box of each reader: what two of three have marked is positive, for what any of them has."""
    brush, header = Brush(9), ["image_id", "class_name", "class_id", "rad_id", "x_min", "y_min", "x_max", "y_max"]
    for name in ("d1", "d2"):
        brush.dicom(root / f"train/{name}.dicom")
    rows = [
        ["d1", "Nodule/Mass", 8, "R1", 1, 2, 3, 4],
        ["d1", "Nodule/Mass", 8, "R2", 1, 2, 3, 5],
        ["d1", "Cardiomegaly", 3, "R2", 5, 6, 7, 8],
        ["d1", "No finding", 14, "R3", "", "", "", ""],
        *(["d2", "No finding", 14, reader, "", "", "", ""] for reader in ("R1", "R2", "R3")),
    ]
    table(root / "train.csv", header, rows)
    labels = ("Nodule/Mass", "Cardiomegaly", "No finding")
    return Drawn(
        name="vinbigdata",
        root=root,
        images={"d1": (None, None, None, None), "d2": (None, None, None, None)},
        labels={"vinbigdata": said(["d1", "d2"], labels, [("d1", "Nodule/Mass"), ("d2", "No finding")])},
        readers={"R1": 6, "R2": 6, "R3": 6},
    )


def nih(root: Path) -> Drawn:
    """Two of the twelve folders, both versions of the labels, Google's labels, lists of the official split."""
    brush, images, rows = Brush(10), dict[str, Facts](), []
    made = [("00000001_000", "1", "PA", "Cardiomegaly|Effusion"), ("00000002_000", "2", "AP", "No Finding")]
    made.append(("00000002_001", "2", "AP", "Effusion"))
    for at, (name, patient, view, labels) in enumerate(made):
        brush.picture(root / f"images_{1 + at:03}/images/{name}.png")
        images[f"{name}.png"] = (None, patient, view, "test" if patient == "2" else DRAWN)
        rows.append([f"{name}.png", labels, at, patient, "414" if at else "58", "M", view])
    header = [
        "Image Index",
        "Finding Labels",
        "Follow-up #",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
    ]
    table(root / "Data_Entry_2017.csv", [*header, ""], [[*row, ""] for row in rows])
    table(root / "Data_Entry_2017_v2020.csv", header, rows)
    (root / "train_val_list.txt").write_text("00000001_000.png\n")
    (root / "test_list.txt").write_text("00000002_000.png\n00000002_001.png")
    header = ["Image Index", "Patient ID", "Fracture", "Pneumothorax"]
    table(root / "google2019_nih-chest-xray-labels.csv.gz", header, [["00000002_000.png", 2, "NO", "YES"]])
    table(root / "BBox_List_2017.csv", ["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"], [])
    names, labels = list(images), ("Cardiomegaly", "Effusion", "No Finding")
    positive = [(names[0], "Cardiomegaly"), (names[0], "Effusion"), (names[1], "No Finding"), (names[2], "Effusion")]
    truth = said(names, labels, positive)
    google = said(names[1:2], ("Fracture", "Pneumothorax"), [(names[1], "Pneumothorax")])
    return Drawn(
        name="nih-chestxray14",
        root=root,
        images=images,
        labels={"nih-2017": truth, "nih-2017-v2020": truth, "google-nih-2019": google},
        left=("BBox_List_2017.csv",),
    )


def rsna(root: Path) -> Drawn:
    """DICOM files that name patient, study and view; a row for each box, and a target of 0 without one."""
    brush, names = Brush(11), ["0004cfab-14fd", "000db696-cf54"]
    for at, name in enumerate(names):
        elements = {
            "PatientID": name,
            "StudyInstanceUID": f"1.2.276.0.7.{at}",
            "ViewPosition": "PA",
            "PatientAge": "51",
        }
        brush.dicom(root / f"stage_2_train_images/{name}.dcm", **elements)
    rows = [
        [names[0], "", "", "", "", 0],
        [names[1], 316.0, 318.0, 170.0, 478.0, 1],
        [names[1], 660.0, 375.0, 146.0, 402.0, 1],
    ]
    table(root / "stage_2_train_labels.csv", ["patientId", "x", "y", "width", "height", "Target"], rows)
    return Drawn(
        name="rsna-pneumonia",
        root=root,
        images={name: (f"1.2.276.0.7.{at}", name, "PA", None) for at, name in enumerate(names)},
        labels={"rsna-pneumonia": said(names, ("Lung Opacity",), [(names[1], "Lung Opacity")])},
    )


def siim(root: Path) -> Drawn:
    """DICOM files deep in folders of UIDs, named by their stem; masks as run lengths, -1 for none."""
    brush, names = Brush(12), ["1.2.276.0.7230010.3.1.4.8323329.300", "1.2.276.0.7230010.3.1.4.8323329.301"]
    for name in names:
        brush.dicom(root / f"dicom-images-train/1.2.3/1.2.3.4/{name}.dcm", PatientID=name[-3:], ViewPosition="AP")
    rows = [[names[0], " -1"], [names[1], " 557374 2 1015 8"], [names[1], " 12 3"]]
    table(root / "train-rle.csv", ["ImageId", " EncodedPixels"], rows)
    return Drawn(
        name="siim-pneumothorax",
        root=root,
        images={name: (None, name[-3:], "AP", DRAWN) for name in names},
        labels={"siim-pneumothorax": said(names, ("Pneumothorax",), [(names[1], "Pneumothorax")])},
    )


def chestx_det(root: Path) -> Drawn:
    """JSON arrays with findings, boxes and outlines; a picture without a finding is negative for all."""
    brush = Brush(13)
    told = {
        "train": [
            {
                "file_name": "36199.png",
                "syms": ["Effusion", "Nodule"],
                "boxes": [[1, 2, 3, 4], [5, 6, 7, 8]],
                "polygons": [],
            }
        ],
        "test": [{"file_name": "56229.png", "syms": ["Nodule"], "boxes": [[1, 1, 2, 2]], "polygons": []}],
    }
    told["train"].append({"file_name": "40001.png", "syms": [], "boxes": [], "polygons": []})
    for part, records in told.items():
        for record in records:
            brush.picture(root / part / str(record["file_name"]))
        (root / f"ChestX_Det_{part}.json").write_text(json.dumps(records))
    train = said(
        ["36199.png", "40001.png"], ("Effusion", "Nodule"), [("36199.png", "Effusion"), ("36199.png", "Nodule")]
    )
    return Drawn(
        name="chestx-det",
        root=root,
        images={
            "36199.png": (None, None, None, DRAWN),
            "40001.png": (None, None, None, DRAWN),
            "56229.png": (None, None, None, "test"),
        },
        labels={
            "chestx-det-ChestX_Det_train": train,
            "chestx-det-ChestX_Det_test": said(["56229.png"], ("Nodule",), [("56229.png", "Nodule")]),
        },
    )


OPENI = """<?xml version="1.0" encoding="utf-8"?><eCitation><uId id="CXR{number}"/><MedlineCitation><Article><Abstract>
<AbstractText Label="FINDINGS">The heart is enlarged.</AbstractText>
<AbstractText Label="IMPRESSION">Cardiomegaly.</AbstractText></Abstract></Article></MedlineCitation>
<MeSH>{mesh}<automatic>effusion</automatic></MeSH></eCitation>"""


def open_i(root: Path, *, packed: bool = False) -> Drawn:
    """XML files, lying or packed, PNG files that begin with their report's name; one report that nobody has indexed."""
    brush, images = Brush(14), dict[str, Facts]()
    headings = {1: ["Cardiomegaly/mild", "Pleural Effusion/left/small"], 2: ["normal"], 3: ["No Indexing"]}
    folder = root / "ecgen-radiology"
    folder.mkdir(parents=True)
    for number, names in headings.items():
        text = OPENI.format(number=number, mesh="".join(f"<major>{name}</major>" for name in names))
        (folder / f"{number}.xml").write_text(text)
        for view in (1001, 2001):
            name = f"CXR{number}_1_IM-{number:04}-{view}"
            brush.picture(root / f"NLMCXR_png/{name}.png")
            images[name] = (f"CXR{number}", None, None, None)
    if packed:
        with tarfile.open(root / "NLMCXR_reports.tgz", "w:gz") as archive:
            archive.add(folder, "ecgen-radiology")
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    labels = ("Cardiomegaly", "Pleural Effusion", "normal")
    positive = [("CXR1", "Cardiomegaly"), ("CXR1", "Pleural Effusion"), ("CXR2", "normal")]
    return Drawn(
        name="open-i",
        root=root,
        images=images,
        reports={f"CXR{number}": f"CXR{number}" for number in headings},
        labels={"open-i-mesh": said(["CXR1", "CXR2"], labels, positive)},
    )


def open_i_packed(root: Path) -> Drawn:
    """The same with its archive of reports still packed."""
    return open_i(root, packed=True)


def indiana(root: Path) -> Drawn:
    """Two tables in the place of the XML files; a column `image` that names no image."""
    brush, names = Brush(15), ["1_IM-0001-4001.dcm.png", "1_IM-0001-3001.dcm.png", "2_IM-0652-1001.dcm.png"]
    for name in names:
        brush.picture(root / "images/images_normalized" / name)
    rows = [[1, names[0], "Frontal"], [1, names[1], "Lateral"], [2, names[2], "Frontal"]]
    table(root / "indiana_projections.csv", ["uid", "filename", "projection"], rows)
    header = ["uid", "MeSH", "Problems", "image", "indication", "comparison", "findings", "impression"]
    rows = [
        [1, "normal", "normal", "Xray Chest PA and Lateral", "", "", "The lungs are clear.", "Normal chest."],
        [
            2,
            "Cardiomegaly/mild;Calcinosis",
            "Cardiomegaly;Calcinosis",
            "Chest, 2 views",
            "",
            "",
            "Big heart.",
            "Cardiomegaly.",
        ],
    ]
    table(root / "indiana_reports.csv", header, rows)
    positive = [("1", "normal"), ("2", "Cardiomegaly"), ("2", "Calcinosis")]
    return Drawn(
        name="indiana-kaggle",
        root=root,
        images={
            names[0]: ("1", None, "frontal", None),
            names[1]: ("1", None, "lateral", None),
            names[2]: ("2", None, "frontal", None),
        },
        reports={"1": "1", "2": "2"},
        labels={"indiana-problems": said(["1", "2"], ("normal", "Cardiomegaly", "Calcinosis"), positive)},
    )


def brax(root: Path) -> Drawn:
    """Two patients whose studies have one accession number; an age of "85 or more"."""
    brush, rows, images = Brush(16), [], dict[str, Facts]()
    for at, (patient, age, view) in enumerate((("id_1", "85 or more", "PA"), ("id_2", "40", "L"))):
        path = f"images/{patient}/Study_7/Series_1/image-{at}.png"
        brush.picture(root / path)
        images[path] = (f"{patient}/Study_7", patient, {"L": "lateral"}.get(view, view), None)
        cells = ["1.0" if label == "Edema" and at == 0 else "" for label in FOURTEEN]
        rows.append(
            [at, path.replace(".png", ".dcm"), path, patient, "M", age, "Study_7", "20090101", *cells, view, "ACME"]
        )
    header = ["", "DicomPath", "PngPath", "PatientID", "PatientSex", "PatientAge", "AccessionNumber", "StudyDate"]
    table(root / "master_spreadsheet_update.csv", [*header, *FOURTEEN, "ViewPosition", "Manufacturer"], rows)
    first, second = images
    return Drawn(
        name="brax",
        root=root,
        images=images,
        labels={"brax": {**_values(first, Edema=1), **_values(second)}},
    )


EVERY = (
    *(mimic_cxr, mimic_sectioned, chexpert, chexpert_plus, rexgradient, padchest, padchest_gr, vindr_cxr, vinbigdata),
    *(nih, rsna, siim, chestx_det, open_i, open_i_packed, indiana, brax),
)
"""A function for each layout."""
