"""One picture is one image: a folder and a table of it, another root, the ids that labels have, never two patients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.images.images import ImageResult, ingest_images
from ingest.labels.labels import ingest_labels
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.data_sets import Brush, table
from tests.support.files import write


def take(kb: KnowledgeBase, *sources: Path, **options: Any) -> ImageResult:
    return ingest_images(kb, sources, preprocessing=Preprocessing(32), workers=1, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    brush = Brush(1)
    for name in ("a", "b", "c"):
        brush.picture(tmp_path / f"set/scans/{name}.png")
    return tmp_path / "set"


def rows(kb: KnowledgeBase) -> dict[str, tuple[str | None, str | None]]:
    told = kb.dataset("images").to_table(columns=["image_id", "patient_id", "view"]).to_pylist()
    return {row["image_id"]: (row["patient_id"], row["view"]) for row in told}


class TestAFolderAndATable:
    @pytest.mark.parametrize("name", ["{}.png", "{}", "scans/{}.png", "other/{}.png", "IM-{}"])
    def test_a_table_says_more_of_the_pictures_of_a_folder(self, kb, folder: Path, tmp_path: Path, name: str) -> None:
        take(kb, folder / "scans")
        ids = [name.format(one) for one in "abc"]
        if name in ("other/{}.png", "IM-{}"):
            for one in "abc":
                path = folder / (name.format(one) if "/" in name else f"{name.format(one)}.png")
                path.parent.mkdir(exist_ok=True)
                path.write_bytes((folder / f"scans/{one}.png").read_bytes())
        table(tmp_path / "t.csv", ["image", "patient", "view"], [[one, f"P{one[-1]}", "PA"] for one in ids])
        result = take(kb, folder, table=tmp_path / "t.csv")
        assert (result.new, result.changed, result.rejected, result.images) == (0, 3, 0, 3)
        assert result.known == (0 if name == "{}.png" else 3)
        assert rows(kb).keys() == {"a.png", "b.png", "c.png"} and {view for _, view in rows(kb).values()} == {"PA"}

    def test_a_folder_takes_nothing_from_what_a_table_has_said(self, kb, folder: Path, tmp_path: Path) -> None:
        table(tmp_path / "t.csv", ["image", "patient", "view"], [[f"{one}.png", f"P{one}", "PA"] for one in "abc"])
        take(kb, folder / "scans", table=tmp_path / "t.csv")
        before = rows(kb)
        for root in (folder / "scans", folder, folder.parent):
            result = take(kb, root)
            assert (result.new, result.changed, result.unchanged, result.commit) == (0, 0, 3, None)
        assert rows(kb) == before

    def test_a_picture_of_another_patient_is_refused_and_not_stored_twice(
        self, kb, folder: Path, tmp_path: Path
    ) -> None:
        table(tmp_path / "t.csv", ["image", "patient"], [[f"{one}.png", f"P{one}"] for one in "abc"])
        take(kb, folder / "scans", table=tmp_path / "t.csv")
        (folder / "x.png").write_bytes((folder / "scans/a.png").read_bytes())
        table(tmp_path / "u.csv", ["image", "patient"], [["x.png", "Q"]])
        result = take(kb, folder, table=tmp_path / "u.csv")
        assert (result.new, result.rejected, result.images) == (0, 1, 3)
        reason = kb.rejects()[0]["reason"]
        assert (
            reason
            == "the same picture as a.png, which is stored as one of patient Pa: it is not taken again as one of Q"
        )

    def test_a_placeholder_that_several_patients_have_tells_of_none(self, kb, folder: Path, tmp_path: Path) -> None:
        (folder / "scans/d.png").write_bytes((folder / "scans/a.png").read_bytes())
        (folder / "x.png").write_bytes((folder / "scans/a.png").read_bytes())
        table(tmp_path / "t.csv", ["image", "patient"], [["a.png", "P1"], ["d.png", "P2"]])
        take(kb, folder / "scans", table=tmp_path / "t.csv")
        table(tmp_path / "u.csv", ["image", "patient"], [["x.png", "P3"]])
        result = take(kb, folder, table=tmp_path / "u.csv")
        assert (result.new, result.rejected, result.alike) == (1, 0, 1)

    def test_two_files_of_the_same_pixels_in_one_folder_are_two_images_and_said(self, kb, folder: Path) -> None:
        (folder / "scans/d.png").write_bytes((folder / "scans/a.png").read_bytes())
        result = take(kb, folder)
        assert (result.new, result.alike) == (4, 1)


class TestLabelsThatCameBefore:
    def test_images_take_the_ids_that_labels_have(self, kb, folder: Path, tmp_path: Path) -> None:
        ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na,1\nb,0\n"))
        result = take(kb, folder)
        assert dict(result.resolved) == {"by its folder": 2} or dict(result.resolved) == {"without its ending": 2}
        assert rows(kb).keys() == {"a", "b", "scans/c.png"}
        again = take(kb, folder)
        assert (again.new, again.unchanged, again.images) == (0, 3, 3)

    def test_labels_of_several_files_of_one_name_are_rejected_with_both(self, kb, folder: Path, tmp_path: Path) -> None:
        Brush(2).picture(folder / "more/a.png")
        take(kb, folder)
        result = ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na,1\nb,0\n"))
        assert (result.units, result.units_here, result.rejected) == (1, 1, 1)
        assert kb.rejects()[0]["reason"] == "a may be more/a.png, scans/a.png"


class TestFiles:
    def test_a_table_may_be_packed_json_or_leave_endings_out(self, kb, folder: Path, tmp_path: Path) -> None:
        table(tmp_path / "t.csv.gz", ["image", "patient"], [["a", "1"], ["scans/b", "2.0"]])
        assert take(kb, folder, table=tmp_path / "t.csv.gz").new == 2
        assert rows(kb) == {"a": ("1", None), "scans/b": ("2", None)}
        write(tmp_path / "t.jsonl", '{"image": "c.png", "patient": "p10000032"}')
        assert take(kb, folder, table=tmp_path / "t.jsonl").new == 1
        assert rows(kb)["c.png"] == ("10000032", None)

    def test_a_name_of_several_files_is_refused(self, kb, folder: Path, tmp_path: Path) -> None:
        Brush(2).picture(folder / "more/a.png")
        table(tmp_path / "t.csv", ["image"], [["a"], ["b"]])
        result = take(kb, folder, table=tmp_path / "t.csv")
        assert (result.new, result.rejected) == (1, 1)
        assert kb.rejects()[0]["reason"] == "a may be more/a.png, scans/a.png"
