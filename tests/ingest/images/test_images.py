"""Images: every way a radiograph is stored gives the same grey picture, and what is none costs one reject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoder.vectors.pixels import PixelReader
from ingest.images.images import ingest_images
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.paths import SHARED
from tests.support.radiographs import as_uint16, chest, dicom, encoded

SMALL = Preprocessing(64)


class TestPreprocessing:
    def test_an_oblong_is_padded_cropped_or_stretched(self) -> None:
        oblong = np.full((100, 50), 200, np.uint8)
        padded = Preprocessing(64, "pad").apply(oblong)
        assert (padded[:, :15] == 0).all() and (padded[:, 17:47] == 200).all()
        for fit in ("crop", "stretch"):
            assert (Preprocessing(64, fit).apply(oblong) == 200).all()

    def test_another_making_has_another_id(self) -> None:
        ids = {p.preprocessing_id for p in (Preprocessing(), Preprocessing(224), Preprocessing(448, "crop"))}
        assert len(ids) == 3
        with pytest.raises(UsageError):
            Preprocessing(4)
        with pytest.raises(UsageError):
            Preprocessing(64, "twist")  # type: ignore[arg-type]


class TestIngest:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "images"
        (folder / "p10000001" / "s50000001").mkdir(parents=True)
        (folder / "a.png").write_bytes(encoded(chest(), "PNG"))
        (folder / "b.dcm").write_bytes(dicom(as_uint16(chest(100, 90)), PatientID="P9", PatientAge="018M"))
        (folder / "p10000001" / "s50000001" / "c.jpg").write_bytes(encoded(chest(80, 80), "JPEG"))
        (folder / "notes.txt").write_text("not asked for")
        (folder / "broken.png").write_bytes(b"broken")
        return folder

    def test_a_folder_gives_images_pixels_and_rejects(self, kb: KnowledgeBase, folder: Path) -> None:
        result = ingest_images(kb, [folder], preprocessing=SMALL, by="ada")
        assert (result.read, result.new, result.rejected, result.decoded) == (4, 3, 1, 3)
        rows = {row["image_id"]: row for row in kb.dataset("images").to_table().to_pylist()}
        nested = rows["p10000001/s50000001/c.jpg"]
        assert (nested["patient_id"], nested["study_id"]) == ("10000001", "50000001")
        assert (rows["b.dcm"]["patient_id"], rows["b.dcm"]["age"]) == ("P9", 1.5)
        (reject,) = kb.rejects()
        assert reject["position"].startswith("broken.png") and "not a PNG" in reject["reason"]
        (pixels,) = PixelReader(kb, SMALL).take([rows["a.png"]["content_hash"]])
        assert np.array_equal(pixels, SMALL.apply(chest()))
        assert kb.status().images == 3

    def test_the_same_again_changes_nothing_and_decodes_nothing(self, kb: KnowledgeBase, folder: Path) -> None:
        ingest_images(kb, [folder], preprocessing=SMALL)
        again = ingest_images(kb, [folder], preprocessing=SMALL)
        assert (again.new, again.unchanged, again.decoded, again.commit) == (0, 3, 0, None)
        other = ingest_images(kb, [folder], preprocessing=Preprocessing(32))
        assert (other.decoded, other.commit) == (3, None)

    def test_two_workers_give_what_one_gives(self, tmp_path: Path) -> None:
        folder = tmp_path / "many"
        folder.mkdir()
        for number in range(40):
            (folder / f"{number:02}.png").write_bytes(encoded(np.roll(chest(), number, axis=0), "PNG"))
        stored = []
        for workers in (1, 2):
            kb = KnowledgeBase.create(tmp_path / f"{workers}.kb")
            ingest_images(kb, [folder], preprocessing=SMALL, workers=workers)
            rows = kb.dataset("images").to_table().to_pylist()
            contents = [row["content_hash"] for row in rows]
            stored.append((rows, [p.tobytes() for p in PixelReader(kb, SMALL).take(contents)]))
        assert stored[0] == stored[1]

    def test_a_table_says_whose_they_are(self, kb: KnowledgeBase, folder: Path, tmp_path: Path) -> None:
        table = tmp_path / "labels.csv"
        lines = ["Image Index,Patient ID,Patient Age,sex,View Position,labels", "a.png,7,63,F,PA,Mass|Nodule"]
        lines += ["nowhere.png,8,50,M,AP,", "b.dcm,9,old,M,AP,"]
        table.write_text("\n".join(lines), encoding="utf-8")
        result = ingest_images(kb, [folder], table=table, preprocessing=SMALL)
        assert (result.new, result.rejected, result.as_given) == (2, 1, {"age": 1})
        row, odd = sorted(kb.dataset("images").to_table().to_pylist(), key=lambda row: row["image_id"])
        assert (row["patient_id"], row["age"], row["sex"], row["view"]) == ("7", 63.0, "F", "PA")
        assert row["attributes"] == [{"name": "labels", "value": "Mass|Nodule"}]
        assert (odd["age"], odd["attributes"]) == (None, [{"name": "age given", "value": "old"}])
        assert [reject["reason"] for reject in kb.rejects()] == ["cannot be read: No such file or directory"]

    def test_a_changed_row_replaces_its_own(self, kb: KnowledgeBase, folder: Path, tmp_path: Path) -> None:
        table = tmp_path / "t.csv"
        for view in ("PA", "AP"):
            table.write_text(f"file,direction\na.png,{view}\n", encoding="utf-8")
            result = ingest_images(kb, [folder], table=table, mapping={"view": "direction"}, preprocessing=SMALL)
        assert (result.changed, result.decoded) == (1, 0)
        assert [row["view"] for row in kb.dataset("images").to_table().to_pylist()] == ["AP"]

    def test_an_image_that_is_told_twice_is_taken_once_and_told(
        self, kb: KnowledgeBase, folder: Path, tmp_path
    ) -> None:
        table = tmp_path / "t.csv"
        table.write_text("image,patient_id\na.png,1\na.png,2\n", encoding="utf-8")
        assert ingest_images(kb, [folder], table=table, preprocessing=SMALL).rejected == 1
        assert kb.dataset("images").to_table()["patient_id"].to_pylist() == ["1"]
        assert "met before (row 1 (line 2))" in kb.rejects()[0]["reason"]

    def test_wrong_usage_is_told(self, kb: KnowledgeBase, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        for arguments, message in [
            ({"sources": [tmp_path / "no"]}, "no file or folder"),
            ({"sources": [folder], "table": tmp_path / "t.csv"}, "no column of images"),
            ({"sources": [folder], "table": tmp_path / "no.csv"}, "there is no file"),
            ({"sources": [folder], "table": tmp_path / "t.csv", "mapping": {"image": "c"}}, "no column 'c'"),
            ({"sources": [folder], "table": tmp_path / "t.csv", "mapping": {"eye": "a"}}, "choose one of image"),
        ]:
            with pytest.raises(UsageError, match=message):
                ingest_images(kb, **arguments)  # type: ignore[arg-type]

    def test_an_empty_folder_is_no_error(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert ingest_images(kb, [tmp_path / "empty"]).read == 0

    @pytest.mark.soak
    def test_on_the_command_line(self, folder: Path, cli, cli_json) -> None:
        told = cli_json("ingest", "images", folder, "--kb", "x.kb", "--size", "64", "--dry-run")
        assert (told["new"], told["commit"]) == (3, None)
        told = cli_json("ingest", "images", folder, "--kb", "x.kb", "--size", "64")
        assert (told["new"], told["rejected"]) == (3, 1)
        assert cli_json("status", "--kb", "x.kb")["images"] == 3
        assert "unchanged  3" in cli("ingest", "images", folder, "--kb", "x.kb", "--size", "64").stdout
        cli("ingest", "images", "--kb", "x.kb", code=2)


@pytest.mark.soak
def test_real_images(tmp_path: Path) -> None:
    data = SHARED / "data" / "nih"
    if not data.exists():
        pytest.skip("../shared/data is not here")
    kb = KnowledgeBase.create(tmp_path / "nih.kb")
    result = ingest_images(kb, [data / "images"], table=data / "labels.csv", preprocessing=Preprocessing(128))
    assert (result.read, result.rejected) == (708, 0)
    rows = kb.dataset("images").to_table(columns=["patient_id", "view", "age"]).to_pylist()
    assert {row["view"] for row in rows} == {"PA", "AP"}
    assert all(row["patient_id"] and 0 < row["age"] < 120 for row in rows)
