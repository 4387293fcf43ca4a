"""Label tables as data sets publish them, small and in our own words: what is stored of each, value by value."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.labels.choices import Choices
from ingest.labels.labels import LabelResult, ingest_labels
from ingest.labels.list_cells import read_list
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.files import write


def said(kb: KnowledgeBase, label: str | None = None) -> dict[str, int | None]:
    """What is stored, "image label" to value (or the image alone, of one label)."""
    rows = kb.dataset("labels").to_table().to_pylist()
    found = {f"{r['image_id'] or r['study_id']} {r['label']}": r["value"] for r in rows}
    assert len(found) == len(rows)
    return found if label is None else {k.split(" ")[0]: v for k, v in found.items() if k.endswith(f" {label}")}


def attributes(kb: KnowledgeBase) -> dict[tuple[str, str], str]:
    return {(r["image_id"], r["name"]): r["value"] for r in kb.dataset("attributes").to_table().to_pylist()}


class TestListCells:
    @pytest.mark.parametrize(
        ("cell", "names"),
        [
            ("a|b", ("a", "b")),
            (" a | b |", ("a", "b")),
            ("['a', 'b ']", ("a", "b")),
            ('["a", "b"]', ("a", "b")),
            ("['a' 'b']", ("a", "b")),  # as numpy writes it: Python would join the two
            ("[['a'], ['b', 'a']]", ("a", "b", "a")),
            ("('a',)", ("a",)),
            ("['it''s']", ("it", "s")),
            ('["it\'s", nan]', None),
            ("[]", ()),
            (["a", None, float("nan"), " "], ("a",)),
            ([{"labels": ["a"], "sentence": "s"}, {"sentence": "no b", "abnormal": False}], ("a",)),
            ({"a": 1, "b": 0}, ("a",)),
            ("[chest]", None),
            ("[__import__('os')]", None),
        ],
    )
    def test_a_list_in_whatever_syntax(self, cell: object, names: tuple[str, ...] | None) -> None:
        if names is None:
            with pytest.raises(ValueError, match="is no list that can be read"):
                read_list(cell, "|")
        else:
            found = read_list(cell, "|")
            assert found is not None and found.stated == names

    @pytest.mark.parametrize("cell", ["", "  ", None, float("nan"), "NaN"])
    def test_a_blank_cell_is_no_empty_list(self, cell: object) -> None:
        assert read_list(cell, "|") is None

    @given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8), max_size=5))
    def test_python_and_json_lists_are_read_alike(self, names: list[str]) -> None:
        python, text = read_list(repr(names), "|"), read_list(json.dumps(names), "|")
        assert python == text

    def test_lists_of_a_table(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "ImageID,Labels,Report\na,\"['cardiomegaly', 'nodule ']\",corazon grande\nb,[],sin cambios\nc,,otro\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert result.labels == ("cardiomegaly", "nodule")
        assert said(kb) == {"a cardiomegaly": 1, "a nodule": 1, "b cardiomegaly": 0, "b nodule": 0}
        assert result.rejected == 1 and "lists nothing" in kb.rejects()[0]["reason"]
        assert result.attributes == ()

    def test_a_blank_list_may_be_said_to_be_negative(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Labels\na,nodule\nc,\n")
        assert ingest_labels(kb, path, Choices(blank="negative")).rejected == 0
        assert said(kb) == {"a nodule": 1, "c nodule": 0}

    def test_a_column_of_texts_is_no_list(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = "".join(f"i{n},another sentence number {n}\n" for n in range(2_500))
        with pytest.raises(UsageError, match="names 2,500 different labels"):
            ingest_labels(kb, write(tmp_path / "l.csv", f"image,Labels\n{rows}"))


class TestPositivesOnly:
    TEXT = (
        "image_id,class_name,class_id,x_min,y_min,x_max,y_max\n"
        "A,Nodule,1,10,20,30.5,40\nA,Mass,0,1,2,3,4\nB,No finding,14,,,,\nA,Nodule,1,5,5,9,9\n"
    )

    def test_a_label_a_row_is_united_and_its_boxes_are_kept(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = ingest_labels(kb, write(tmp_path / "l.csv", self.TEXT))
        assert result.layout == "list" and result.rejected == 0
        assert said(kb) == {
            "A Mass": 1,
            "A Nodule": 1,
            "A No finding": 0,
            "B Mass": 0,
            "B Nodule": 0,
            "B No finding": 1,
        }
        assert attributes(kb) == {("A", "boxes: Nodule"): "10 20 30.5 40; 5 5 9 9", ("A", "boxes: Mass"): "1 2 3 4"}

    def test_boxes_of_width_and_height_in_a_broken_header(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Mass,10,20,30,40,,,\nb.png,Nodule,1,1,2,2,,,\n"
        ingest_labels(kb, write(tmp_path / "l.csv", text))
        assert said(kb, "Mass") == {"a.png": 1, "b.png": 0}
        assert attributes(kb)["a.png", "boxes: Mass"] == "10 20 40 60"

    def test_boxes_beside_a_target(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "patientId,x,y,width,height,Target\np,1,2,3,4,1\np,5,6,7,8,1\nq,,,,,0\n"
        choices = Choices({"image": "patientId"}, label="Lung Opacity")
        result = ingest_labels(kb, write(tmp_path / "l.csv", text), choices)
        assert (said(kb), result.rejected) == ({"p Lung Opacity": 1, "q Lung Opacity": 0}, 0)
        assert attributes(kb) == {("p", "boxes: Lung Opacity"): "1 2 4 6; 5 6 12 14"}

    def test_boxes_alone_need_a_name(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,x,y,w,h\na,1,2,3,4\nb,,,,\n")
        with pytest.raises(UsageError, match=r"boxes or masks .* no label: name"):
            ingest_labels(kb, path)
        ingest_labels(kb, path, Choices(label="Mass"))
        assert said(kb) == {"a Mass": 1, "b Mass": 0}

    def test_masks_of_runs(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "ImageId, EncodedPixels\na, -1\nb,557374 2 1015 8\nb,12 3\nc,-1\n"
        ingest_labels(kb, write(tmp_path / "l.csv", text), Choices(label="Pneumothorax"))
        assert said(kb) == {"a Pneumothorax": 0, "b Pneumothorax": 1, "c Pneumothorax": 0}
        with pytest.raises(UsageError, match="'high' is no mask"):
            ingest_labels(kb, write(tmp_path / "m.csv", "ImageId,EncodedPixels\na,high\n"), Choices(label="X"))


class TestJson:
    def test_an_array_of_records_with_findings_in_them(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        there = {"sentence": "There is a nodule.", "labels": ["nodule"], "boxes": [[0.1, 0.2, 0.3, 0.4]]}
        records = [
            {"ImageID": "a", "findings": [there, {"sentence": "No effusion.", "abnormal": False}]},
            {"ImageID": "b", "findings": []},
        ]
        ingest_labels(kb, write(tmp_path / "l.json", json.dumps(records)))
        assert said(kb) == {"a nodule": 1, "b nodule": 0}
        assert attributes(kb) == {("a", "boxes: nodule"): "0.1 0.2 0.3 0.4"}

    def test_names_and_boxes_side_by_side(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        records = [
            {"file_name": "a.png", "syms": ["Mass", "Effusion"], "boxes": [[1, 2, 3, 4], [5, 6, 7, 8]]},
            {"file_name": "b.png", "syms": [], "boxes": []},
        ]
        ingest_labels(kb, write(tmp_path / "l.json", json.dumps(records, indent=1)))
        assert said(kb, "Mass") == {"a.png": 1, "b.png": 0}
        assert attributes(kb) == {("a.png", "boxes: Mass"): "1 2 3 4", ("a.png", "boxes: Effusion"): "5 6 7 8"}

    @pytest.mark.parametrize("indent", [None, 1])
    def test_an_object_of_records(self, kb: KnowledgeBase, tmp_path: Path, indent: int | None) -> None:
        records = {"one": {"image": "a", "Edema": 1}, "two": {"image": "b", "Edema": 0}}
        ingest_labels(kb, write(tmp_path / "l.json", json.dumps(records, indent=indent)))
        assert said(kb) == {"a Edema": 1, "b Edema": 0}

    def test_lines_in_a_file_called_json(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        ingest_labels(kb, write(tmp_path / "l.json", '{"image": "a", "Edema": 1}\n{"image": "b", "Edema": 0}\n'))
        assert said(kb) == {"a Edema": 1, "b Edema": 0}

    def test_a_message_names_the_columns(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"no column of images or studies \(picture, Edema\)"):
            ingest_labels(kb, write(tmp_path / "l.json", '[{"picture": "a", "Edema": 1}]'))

    @pytest.mark.parametrize("text", ['[{"image": "a", "Edema": 1}, {"image"', "[1, 2]", "[]"])
    def test_what_is_broken_or_holds_no_records_is_told(self, kb: KnowledgeBase, tmp_path: Path, text: str) -> None:
        with pytest.raises(ClearKbError, match="JSON"):
            ingest_labels(kb, write(tmp_path / "l.json", text))
        assert kb.dataset("labels").count_rows() == 0


def test_a_compressed_table_is_read_as_the_plain_one(kb: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "l.csv.gz").write_bytes(gzip.compress(b"image,Edema\na,1\nb,0\n"))
    ingest_labels(kb, tmp_path / "l.csv.gz")
    assert said(kb) == {"a Edema": 1, "b Edema": 0}


class TestBlanksAndDoubts:
    TEXT = "image,Edema,Mass\na,1,\nb,-1,0\nc,,-1.0\n"

    @pytest.mark.parametrize(
        ("blank", "uncertain", "edema", "mass"),
        [
            ("unknown", "unknown", (1, None, None), (None, 0, None)),
            ("negative", "unknown", (1, None, 0), (0, 0, None)),
            ("unknown", "positive", (1, 1, None), (None, 0, 1)),
            ("negative", "negative", (1, 0, 0), (0, 0, 0)),
        ],
    )
    def test_are_what_the_user_says(
        self, kb: KnowledgeBase, tmp_path: Path, blank: str, uncertain: str, edema: tuple[int], mass: tuple[int]
    ) -> None:
        choices = Choices(blank=blank, uncertain=uncertain)  # type: ignore[arg-type]
        result = ingest_labels(kb, write(tmp_path / "l.csv", self.TEXT), choices)
        assert (tuple(said(kb, "Edema").values()), tuple(said(kb, "Mass").values())) == (edema, mass)
        assert (result.blanks, result.doubts) == (2, 2)
        (policy,) = kb.dataset("label_sources").to_table().to_pylist()
        assert (policy["source"], policy["blank"], policy["uncertain"]) == ("l.csv", blank, uncertain)
        assert (policy["blanks"], policy["doubts"]) == (2, 2)

    def test_another_policy_is_a_change_and_the_same_is_none(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Edema\na,1\nb,0\n")
        stored = [ingest_labels(kb, path, Choices(blank=b)).stored for b in ("unknown", "negative", "negative")]  # type: ignore[arg-type]
        assert stored == ["new", "replaced", "unchanged"]

    def test_a_known_label_that_is_blank_throughout_is_negative_where_blanks_are(
        self, kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "l.csv", "image,Edema,Mass,other\na,1,,\nb,0,,\n")
        assert ingest_labels(kb, path).labels == ("Edema",)
        assert ingest_labels(kb, path, Choices(blank="negative")).labels == ("Edema", "Mass")
        assert said(kb, "Mass") == {"a": 0, "b": 0}

    def test_a_blank_says_nothing_where_another_row_does(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Edema\na,\na,1\n")
        ingest_labels(kb, path, Choices(blank="negative"))
        assert said(kb) == {"a Edema": 1}


class TestReaders:
    TEXT = "image_id,rad_id,Nodule,Mass\nA,R1,1,0\nA,R2,1,1\nA,R3,0,0\nB,R1,1,1\nB,R2,0,\nB,R3,,-1\n"

    def ingest(self, kb: KnowledgeBase, tmp_path: Path, **choices: object) -> LabelResult:
        return ingest_labels(kb, write(tmp_path / "l.csv", self.TEXT), Choices(**choices))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("rule", "truth", "ties"),
        [
            ("majority", {"A Nodule": 1, "A Mass": 0, "B Nodule": None, "B Mass": 1}, 1),
            ("any", {"A Nodule": 1, "A Mass": 1, "B Nodule": 1, "B Mass": 1}, 0),
            ("all", {"A Nodule": 0, "A Mass": 0, "B Nodule": 0, "B Mass": 1}, 0),
            ("first", {"A Nodule": 1, "A Mass": 0, "B Nodule": 1, "B Mass": 1}, 0),
        ],
    )
    def test_come_to_what_the_rule_says(
        self, kb: KnowledgeBase, tmp_path: Path, rule: str, truth: dict[str, int | None], ties: int
    ) -> None:
        result = self.ingest(kb, tmp_path, consensus=rule)
        assert said(kb) == truth
        assert (result.readers, result.readings, result.ties) == (("R1", "R2", "R3"), 12, ties)
        rows = kb.dataset("readings").to_table().to_pylist()
        told = {(r["image_id"], r["reader"], r["label"]): r["value"] for r in rows}
        assert told["A", "R3", "Nodule"] == 0 and told["B", "R2", "Mass"] is None and len(rows) == 12
        (policy,) = kb.dataset("label_sources").to_table().to_pylist()
        assert (policy["consensus"], policy["readers"], policy["ties"]) == (rule, 3, ties)

    def test_are_refused_without_one(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"column 'rad_id'.*in 4 places.*majority, any, all or first"):
            self.ingest(kb, tmp_path)
        with pytest.raises(UsageError, match="no column 'eye' of readers"):
            self.ingest(kb, tmp_path, readers="eye", consensus="any")

    def test_a_rule_without_readers_is_told(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no column of readers"):
            ingest_labels(kb, write(tmp_path / "l.csv", "image,Edema\na,1\n"), Choices(consensus="any"))

    def test_lists_of_readers_are_negative_for_what_a_reader_does_not_list(
        self, kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        text = "image_id,class_name,rad_id\nA,Nodule,1\nA,Mass,1\nA,Nodule,2\nA,No finding,3\nB,Mass,1\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text), Choices(consensus="majority"))
        assert said(kb) == {
            "A Nodule": 1,
            "A Mass": 0,
            "A No finding": 0,
            "B Nodule": 0,
            "B Mass": 1,
            "B No finding": 0,
        }
        assert result.readings == 12

    @given(votes=st.lists(st.sampled_from([0, 1, None]), min_size=1, max_size=7))
    def test_a_majority_is_more_than_half_of_those_who_say_something(self, votes: list[int | None]) -> None:
        import numpy as np

        from ingest.labels.consensus import agree
        from ingest.labels.values import joined

        at = np.arange(len(votes), dtype=np.int32)
        value = np.array([np.nan if vote is None else vote for vote in votes])
        zeros = np.zeros(len(votes), np.int32)
        one = type(joined([]))(unit=zeros, label=zeros, value=value, blank=np.isnan(value), row=at, reader=at)
        found, ties = agree(one, "majority")
        yes, no = votes.count(1), votes.count(0)
        expected = 1 if yes > no else 0 if no > yes else None
        assert (None if np.isnan(found.value[0]) else found.value[0]) == expected and len(found) == 1
        assert ties == (yes == no > 0)

    def test_readings_go_where_the_file_keeps_none_any_more(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        self.ingest(kb, tmp_path, consensus="any")
        path = write(tmp_path / "l.csv", "image_id,Nodule\nA,1\nB,0\n")
        assert ingest_labels(kb, path).stored == "replaced"
        assert kb.dataset("readings").count_rows() == 0 and said(kb) == {"A Nodule": 1, "B Nodule": 0}

    def test_a_file_of_one_reader_makes_no_labels(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        for reader, value in (("bea", 1), ("cem", 0)):
            path = write(tmp_path / f"{reader}.csv", f"image,Edema\na,{value}\nb,1\n")
            result = ingest_labels(kb, path, Choices(reader=reader), source="readers")
            assert (result.stored, result.readings, result.of_one_reader) == ("new", 2, True)
            assert ingest_labels(kb, path, Choices(reader=reader), source="readers").stored == "unchanged"
        assert kb.dataset("labels").count_rows() == 0
        rows = kb.dataset("readings").to_table().to_pylist()
        assert {(r["reader"], r["image_id"], r["value"]) for r in rows} == {
            *(("bea", "a", 1), ("bea", "b", 1)),
            *(("cem", "a", 0), ("cem", "b", 1)),
        }


def test_a_column_called_image_that_names_the_kind_of_picture_is_no_id(kb: KnowledgeBase, tmp_path: Path) -> None:
    text = "uid,Problems,image\n1,a;b,Chest PA\n2,b,Chest PA\n3,c,Chest AP\n"
    choices = Choices({"study": "uid", "labels": "Problems"}, split_on=";")
    result = ingest_labels(kb, write(tmp_path / "l.csv", text), choices)
    assert (result.rejected, result.units, said(kb, "b")) == (0, 3, {"1": 1, "2": 1, "3": 0})


class TestNames:
    def test_a_named_list_takes_its_labels_in_the_files_spelling(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image,Effusion,Cardiomegaly,Edema,Consolidation,Mass\na,1,0,0,0,1\n"
        result = ingest_labels(kb, write(tmp_path / "l.csv", text), Choices(labels=("chexpert5",)))
        assert result.labels == ("Effusion", "Cardiomegaly", "Edema", "Consolidation")
        assert result.missing == ("Atelectasis",)
        with pytest.raises(UsageError, match="has no label"):
            ingest_labels(kb, write(tmp_path / "m.csv", "image,Mass\na,1\n"), Choices(labels=("chexpert5",)))

    def test_labels_of_one_file_that_mean_one_finding_are_told(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Edema,Pulmonary edema,Mass,Nodule\na,1,0,0,1\n")
        assert ingest_labels(kb, path).alike == ("Edema = Pulmonary edema",)

    def test_what_no_finding_is_known_by_is_named(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "l.csv", "image,Effusion,Zorbing,Kerley lines\na,1,0,0\n")
        assert "Zorbing" in ingest_labels(kb, path).unmapped and "Effusion" not in ingest_labels(kb, path).unmapped
        table = write(tmp_path / "names.tsv", "label\tnames\tfindings\nseptal lines\tZorbing\tseptal lines\n")
        result = ingest_labels(kb, path, Choices(label_table=table))
        assert "Zorbing" not in result.unmapped and result.commit is not None
        (row,) = kb.dataset("label_names").to_table().to_pylist()
        assert (row["label"], row["names"]) == ("septal lines", ["Zorbing"])
        assert ingest_labels(kb, path, Choices(label_table=table)).commit is None
