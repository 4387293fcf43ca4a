"""What a table says beside its labels or scores: kept for each image or study, once, and by the file that says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.labels.choices import Choices
from ingest.labels.labels import LabelResult, ingest_labels
from ingest.labels.predictions import ingest_predictions
from kb.knowledge_base import KnowledgeBase
from tests.support.files import write

WIDE = "image,study_id,patient_id,sex,site,Edema\na,s1,p1, F ,north,1\nb,s2,p2,,south,0\n"


def stored(kb: KnowledgeBase, source: str | None = None) -> set[tuple[str | None, str, str]]:
    """Image (or study), name and value of each row; no row is there twice."""
    rows = [r for r in kb.dataset("attributes").to_table().to_pylist() if source in (None, r["source"])]
    told = {(r["image_id"] or r["study_id"], r["name"], r["value"]) for r in rows}
    assert len(told) == len(rows)
    return told


class TestLayouts:
    def test_a_column_a_label(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = ingest_labels(kb, write(tmp_path / "l.csv", WIDE))
        assert (result.attributes, result.columns_not_used) == (("sex", "site"), ())
        assert (result.to_dict()["attributes"], result.contradictions) == (["sex", "site"], {})
        rows = sorted(kb.dataset("attributes").to_table().to_pylist(), key=lambda r: (r["image_id"], r["name"]))
        assert [tuple(row.values()) for row in rows] == [
            ("a", "s1", "p1", "sex", "F", "l.csv"),
            ("a", "s1", "p1", "site", "north", "l.csv"),
            ("b", "s2", "p2", "site", "south", "l.csv"),
        ]

    def test_a_row_a_label(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "study,label,value,site,age\ns1,Edema,1,north,\ns1,Mass,0,north,63\ns2,Edema,1,south,\ns3,,1,west,1\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert (result.attributes, result.contradictions, result.rejected) == (("site", "age"), {}, 1)
        assert stored(kb) == {("s1", "site", "north"), ("s1", "age", "63"), ("s2", "site", "south")}

    def test_rows_that_contradict_each_other_are_counted(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = ["a,Edema,1,F,north", "a,Mass,0,M,north", "a,Nodule,0,M,north", "b,Mass,1,M,north", "a,Mass,0,x,x"]
        text = "\n".join(["image,label,value,sex,site", *rows])
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert (result.contradictions, result.rejected) == ({"sex": 3, "site": 1}, 0)
        assert stored(kb) == {("a", "sex", "F"), ("a", "site", "north"), ("b", "sex", "M"), ("b", "site", "north")}

    def test_a_column_that_lists_them(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "Image Index,Finding Labels,View Position,Edema\na,Edema|Mass,PA,1\nb,No Finding,AP,0\nc,,PA,0\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert stored(kb) == {("a", "View Position", "PA"), ("b", "View Position", "AP")}
        assert result.columns_not_used == ("Edema",)  # a label again, in another form

    def test_paths_of_chexpert_tell_the_study_and_patient(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = "CheXpert-v1.0/train/patient1/study2/view1_frontal.jpg"
        ingest_labels(kb, write(tmp_path / "l.csv", f"Path,Sex,Frontal/Lateral,Edema\n{path},Male,Frontal,1\n"))
        rows = kb.dataset("attributes").to_table().to_pylist()
        assert {(r["image_id"], r["study_id"], r["patient_id"]) for r in rows} == {
            (path, "patient1/study2", "patient1")
        }
        assert {(r["name"], r["value"]) for r in rows} == {("Sex", "Male"), ("Frontal/Lateral", "Frontal")}

    def test_predictions(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", "image,split,year,Edema\na,test,2001,0.2\nb,val,2002,0.7\n")
        result = ingest_predictions(kb, path, "ours")
        assert (result.attributes, result.to_dict()["attributes"]) == (("split", "year"), ["split", "year"])
        told = {("a", "split", "test"), ("b", "split", "val"), ("a", "year", "2001"), ("b", "year", "2002")}
        assert stored(kb, "p.csv (predictions of ours)") == stored(kb) == told


class TestCells:
    @pytest.mark.parametrize("blank", ["", "  ", "NaN", "null", "n/a"])
    def test_blank_cells_are_no_values(self, kb: KnowledgeBase, tmp_path: Path, blank: str) -> None:
        result = ingest_labels(kb, write(tmp_path / "l.csv", f"image,sex,site,Edema\na,{blank},{blank},1\nb,F,,0\n"))
        assert stored(kb) == {("b", "sex", "F")}
        assert (result.attributes, result.columns_not_used) == (("sex",), ("site",))

    def test_a_column_of_texts_is_kept_unless_one_is_long(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = f"image,place,other,Edema\na,{'n' * 1000},short,1\nb,also,{'r' * 1001},0\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert (result.attributes, result.columns_not_used) == (("place",), ("other",))
        assert stored(kb) == {("a", "place", "n" * 1000), ("b", "place", "also")}

    @pytest.mark.parametrize("name", ["Report", "section_impression", "Findings", "Befund"])
    def test_the_text_of_reports_never_is(self, kb: KnowledgeBase, tmp_path: Path, name: str) -> None:
        told = ["Small effusion on the left, no pneumothorax.", "Heart size is normal and lungs are clear."]
        text = f'image,{name},site,Edema\na,"{told[0]}",north,1\nb,{told[1]},south,0\n'
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert (result.attributes, result.columns_not_used) == (("site",), (name,))

    def test_parquet(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        columns: dict[str, list[Any]] = {
            "image": ["a", "b"],
            "age": [63.0, None],
            "dose": [0.25, float("nan")],
            "taken": [date(2020, 1, 2), None],
            "devices": [["x"], []],
            "Edema": [1, 0],
        }
        pq.write_table(pa.table(columns), tmp_path / "l.parquet")
        result = ingest_labels(kb, tmp_path / "l.parquet")
        assert stored(kb) == {("a", "age", "63"), ("a", "dose", "0.25"), ("a", "taken", "2020-01-02")}
        assert result.columns_not_used == ("devices",)

    def test_json_lines_that_cannot_be_stored(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = [
            {"image": "a", "Edema": 1, "site": "x\0y", "floor": 2, "of": {"x": 1}},
            {"image": "b", "room": "\ud800"},
        ]
        result = ingest_labels(kb, write(tmp_path / "l.jsonl", "\n".join(map(json.dumps, rows))))
        assert (result.attributes, result.columns_not_used) == (("floor",), ("site", "of"))
        assert [reject["position"] for reject in kb.rejects()] == ["line 2"]


class TestWhatIsNoMetadata:
    def test_row_numbers_other_ids_and_other_scores(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = ",Unnamed: 0,image_id,path,score,site,Edema\n0,5,a,f/a.png,0.5,north,1\n1,6,b,f/b.png,0.2,south,0\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text), Choices({"image": "image_id"}))
        assert result.attributes == ("site",)
        assert result.columns_not_used == ("(a column without a name)", "Unnamed: 0", "path", "score")

    def test_labels_that_were_not_asked_for(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,sex,Edema,Mass\na,1,1,0\nb,0,0,1\n")
        result = ingest_labels(kb, path, Choices(labels=("Edema",)))
        assert (result.labels, result.attributes, result.columns_not_used) == (("Edema",), ("sex",), ("Mass",))
        assert stored(kb) == {("a", "sex", "1"), ("b", "sex", "0")}

    def test_scores_that_were_not_asked_for(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", "image,year,Edema,Mass\na,2001,0.1,0.2\nb,2002,0.3,0.4\n")
        result = ingest_predictions(kb, path, "ours", choices=Choices(labels=("Mass",)))
        assert (result.labels, result.attributes, result.columns_not_used) == (("Mass",), ("year",), ("Edema",))

    def test_rows_of_labels_that_were_not_asked_for_tell_too(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image,label,value,sex,Mass\na,Edema,1,F,0\na,Mass,0,F,0\nb,Mass,1,M,1\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text), Choices(labels=("Edema",)))
        assert (result.not_asked, result.columns_not_used) == (2, ("Mass",))
        assert stored(kb) == {("a", "sex", "F"), ("b", "sex", "M")}


class TestAgain:
    def test_the_same_file_changes_nothing_whatever_its_order(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", WIDE)
        first, again = (ingest_labels(kb, path) for _ in range(2))
        head, *rows = WIDE.splitlines()
        turned = ingest_labels(kb, write(path, "\n".join([head, *reversed(rows)])))
        assert [r.stored for r in (first, again, turned)] == ["new", "unchanged", "unchanged"]
        assert (again.commit, turned.commit) == (None, None)
        assert again.attributes == first.attributes

    @pytest.mark.parametrize("into", [ingest_labels, lambda kb, path, **k: ingest_predictions(kb, path, "ours", **k)])
    @pytest.mark.parametrize(
        ("old", "new", "count"),
        [("south", "east", 3), (",sex,", ",gender,", 3), ("p2,,", "p2,F,", 4), ("south", "", 2)],
    )
    def test_changed_metadata_alone_are_a_new_commit(
        self, kb: KnowledgeBase, tmp_path: Path, into: Callable[..., LabelResult], old: str, new: str, count: int
    ) -> None:
        path = write(tmp_path / "l.csv", WIDE)
        into(kb, path)
        before = kb.dataset("predictions").version, kb.dataset("labels").version
        write(path, WIDE.replace(old, new))
        assert into(kb, path, dry_run=True).stored == "replaced"
        changed, again = into(kb, path), into(kb, path)
        assert (changed.stored, again.stored, again.commit) == ("replaced", "unchanged", None)
        assert changed.commit is not None and len(stored(kb)) == count
        assert (kb.dataset("predictions").version, kb.dataset("labels").version) == before

    def test_values_that_change_places_are_a_change(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,sex,Edema\na,F,1\nb,M,0\n")
        ingest_labels(kb, path)
        assert ingest_labels(kb, write(path, "image,sex,Edema\na,M,1\nb,F,0\n")).stored == "replaced"
        assert stored(kb) == {("a", "sex", "M"), ("b", "sex", "F")}

    def test_a_file_replaces_its_own_only(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        ingest_labels(kb, write(tmp_path / "l.csv", WIDE), source="it's mine")
        predictions = write(tmp_path / "p.csv", "image,site,Edema\na,N,0.5\nb,S,0.25\n")
        for run in ("one", "two"):
            ingest_predictions(kb, predictions, run)
        ingest_predictions(kb, write(predictions, "image,Edema\na,0.5\nb,0.25\n"), "two")
        assert stored(kb, "it's mine") == {("a", "sex", "F"), ("a", "site", "north"), ("b", "site", "south")}
        assert stored(kb, "p.csv (predictions of one)") == {("a", "site", "N"), ("b", "site", "S")}
        assert stored(kb, "p.csv (predictions of two)") == set()

    def test_a_file_without_any_value_leaves_what_was_stored(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", "image,site,Edema\na,N,0.5\n")
        ingest_predictions(kb, path, "one")
        result = ingest_predictions(
            kb, write(path, "image,site,Edema\na,X,\n"), "one", choices=Choices(labels=("Edema",))
        )
        assert (result.stored, result.attributes, result.columns_not_used) == ("unchanged", (), ("site",))
        assert stored(kb) == {("a", "site", "N")}

    def test_a_dry_run_writes_nothing(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", WIDE)
        assert ingest_labels(kb, path, dry_run=True).attributes == ("sex", "site")
        assert ingest_predictions(kb, path, "ours", dry_run=True).attributes == ("sex", "site")
        assert stored(kb) == set() and kb.commit.number == 0


@pytest.mark.soak
def test_many_rows_come_in_batches(kb: KnowledgeBase, tmp_path: Path) -> None:
    lines = (f"i{n},{n % 90},{'n' if n % 3 else ''},{n % 2}" for n in range(60_000))
    path = write(tmp_path / "l.csv", "\n".join(["image,age,site,Edema", *lines]))
    assert [ingest_labels(kb, path).stored for _ in range(2)] == ["new", "unchanged"]
    assert kb.dataset("attributes").count_rows() == 100_000


def test_the_command_says_what_was_kept(cli: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "l.csv", "image,label,value,sex,age,note\na,Edema,1,F,63,\na,Mass,0,M,63,\n")
    shown = cli("ingest", "labels", "l.csv", "--kb", "x.kb").stdout
    told = {line.strip().partition("  ")[0]: line.partition("  ")[2].strip() for line in shown.splitlines()}
    assert "sex, age" in told["kept as attributes"] and "sex (1): cells" in told["contradictions"]
    assert "note" in told["columns not used"]
