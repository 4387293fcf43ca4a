"""Labels in: every layout, every spelling of a value, and nothing dropped in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.label_cells import label_value, score_value
from ingest.label_tables import Choices
from ingest.labels import ingest_labels
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.conftest import SHARED

WIDE = "Study,Sex,Age,Edema,Mass,Score\nCheXpert-v1.0/test/patient7/study1,0,1,1.0,,0.3\ns2,1,63,0,-1,0.2\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def stored(kb: KnowledgeBase) -> list[tuple[str | None, str | None, str | None, str, int | None]]:
    rows = kb.dataset("labels").to_table().to_pylist()
    return sorted(
        ((r["image_id"], r["study_id"], r["patient_id"], r["label"], r["value"]) for r in rows), key=lambda r: str(r)
    )


class TestCells:
    @pytest.mark.parametrize("cell", [1, 1.0, True, "1", "1.0", " yes ", "TRUE", "1.00"])
    def test_yes(self, cell: object) -> None:
        assert label_value(cell) == 1

    @pytest.mark.parametrize("cell", [0, 0.0, False, "0", "0.0", "No", "false"])
    def test_no(self, cell: object) -> None:
        assert label_value(cell) == 0

    @pytest.mark.parametrize("cell", [None, "", " ", float("nan"), "NaN", -1, -1.0, "-1.0", "unknown", "Uncertain"])
    def test_unknown(self, cell: object) -> None:
        assert label_value(cell) is None

    @pytest.mark.parametrize("cell", ["2", "maybe", 0.5, "M", b"1", [1]])
    def test_anything_else_is_told(self, cell: object) -> None:
        with pytest.raises(ValueError, match="is no label value"):
            label_value(cell)

    @pytest.mark.parametrize("cell", ["high", "inf", True, [0.3]])
    def test_what_is_no_score(self, cell: object) -> None:
        with pytest.raises(ValueError, match="is no score"):
            score_value(cell)


class TestLayouts:
    def test_a_column_a_label(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = ingest_labels(kb, write(tmp_path / "l.csv", WIDE), by="ada")
        assert (result.labels, result.columns_not_used) == (("Edema", "Mass"), ("Score",))
        assert (result.positive, result.negative, result.unknown, result.rejected) == (1, 1, 2, 0)
        study = "CheXpert-v1.0/test/patient7/study1"
        assert stored(kb) == [
            (None, study, "patient7", "Edema", 1),
            (None, study, "patient7", "Mass", None),
            (None, "s2", None, "Edema", 0),
            (None, "s2", None, "Mass", None),
        ]

    def test_a_row_a_label(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image_id\tpatient_id\tlabel\tvalue\na\t1\tEdema\tyes\na\t1\tMass\t\nb\t2\tEdema\t0\nb\t2\t\t1\n"
        result = ingest_labels(kb, write(tmp_path / "l.tsv", text))
        assert stored(kb) == [
            ("a", None, "1", "Edema", 1),
            ("a", None, "1", "Mass", None),
            ("b", None, "2", "Edema", 0),
        ]
        assert result.rejected == 1 and "names no label" in kb.rejects()[0]["reason"]

    def test_a_column_that_lists_them(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "Image Index,Finding Labels\na.png,Edema|Mass\nb.png,No Finding\nc.png,\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert result.labels == ("Edema", "Mass", "No Finding")
        assert {(image, label): value for image, _, _, label, value in stored(kb)} == {
            ("a.png", "Edema"): 1,
            ("a.png", "Mass"): 1,
            ("a.png", "No Finding"): 0,
            ("b.png", "Edema"): 0,
            ("b.png", "Mass"): 0,
            ("b.png", "No Finding"): 1,
        }
        assert result.rejected == 1 and "lists nothing" in kb.rejects()[0]["reason"]

    def test_another_sign_between_and_another_column(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,finding\na,x;y\nb,y\n")
        ingest_labels(kb, path, Choices({"labels": "finding"}, split_on=";", rename={"x": "ex"}, labels=("x",)))
        assert stored(kb) == [("a", None, None, "ex", 1), ("b", None, None, "ex", 0)]

    def test_json_lines_and_parquet(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = [{"image": "a", "Edema": True, "Mass": None}, {"image": "b", "Edema": False, "Mass": 1}]
        write(tmp_path / "l.jsonl", "\n".join(map(json.dumps, rows)))
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "l.parquet")
        said = []
        for name in ("l.jsonl", "l.parquet"):
            fresh = KnowledgeBase.create(tmp_path / f"{name}.kb")
            ingest_labels(fresh, tmp_path / name)
            said.append(stored(fresh))
        assert said[0] == said[1] and len(said[0]) == 4

    def test_images_of_chexpert_tell_their_study_and_patient(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = "CheXpert-v1.0/train/patient1/study2/view1_frontal.jpg"
        ingest_labels(kb, write(tmp_path / "l.csv", f"Path,Edema\n{path},1\n"))
        assert stored(kb) == [(path, "CheXpert-v1.0/train/patient1/study2", "patient1", "Edema", 1)]


class TestRejects:
    def test_a_few_odd_cells_cost_themselves_and_no_more(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        lines = ["image,Edema,Mass", *(f"i{n},{n % 2},1" for n in range(40)), "x,maybe,1", ",1,1", "i3,0,0", "y,1"]
        result = ingest_labels(kb, write(tmp_path / "l.csv", "\n".join(lines)))
        assert (result.read, result.rejected, result.values) == (44, 4, 81)
        reasons = {r["position"]: r["reason"] for r in kb.rejects()}
        assert "'maybe' is no label value" in reasons["row 41 (line 42), column 'Edema'"]
        assert "no image and no study" in reasons["row 42 (line 43)"]
        assert "image i3 was met before (row 4 (line 5))" in reasons["row 43 (line 44)"]
        assert "2 fields where the header has 3" in reasons["row 44 (line 45)"]

    @pytest.mark.parametrize(
        ("text", "choices", "message"),
        [
            ("a,Edema\n1,1\n", Choices(), "no column of images or studies"),
            ("image,Sex\n1,1\n", Choices(), "no column of .* holds labels"),
            ("image,Edema\n1,1\n", Choices(labels=("Mass",)), "no label 'Mass'"),
            ("image,Edema\n1,1\n", Choices({"eye": "Edema"}), "choose one of image"),
            ("image,Edema\n1,1\n", Choices({"image": "nope"}), "no column 'nope'"),
            ("image,Edema,Edema\n1,1,1\n", Choices(), "two columns named Edema"),
            ("image,Edema,Mass\n1,1,1\n", Choices(rename={"Edema": "Mass"}), "would both be named 'Mass'"),
            ("image,Edema\n1,1\n", Choices(rename={"Nope": "Mass"}), "there is no such label"),
        ],
    )
    def test_wrong_usage_is_told(
        self, kb: KnowledgeBase, tmp_path: Path, text: str, choices: Choices, message: str
    ) -> None:
        with pytest.raises(UsageError, match=message):
            ingest_labels(kb, write(tmp_path / "l.csv", text), choices)

    def test_no_file_and_no_table(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no file"):
            ingest_labels(kb, tmp_path / "none.csv")
        with pytest.raises(ClearKbError, match="not a Parquet file"):
            ingest_labels(kb, write(tmp_path / "l.parquet", "PAR1 of sorts"))
        with pytest.raises(ClearKbError, match="empty"):
            ingest_labels(kb, write(tmp_path / "e.csv", ""))


class TestAgain:
    def test_the_same_file_changes_nothing_and_another_replaces_its_own(
        self, kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        other = ingest_labels(kb, write(tmp_path / "other.csv", "image,Edema\na,1\n"))
        first = ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na,1\nb,0\n"))
        again = ingest_labels(kb, tmp_path / "l.csv")
        assert (other.stored, first.stored, again.stored, again.commit) == ("new", "new", "unchanged", None)
        changed = ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na,0\n"))
        assert changed.stored == "replaced" and changed.commit is not None
        rows = kb.dataset("labels").to_table().to_pylist()
        assert {(r["source"], r["image_id"], r["value"]) for r in rows} == {("other.csv", "a", 1), ("l.csv", "a", 0)}

    def test_another_file_of_the_same_name_does_not_wipe_it_out(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na,1\n"))
        path = write(tmp_path / "l.csv", "image,Edema\nz,1\n")
        with pytest.raises(UsageError, match="--source NAME"):
            ingest_labels(kb, path)
        ingest_labels(kb, path, source="second")
        assert kb.dataset("labels").count_rows() == 2

    def test_a_dry_run_says_what_would_happen(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Edema\na,1\n")
        assert ingest_labels(kb, path, dry_run=True).stored == "new"
        assert kb.dataset("labels").count_rows() == 0
        ingest_labels(kb, path)
        assert ingest_labels(kb, path, dry_run=True).stored == "unchanged"


def test_nih_labels(kb: KnowledgeBase) -> None:
    path = SHARED / "data" / "nih" / "labels.csv"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    result = ingest_labels(kb, path)
    assert (result.read, len(result.labels), result.rejected) == (708, 15, 0)
    assert (result.positive, result.negative) == (1133, 708 * 15 - 1133)
    assert (result.attributes, result.columns_not_used) == (("age", "sex", "view"), ())
    assert kb.dataset("attributes").count_rows(filter="name = 'view'") == 708


def test_it_says_how_many_of_its_images_and_studies_are_here(kb: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("image,study,label,value\na.png,,Edema,1\n,s1,Edema,0\n,s2,Edema,0\n")
    result = ingest_labels(kb, tmp_path / "l.csv")
    assert (result.units, result.units_here) == (3, 0)
