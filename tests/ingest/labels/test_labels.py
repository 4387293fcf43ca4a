"""Labels in: every layout, every spelling of a value, and nothing dropped in silence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.labels.cell_values import label_value, score_value
from ingest.labels.choices import Choices
from ingest.labels.label_tables import read_label_table
from ingest.labels.labels import ingest_labels
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.files import write
from tests.support.paths import SHARED

WIDE = "Study,Sex,Age,Edema,Mass,Score\nCheXpert-v1.0/test/patient7/study1,0,1,1.0,,0.3\ns2,1,63,0,-1,0.2\n"


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
        study = "patient7/study1"
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
        assert stored(kb) == [(path, "patient1/study2", "patient1", "Edema", 1)]


def ingested(kb: KnowledgeBase, tmp_path: Path, text: str, choices: Choices | None = None) -> dict[str, int | None]:
    """What a table comes to, "image label" to value."""
    ingest_labels(kb, write(tmp_path / "l.csv", text), choices)
    return {f"{image or study} {label}": value for image, study, _, label, value in stored(kb)}


LISTED = Choices({"labels": "class_name"})


class TestSeveralRowsOfAnImage:
    def test_those_that_list_what_is_there_are_united(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image_id,class_name,x_min\nA,Nodule,1\nB,No finding,\nA,Mass,7\nA,Nodule,9\n"
        assert ingested(kb, tmp_path, text, LISTED) == {
            "A Mass": 1,
            "A Nodule": 1,
            "A No finding": 0,
            "B Mass": 0,
            "B Nodule": 0,
            "B No finding": 1,
        }
        assert kb.rejects() == []

    @settings(deadline=None, max_examples=25)
    @given(rows=st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("xyz")), min_size=1, max_size=12))
    def test_whatever_any_row_lists_is_never_0(self, rows: list[tuple[str, str]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            text = "image_id,class_name\n" + "".join(f"{image},{name}\n" for image, name in rows)
            table = read_label_table(write(Path(folder) / "l.csv", text), "value", LISTED)
        told = {(unit[0], name): value for unit, name, value in table.told()}
        images, names = {image for image, _ in rows}, {name for _, name in rows}
        assert told == {(image, name): int((image, name) in rows) for image in images for name in names}
        assert len(table) == len(told)

    def test_one_label_in_two_spellings_is_one(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image_id,class_name\nA,Pleural_Effusion\nB,pleural effusion\n"
        assert ingested(kb, tmp_path, text, LISTED) == {"A Pleural_Effusion": 1, "B Pleural_Effusion": 1}

    def test_no_finding_beside_a_finding_is_refused_and_beside_a_device_is_not(
        self, kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        text = "image_id,class_name\nA,Nodule\nA,No finding\nB,No finding\nB,Support Devices\nC,Nodule\n"
        said = ingested(kb, tmp_path, text, LISTED)
        assert {name.split()[0] for name in said} == {"B", "C"}
        assert said["B No finding"] == said["B Support Devices"] == 1
        assert [row["reason"] for row in kb.rejects()] == [
            "image A has No finding in row 2 (line 3), and Nodule in row 1 (line 2): none of its labels is kept"
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "image,label,value\na,Edema,1\na,Edema,1\na,Mass,0\nb,Edema,\nb,Edema,0\n",
            "image,Edema,Mass\na,1,\na,,0\nb,0,\nb,0,\n",
        ],
    )
    def test_equal_ones_and_those_that_complete_each_other_are_one(
        self, kb: KnowledgeBase, tmp_path: Path, text: str
    ) -> None:
        said = ingested(kb, tmp_path, text)
        assert {name: value for name, value in said.items() if value is not None} == {
            "a Edema": 1,
            "a Mass": 0,
            "b Edema": 0,
        }
        assert kb.rejects() == []

    @pytest.mark.parametrize(("one", "other"), [("1", "0"), ("0", "1"), ("1", "-1"), ("-1", "0")])
    @pytest.mark.parametrize("layout", ["image,label,value\n{},Edema,{}\nb,Mass,1\n{},Edema,{}\n", "wide"])
    def test_those_that_contradict_each_other_leave_neither(
        self, kb: KnowledgeBase, tmp_path: Path, layout: str, one: str, other: str
    ) -> None:
        if layout == "wide":
            layout = "image,Edema,Mass\n{},{},\nb,,1\n{},{},\n"
        said = ingested(kb, tmp_path, layout.format("a", one, "a", other))
        assert "a Edema" not in said and said["b Mass"] == 1
        (reject,) = kb.rejects()
        assert reject["reason"].startswith("Edema of image a is ")
        assert "row 1 (line 2)" in reject["reason"] and "row 3 (line 4)" in reject["reason"]

    @pytest.mark.parametrize(
        "text",
        [
            "image_id,class_name,rad_id\nA,Nodule,R1\nA,Mass,R1\nA,Nodule,R2\nB,Mass,R1\nB,Mass,R2\n",
            "image_id,rad_id,Nodule,Mass\nA,R1,1,1\nA,R2,1,0\nB,R1,0,1\nB,R2,0,1\n",
            "image,reader,label,value\nA,R1,Mass,1\nA,R2,Mass,0\nB,R1,Mass,1\nB,R2,Mass,1\n",
        ],
    )
    def test_readers_who_disagree_are_refused_as_nothing_says_whom_to_believe(
        self, kb: KnowledgeBase, tmp_path: Path, text: str
    ) -> None:
        choices = LISTED if "class_name" in text else Choices()
        message = r"contradict each other in 1 places \(first: Mass of image A is .*majority, any, all or first"
        with pytest.raises(UsageError, match=message):
            ingested(kb, tmp_path, text, choices)
        assert kb.dataset("labels").count_rows() == 0

    def test_readers_who_agree_are_taken(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image_id,class_name,rad_id\nA,Nodule,1\nA,Mass,1\nA,Mass,0\nA,Nodule,0\nB,Mass,1\n"
        said = ingested(kb, tmp_path, text, LISTED)
        assert said == {"A Nodule": 1, "A Mass": 1, "B Nodule": 0, "B Mass": 1}

    def test_an_image_of_two_patients_is_refused(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image,patient,label,value,site\na,p1,Edema,1,x\na,p2,Mass,0,x\nb,,Edema,0,x\nb,p2,Mass,0,x\n"
        ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert stored(kb) == [("b", None, "p2", "Edema", 0), ("b", None, "p2", "Mass", 0)]
        told = {(r["image_id"], r["patient_id"]) for r in kb.dataset("attributes").to_table().to_pylist()}
        assert told == {("b", "p2")}
        (reject,) = kb.rejects()
        assert "image a is of patient p1 in row 1 (line 2), of patient p2 in row 2 (line 3)" in reject["reason"]

    def test_one_study_id_of_two_patients_is_two_studies(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "study,patient,Edema,Mass\ns1,p1,1,1\ns1,p2,0,1\ns1,,1,1\n"
        ingest_labels(kb, write(tmp_path / "l.csv", text))
        edema = [row for row in stored(kb) if row[3] == "Edema"]
        assert edema == [(None, "s1", "p1", "Edema", 1), (None, "s1", "p2", "Edema", 0)]
        assert "labels of no patient are not kept" in kb.rejects()[0]["reason"]


class TestRejects:
    def test_a_few_odd_cells_cost_themselves_and_no_more(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        lines = ["image,Edema,Mass", *(f"i{n},{n % 2},1" for n in range(40)), "x,maybe,1", ",1,1", "i3,0,0", "y,1"]
        result = ingest_labels(kb, write(tmp_path / "l.csv", "\n".join(lines)))
        assert (result.read, result.rejected, result.values) == (44, 5, 79)
        reasons = {r["position"]: r["reason"] for r in kb.rejects()}
        assert "'maybe' is no label value" in reasons["row 41 (line 42), column 'Edema'"]
        assert "no image and no study" in reasons["row 42 (line 43)"]
        assert reasons["row 4 (line 5), column 'Edema'"] == (
            "Edema of image i3 is 1 in row 4 (line 5), 0 in row 43 (line 44): none of them is kept"
        )
        assert "2 fields, and the header has 3" in reasons["row 44 (line 45)"]

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
        with pytest.raises(UsageError, match="name the source"):
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
