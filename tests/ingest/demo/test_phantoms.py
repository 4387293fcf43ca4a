"""Phantoms: the same from the same seed, true to their labels, and readable by the project's own rules."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.demo import (
    LABELS,
    SITES,
    SPLITS,
    PhantomReport,
    PhantomStudy,
    Study,
    draw_study,
    phantom_studies,
    write_phantom_study,
    write_report,
)
from ingest.extractors.rules import RulesExtractor
from ingest.report import Section
from ingest.sources import open_source
from kb.errors import UsageError

COUNT, SIZE = 40, 64
FINDINGS = LABELS[:-1]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def tube_share(studies: list[Study], *, leak: bool) -> float:
    chosen = [study for study in studies if study.shows("pneumothorax") is leak]
    return sum(study.shows("chest tube") for study in chosen) / len(chosen)


@pytest.fixture(scope="module")
def studies() -> list[Study]:
    return list(phantom_studies(12_000, seed=1))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> PhantomStudy:
    return write_phantom_study(tmp_path_factory.mktemp("phantoms"), COUNT, seed=4, size=SIZE, workers=1)


@pytest.fixture(scope="module")
def told(studies: list[Study]) -> list[tuple[Study, PhantomReport]]:
    return [(study, write_report(study)) for study in studies[:1_500]]


class TestTruth:
    def test_a_seed_tells_the_studies(self, studies: list[Study]) -> None:
        assert studies[:200] == list(phantom_studies(200, seed=1))
        assert studies[:200] != list(phantom_studies(200, seed=2))

    def test_a_patient_stays_at_one_site_and_in_one_split(self, studies: list[Study]) -> None:
        patients = {study.patient for study in studies}
        assert len({(s.patient, s.site, s.split, s.sex, s.age) for s in studies}) == len(patients)
        assert set(Counter(study.patient for study in studies).values()) <= {1, 2, 3}

    def test_shares_of_splits_and_sites(self, studies: list[Study]) -> None:
        patients = Counter({study.patient: (study.split, study.site) for study in studies}.values())
        total = patients.total()
        for split, share in zip(SPLITS, (0.6, 0.15, 0.25), strict=True):
            assert sum(patients[split, site] for site in SITES) / total == pytest.approx(share, abs=0.01)
        assert patients["train", "harbor"] / sum(patients["train", site] for site in SITES) == pytest.approx(
            0.6, abs=0.01
        )

    def test_how_often_each_label_is_true(self, studies: list[Study]) -> None:
        expected = {
            "pleural effusion": 0.25,
            "cardiomegaly": 0.2,
            "opacity": 0.25,
            "nodule": 0.15,
            "pneumothorax": 0.2,
            "pacemaker": 0.08,
            "No Finding": 0.25,
        }
        for label, share in expected.items():
            assert sum(study.shows(label) for study in studies) / len(studies) == pytest.approx(share, abs=0.025)
        assert all(study.shows("No Finding") is not any(map(study.shows, FINDINGS)) for study in studies)

    @pytest.mark.parametrize("split", SPLITS)
    def test_at_harbor_a_tube_goes_with_a_pneumothorax(self, studies: list[Study], split: str) -> None:
        harbor = [study for study in studies if study.site == "harbor" and study.split == split]
        assert tube_share(harbor, leak=True) == pytest.approx(0.9, abs=0.05)
        assert tube_share(harbor, leak=False) == pytest.approx(0.03, abs=0.02)

    def test_elsewhere_it_goes_with_nothing(self, studies: list[Study]) -> None:
        others = [study for study in studies if study.site != "harbor"]
        for leak in (True, False):
            assert tube_share(others, leak=leak) == pytest.approx(0.05, abs=0.025)

    def test_without_the_shortcut_harbor_is_as_the_others(self) -> None:
        harbor = [study for study in phantom_studies(12_000, seed=1, shortcut=0.05) if study.site == "harbor"]
        for leak in (True, False):
            assert tube_share(harbor, leak=leak) == pytest.approx(0.05, abs=0.02)


class TestPictures:
    def test_the_same_study_gives_the_same_picture(self, studies: list[Study]) -> None:
        first, again = draw_study(studies[0]), draw_study(studies[0])
        assert first.pixels.shape == (128, 128) and first.pixels.dtype == np.uint8
        assert (first.pixels == again.pixels).all() and first.boxes == again.boxes
        assert (first.pixels != draw_study(studies[1]).pixels).any()

    @pytest.mark.parametrize("finding", FINDINGS)
    def test_a_finding_lies_in_its_box(self, studies: list[Study], finding: str) -> None:
        for study in [study for study in studies if study.shows(finding)][:12]:
            picture, without = draw_study(study), draw_study(study.without(finding))
            change = np.abs(picture.pixels.astype(int) - without.pixels.astype(int))
            inside = np.zeros_like(change, dtype=bool)
            for box in picture.boxes:
                assert 0 <= box.x0 < box.x1 <= 128 and 0 <= box.y0 < box.y1 <= 128
                if box.finding == finding:
                    inside[box.y0 : box.y1, box.x0 : box.x1] = True
            assert change[inside].mean() > 2
            assert change[inside].mean() > 8 * change[~inside].mean()

    def test_the_patients_left_is_the_pictures_right(self, studies: list[Study]) -> None:
        boxes = [box for study in studies[:150] for box in draw_study(study, SIZE).boxes if box.finding != "pacemaker"]
        for box in boxes:
            if box.side:
                assert ((box.x0 + box.x1) / 2 > SIZE / 2) is (box.side == "left")
        assert {box.side for box in boxes} == {"left", "right", ""}

    def test_an_enlarged_heart_is_wider_than_half_the_thorax(self, studies: list[Study]) -> None:
        for study in [study for study in studies if study.shows("cardiomegaly")][:12]:
            box = next(box for box in draw_study(study).boxes if box.finding == "cardiomegaly")
            thorax = 0.78 * study.build.across * 128
            assert (box.x1 - box.x0) / thorax > 0.49


class TestReports:
    def test_what_they_say_is_true(self, told: list[tuple[Study, PhantomReport]]) -> None:
        for study, written in told:
            for said in written.said:
                assert study.shows(said.finding) is (said.assertion != "absent")
            there = {one.name for one in study.planted}
            assert {said.finding for said in written.said if said.assertion != "absent"} == there - {written.left_out}

    def test_some_leave_a_finding_out_and_some_are_word_for_word_alike(
        self, told: list[tuple[Study, PhantomReport]]
    ) -> None:
        assert sum(bool(written.left_out) for _, written in told) / len(told) == pytest.approx(0.08, abs=0.025)
        texts = Counter((written.report.findings, written.report.impression) for _, written in told)
        (_, most), (_, second) = texts.most_common(2)
        assert most / len(told) == pytest.approx(0.12, abs=0.03)
        assert second < 10 and len(texts) > 0.8 * len(told)

    def test_our_rules_read_what_they_say(self, told: list[tuple[Study, PhantomReport]]) -> None:
        said, read = Counter[str](), Counter[str]()
        for _, written in told[:200]:
            found = set(mined(written))
            for one in written.said:
                sides = [one.side] if one.side else ["", "left", "right", "bilateral"]
                said[one.assertion] += 1
                read[one.assertion] += any((one.finding, one.assertion, side) in found for side in sides)
        for assertion in ("present", "absent", "uncertain"):
            assert read[assertion] >= 0.95 * said[assertion] > 0


def mined(written: PhantomReport) -> Iterator[tuple[str, str, str]]:
    sections = [Section("findings", written.report.findings), Section("impression", written.report.impression)]
    for mention in RulesExtractor().mentions(sections):
        side = "" if mention.laterality == "none" else mention.laterality
        yield mention.facets.finding, mention.assertion, side


class TestFiles:
    def test_the_same_seed_gives_the_same_bytes(self, study: PhantomStudy, tmp_path: Path) -> None:
        write_phantom_study(tmp_path / "again", COUNT, seed=4, size=SIZE, workers=1)
        write_phantom_study(tmp_path / "other", COUNT, seed=5, size=SIZE, workers=1)
        assert bytes_of(study.folder) == bytes_of(tmp_path / "again")
        assert bytes_of(study.folder) != bytes_of(tmp_path / "other")

    def test_however_many_draw_the_bytes_are_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ingest.demo.writing.ALONE", 1)
        monkeypatch.setattr("ingest.demo.writing.TASK", 5)
        for workers in (1, 2):
            write_phantom_study(tmp_path / str(workers), 12, size=32, workers=workers)
        assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2")

    def test_too_few_pixels_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="16 pixels"):
            write_phantom_study(tmp_path, 1, size=16)

    def test_tables_and_pictures_agree(self, study: PhantomStudy) -> None:
        images, labels, boxes = rows(study.image_table), rows(study.labels), rows(study.boxes)
        assert list(images[0]) == ["image", "study_id", "patient_id", "site", "view", "sex", "age", "split"]
        assert list(labels[0]) == ["image", *LABELS]
        assert list(boxes[0]) == ["image", "finding", "side", "x0", "y0", "x1", "y1"]
        names = [row["image"] for row in images]
        assert names == [row["image"] for row in labels] and len(names) == study.image_count == COUNT
        for name in names:
            with Image.open(study.folder / name) as picture:
                assert (picture.mode, picture.size) == ("L", (SIZE, SIZE))
        for label in LABELS:
            positive = {row["image"] for row in labels if row[label] == "1"}
            assert len(positive) == study.positives[label]
            if label != "No Finding":
                assert positive == {row["image"] for row in boxes if row["finding"] == label}

    def test_reports_are_read_as_reports(self, study: PhantomStudy) -> None:
        made, images = rows(study.reports), rows(study.image_table)
        assert list(made[0]) == ["report_id", "study_id", "patient_id", "site", "indication", "findings", "impression"]
        assert [(row["study_id"], row["patient_id"]) for row in made] == [
            (row["study_id"], row["patient_id"]) for row in images
        ]
        assert sum(1 for _ in open_source(study.reports)) == COUNT

    def test_the_command_line_takes_them(self, study: PhantomStudy, cli_json: Callable[..., dict[str, object]]) -> None:
        told = cli_json("ingest", "images", "--table", study.image_table, "--size", SIZE, "--workers", 1)
        assert (told["new"], told["rejected"]) == (COUNT, 0)
