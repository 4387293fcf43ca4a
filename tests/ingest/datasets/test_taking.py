"""Taking a data set in: what is recognised, what does not meet, what is left, another site, a set of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import ingest
from ingest.datasets.result import DatasetResult
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.data_sets import Brush, brax, chexpert, mimic_cxr, nih, padchest_gr, table, vindr_cxr
from tests.support.files import write

OWN = """name: harbor
title: Harbor hospital
licence: our own
citation: none
language: en
recognised_by:
  - files: pictures.csv
reports:
  - files: letters.jsonl
    id: letter
    study: "{who}/{visit}"
    patient: who
    sections: {findings: seen}
images:
  files: "*.png"
  tables:
    - files: pictures.csv
      image: picture
      study: "{who}/{visit}"
      patient: who
      view: [direction, kind or none]
      age: {born: born, at: day}
      split: part
      attributes: [scanner]
  views: {von vorn: PA}
  splits: {lernen: [train, validation], "prüfen": test}
labels:
  - source: harbor-truth
    files: truth.csv
    columns: {image: picture}
"""


def take(kb: KnowledgeBase, root: Path, **options: Any) -> DatasetResult:
    return ingest.dataset(kb, root, size=32, workers=1, embed=False, **options)


def attributes(kb: KnowledgeBase) -> dict[str, dict[str, str]]:
    rows = kb.dataset("images").to_table().to_pylist()
    return {row["image_id"]: {one["name"]: one["value"] for one in row["attributes"]} for row in rows}


def harbor(root: Path, truth: str = "p0,1\np1.png,0\n") -> Path:
    """A lab's own set: three pictures, one that no table names; two letters; labels that leave the ending out once."""
    brush = Brush(99)
    for at in range(3):
        brush.picture(root / f"scans/p{at}.png")
    rows = [
        ["p0.png", "A", 1, "von vorn", "1950-02-01", "2010-01-01", "lernen", "ACME", 1],
        ["p1.png", "B", 1, "lateral", "1960-02-01", "2010-01-01", "prüfen", "", 0],
        ["p9.png", "C", 1, "lateral", "", "", "prüfen", "", 0],
    ]
    header = ["picture", "who", "visit", "direction", "born", "day", "part", "scanner", "Edema"]
    table(root / "pictures.csv", header, rows)
    letters = [f'{{"letter": "L{who}", "who": "{who}", "visit": 1, "seen": "Small nodule."}}' for who in "AB"]
    write(root / "letters.jsonl", "\n".join(letters))
    write(root / "truth.csv", f"picture,Edema\n{truth}")
    return write(root / "harbor.yaml", OWN)


class TestOnesOwn:
    def test_a_lab_describes_its_own_set(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = take(kb, tmp_path, named=harbor(tmp_path))
        assert (result.name, result.images.found, result.images.missing) == ("harbor", 2, 1)
        assert (result.images.first_missing, result.images.unlisted, result.images.with_report) == ("p9.png", 1, 2)
        rows = {row["image_id"]: row for row in kb.dataset("images").to_table().to_pylist()}
        assert {name: (row["study_id"], row["view"], row["age"]) for name, row in rows.items()} == {
            "p0.png": ("A/1", "PA", 60.0),
            "p1.png": ("B/1", "lateral", 50.0),
        }
        told = attributes(kb)
        assert {row.pop("dataset") for row in told.values()} == {"harbor"}, "its site, where nothing else tells one"
        assert told["p0.png"].pop("split") in ("train", "validation")
        assert told == {"p0.png": {"scanner": "ACME"}, "p1.png": {"split": "test"}}, "no label column is an attribute"
        labels = {row["image_id"]: row["value"] for row in kb.dataset("labels").to_table().to_pylist()}
        assert labels == {"p0.png": 1, "p1.png": 0}, "p0 is p0.png"
        assert result.labels[0].result is not None
        assert dict(result.labels[0].result.resolved) == {"without its ending": 1}

    def test_a_column_that_is_not_there_is_named(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        own = harbor(tmp_path)
        own.write_text(OWN.replace("attributes: [scanner]", "attributes: [device]"), encoding="utf-8")
        with pytest.raises(UsageError, match=r"pictures\.csv has no column 'device': its columns are picture, who"):
            take(kb, tmp_path, named=own)
        assert len(kb.log()) == 1

    def test_a_split_that_means_nothing_is_refused(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        own = harbor(tmp_path)
        own.write_text(OWN.replace("lernen:", "ueben:"), encoding="utf-8")
        with pytest.raises(ClearKbError, match="the split 'lernen' is none of train, validation, test, external"):
            take(kb, tmp_path, named=own)

    def test_labels_of_none_of_the_images_are_refused_and_nothing_is_stored(
        self, kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        own = harbor(tmp_path, truth="scan-0,1\nscan-1,0\n")
        with pytest.raises(ClearKbError, match=r"truth\.csv says scan-0, images say p0\.png"):
            take(kb, tmp_path, named=own)
        assert len(kb.log()) == 1
        assert take(kb, tmp_path, named=own, allow_unjoined=True).labels[0].here == 0

    def test_reports_of_none_of_the_images_are_refused(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        own = harbor(tmp_path)
        own.write_text(
            OWN.replace('study: "{who}/{visit}"\n    patient', "study: letter\n    patient"), encoding="utf-8"
        )
        with pytest.raises(ClearKbError, match="reports say study LA, images say A/1"):
            take(kb, tmp_path, named=own)
        assert len(kb.log()) == 1


class TestRecognition:
    def test_a_folder_of_none_of_them(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        write(tmp_path / "notes.txt", "x")
        with pytest.raises(UsageError, match=r"none of the known data sets: it holds notes\.txt"):
            take(kb, tmp_path)
        with pytest.raises(UsageError, match="there is no folder"):
            take(kb, tmp_path / "nowhere")

    def test_a_folder_of_several(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        padchest_gr(tmp_path / "a")
        brax(tmp_path / "b")
        with pytest.raises(UsageError, match=r"several data sets: brax \(by b/master.*\), padchest-gr \(by a/"):
            take(kb, tmp_path)
        assert take(kb, tmp_path, named="brax").images.found == 2

    def test_a_table_of_the_same_name_is_told_by_its_columns(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        table(tmp_path / "train.csv", ["image_id", "price"], [["1", "2"]])
        with pytest.raises(UsageError, match="none of the known"):
            take(kb, tmp_path)

    def test_a_set_that_is_named_and_is_not_here(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        write(tmp_path / "notes.txt", "x")
        with pytest.raises(ClearKbError, match="holds no reports, images or labels of PadChest"):
            take(kb, tmp_path, named="padchest")


class TestParts:
    def test_a_part_of_the_download_is_a_set_too(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        drawn = mimic_cxr(tmp_path)
        shutil.rmtree(tmp_path / "mimic-cxr-jpg/2.1.0/files/p12")
        result = take(kb, drawn.root)
        assert (result.images.found, result.images.named, result.images.missing) == (3, 5, 2)
        assert [(one.units, one.here) for one in result.labels] == [(3, 2), (3, 2), (1, 1)]

    def test_labels_whose_images_are_not_here_are_left_and_named(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        drawn = chexpert(tmp_path)
        shutil.rmtree(tmp_path / "CheXpert-v1.0-small/test")
        result = take(kb, drawn.root)
        assert [one.source for one in result.labels] == ["chexpert-train", "chexpert-valid"]
        assert "none of its 2 images and studies is here" in result.left["groundtruth.csv"]

    def test_only_what_is_asked_for(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        drawn = mimic_cxr(tmp_path)
        assert take(kb, drawn.root, only=["labels"]).commits.keys() == {"labels"}
        result = take(kb, drawn.root, only=["reports", "images"])
        assert result.commits.keys() == {"reports", "images"} and not result.labels
        assert result.images.with_report == 4

    def test_the_files_lie_wherever_and_are_called_otherwise(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        drawn = nih(tmp_path / "set")
        for folder in list(drawn.root.glob("images_*")):
            for path in folder.rglob("*.png"):
                path.rename(drawn.root / path.name)
            shutil.rmtree(folder)
        assert take(kb, drawn.root).images.found == 3
        assert {row["image_id"] for row in kb.dataset("images").to_table().to_pylist()} == set(drawn.images)

    def test_two_files_of_one_name_are_refused(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        drawn = nih(tmp_path / "set")
        Brush(5).picture(drawn.root / "images_009/images/00000001_000.png")
        result = take(kb, drawn.root)
        assert (result.images.result.new, result.rejected) == (2, 1)  # type: ignore[union-attr]
        (reject,) = kb.rejects()
        assert "images_001/images/00000001_000.png, images_009/images/00000001_000.png" in reject["reason"]


class TestAnotherSite:
    def test_it_is_external_and_its_official_split_is_kept_beside(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = take(kb, vindr_cxr(tmp_path).root, external=True)
        assert (result.external and result.images.splits == {"test": 2, "train": 1}) or result.images.splits
        told = attributes(kb)
        assert {one["split"] for one in told.values()} == {"external"}
        assert told["bb22"]["published split"] == "test"

    def test_who_chooses_is_drawn_by_patient_and_stays(self, tmp_path: Path) -> None:
        brush, rows = Brush(3), []
        for patient in range(60):
            for at in range(2):
                name = f"{patient:08}_{at:03}.png"
                brush.picture(tmp_path / f"images_001/images/{name}")
                rows.append([name, "No Finding", at, patient, 50, "M", "PA"])
        header = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender"]
        table(tmp_path / "Data_Entry_2017_v2020.csv", [*header, "View Position"], rows)
        write(tmp_path / "train_val_list.txt", "\n".join(row[0] for row in rows))
        splits = []
        for name in ("a.kb", "b.kb"):
            kb = KnowledgeBase.create(tmp_path / name)
            take(kb, tmp_path, only=["images"])
            splits.append({image: told["split"] for image, told in attributes(kb).items()})
        assert splits[0] == splits[1]
        by_patient = {image[:8]: {splits[0][f"{image[:8]}_{at:03}.png"] for at in range(2)} for image in splits[0]}
        assert all(len(found) == 1 for found in by_patient.values()), "no patient lies in two splits"
        chosen = sum(found == {"validation"} for found in by_patient.values())
        assert 2 <= chosen <= 18, "about one in eight"


@pytest.mark.soak
def test_the_command_prints_what_it_found_took_joined_and_left(cli, cli_json, tmp_path: Path) -> None:
    drawn, base = mimic_cxr(tmp_path / "set"), tmp_path / "m.kb"
    asked = ("ingest", "dataset", drawn.root, "--kb", base, "--size", 32, "--workers", 1, "--no-embed")
    said = " ".join(cli(*asked, "--dry-run").stdout.split())
    assert "MIMIC-CXR and MIMIC-CXR-JPG (mimic-cxr), by" in said and "none: a dry run" in said
    assert not base.exists(), "a dry run makes nothing"
    said = " ".join(cli(*asked).stdout.split())
    for told in (
        "licence PhysioNet Credentialed",
        "reports 3: 3 new",
        "images 4: 4 new",
        "not here 1 named in tables have no file here (feed-00, ...)",
        "split 3 train, 1 validation",
        "joined 4 of 4 images have a report",
        "labels mimic-chexpert 14 labels of 3, 3 here: 3 positive, 1 negative, 38 unknown, new",
        "cxr-study-list.csv.gz (the files are found under ROOT)",
    ):
        assert told in said
    again = cli_json(*asked)
    assert again["commits"] == {} and again["images"]["result"]["unchanged"] == 4
    assert "choose of reports, images, labels" in cli(*asked, "--only", "films", code=2).stderr
