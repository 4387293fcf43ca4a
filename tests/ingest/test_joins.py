"""What joins nothing is refused, with both spellings; what joins in part is counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingest.images.images import ImageResult, ingest_images
from ingest.joins import _alike
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from ingest.reports.ingest import ingest_reports
from kb.errors import ClearKbError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.files import write


def pictures(kb: KnowledgeBase, folder: Path, studies: Mapping[str, str], **options: Any) -> ImageResult:
    """Ingest small pictures: their names, and the study of each ("" for none)."""
    folder.mkdir(exist_ok=True)
    dice = np.random.default_rng(list(folder.name.encode()))  # other pictures in another folder
    for name in studies:
        Image.fromarray(dice.integers(0, 255, (32, 32), dtype=np.uint8)).save(folder / name)
    rows = "".join(f"{name},{study}\n" for name, study in studies.items())
    table = write(folder / "images.csv", f"image,study_id\n{rows}")
    return ingest_images(kb, [folder], table=table, preprocessing=Preprocessing(32), workers=1, **options)


def reports(kb: KnowledgeBase, folder: Path, *studies: str, **options: Any) -> None:
    rows = "".join(f"r{study},{study},There is a small pleural effusion.\n" for study in studies)
    ingest_reports(kb, [write(folder / "reports.csv", f"report_id,study_id,findings\n{rows}")], **options)


class TestLabelsAndPredictions:
    @pytest.mark.parametrize(
        ("ids", "said"),
        [
            ("image\nscan-7", "labels say image scan-7, images say im7.png"),
            ("study\nACC50414267", "labels say study ACC50414267, images say 50414267"),
            ("image\na/b/other.png", "labels say image a/b/other.png, images say im7.png"),
        ],
    )
    def test_those_of_which_no_image_is_here_are_refused_and_show_both_spellings(
        self, kb: KnowledgeBase, tmp_path: Path, ids: str, said: str
    ) -> None:
        pictures(kb, tmp_path / "p", {"im7.png": "s50414267"})
        before = kb.commit.commit_id
        column, unit = ids.split("\n")
        path = write(tmp_path / "l.csv", f"{column},Edema\n{unit},1\n")
        for dry_run in (True, False):
            with pytest.raises(ClearKbError, match="none of the 1 images and studies of these labels is here") as told:
                ingest_labels(kb, path, dry_run=dry_run)
        assert said in str(told.value)
        scores = write(tmp_path / "p.csv", f"{column},Edema\n{unit},0.5\n")
        with pytest.raises(ClearKbError, match="none of the 1 images and studies of these predictions is here"):
            ingest_predictions(kb, scores, "theirs")
        assert KnowledgeBase.open(kb.uri).commit.commit_id == before
        assert ingest_labels(kb, path, allow_unjoined=True).stored == "new"
        assert ingest_predictions(kb, scores, "theirs").scores == 1, "their labels are here"

    def test_one_that_joins_is_enough_and_the_others_are_counted(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        pictures(kb, tmp_path / "p", {"a.png": "", "b.png": ""})
        result = ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na.png,1\nx.png,0\ny.png,0\n"))
        assert (result.units, result.units_here, result.images) == (3, 1, 2)

    def test_labels_of_studies_where_no_image_names_one(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        pictures(kb, tmp_path / "p", {"a.png": ""})
        with pytest.raises(ClearKbError, match="labels say study s1, images name no study"):
            ingest_labels(kb, write(tmp_path / "l.csv", "study,Edema\ns1,1\n"))

    def test_labels_may_come_before_all_images(self, cli, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Edema\na.png,1\n")
        said = cli("ingest", "labels", path, "--kb", kb.uri).stdout
        assert "no image is stored yet" in " ".join(said.split())
        with pytest.raises(ClearKbError, match=r"labels say image a\.png, these images say b\.png"):
            pictures(kb, tmp_path / "p", {"b.png": ""})
        assert pictures(kb, tmp_path / "q", {"a.png": "", "b.png": ""}).new == 2

    def test_the_command_ends_in_1_and_stores_nothing(self, cli, kb: KnowledgeBase, tmp_path: Path) -> None:
        pictures(kb, tmp_path / "p", {"im7.png": ""})
        path = write(tmp_path / "l.csv", "image,Edema\nscan-7,1\n")
        told = " ".join(cli("ingest", "labels", path, "--kb", kb.uri, code=1).stderr.split())
        assert "labels say image scan-7, images say im7.png" in told
        assert KnowledgeBase.open(kb.uri).dataset("labels").count_rows() == 0
        cli("ingest", "labels", path, "--kb", kb.uri, "--allow-unjoined")
        assert KnowledgeBase.open(kb.uri).dataset("labels").count_rows() == 1


class TestImagesAndReports:
    SAID = "reports say study 50414267, these images say ACC50414267"

    def test_images_that_meet_no_report(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        reports(kb, tmp_path, "50414267", "50414268")
        with pytest.raises(ClearKbError, match=self.SAID):
            pictures(kb, tmp_path / "p", {"a.png": "ACC50414267"})
        assert kb.dataset("images").count_rows() == 0
        result = pictures(kb, tmp_path / "q", {"a.png": "50414267", "b.png": "9"})
        assert (result.new, result.images, result.with_report) == (2, 2, 1)

    def test_reports_that_meet_no_image(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        pictures(kb, tmp_path / "p", {"a.png": "ACC50414267"})
        with pytest.raises(ClearKbError, match="reports say study 50414267, images say ACC50414267"):
            reports(kb, tmp_path, "50414267")
        assert KnowledgeBase.open(kb.uri).dataset("reports").count_rows() == 0
        reports(kb, tmp_path, "50414267", allow_unjoined=True)
        assert kb.dataset("reports").count_rows() == 1

    def test_where_one_side_names_no_study_nothing_is_refused(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        pictures(kb, tmp_path / "p", {"a.png": ""})
        reports(kb, tmp_path, "50414267")
        result = pictures(kb, tmp_path / "q", {"b.png": ""})
        assert (result.images, result.with_report) == (2, 0)

    def test_a_second_data_set_without_reports_comes_beside_one_that_joins(
        self, kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        reports(kb, tmp_path, "1")
        pictures(kb, tmp_path / "p", {"a.png": "1"})
        assert pictures(kb, tmp_path / "q", {"b.png": "1.2.840"}).with_report == 1

    def test_the_commands(self, cli, kb: KnowledgeBase, tmp_path: Path) -> None:
        reports(kb, tmp_path, "50414267")
        Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(tmp_path / "a.png")
        table = write(tmp_path / "images.csv", "image,study\na.png,ACC50414267\n")
        asked = ("ingest", "images", "--table", table, "--size", 32, "--workers", 1, "--kb", kb.uri)
        assert self.SAID in " ".join(cli(*asked, code=1).stderr.split())
        assert "0 of the 1 images here have a report" in " ".join(cli(*asked, "--allow-unjoined").stdout.split())


@given(st.sets(st.text("ab1/.", min_size=1), min_size=1), st.sets(st.text("ab1/.", min_size=1), min_size=1))
def test_the_spellings_shown_are_of_both_sides(theirs: set[str], here: set[str]) -> None:
    one, other = _alike(theirs, here)
    assert one in theirs and other in here
