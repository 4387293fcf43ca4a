"""One JSON document as a source of reports: an array of objects, or an object of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ingest.report import Reject, Report, Section
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError

RECORDS = [
    {"id": "a", "study_id": "s1", "Findings": "Small effusion.", "images": ["x.png"]},
    {"id": "b", "study_id": "s2", "Findings": "Clear.", "Impression": "Normal."},
    {"id": "c", "study_id": "s3"},
]


def read(path: Path, text: str, **options: object) -> list[Report | Reject]:
    path.write_text(text, encoding="utf-8")
    return list(open_source(path, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_objects_is_a_report_each(tmp_path: Path, indent: int | None) -> None:
    first, second, third = read(tmp_path / "r.json", json.dumps(RECORDS, indent=indent))
    assert first == Report("a", (Section("findings", "Small effusion."),), "record 1", "s1", None)
    assert isinstance(second, Report) and [section.name for section in second.sections] == ["findings", "impression"]
    assert third == Reject("record 3", "no text", "c")


def test_an_object_of_objects_names_its_records(tmp_path: Path) -> None:
    told = {f"p{n}": {"StudyInstanceUid": f"1.2.{n}", "Findings": "Clear."} for n in range(3)}
    columns = {"id": "key", "study": "StudyInstanceUid"}
    found = read(tmp_path / "r.json", json.dumps(told), mapping=columns)
    assert [(one.report_id, one.study_id) for one in found if isinstance(one, Report)] == [
        (f"p{n}", f"1.2.{n}") for n in range(3)
    ]


def test_it_is_read_compressed(tmp_path: Path) -> None:
    (tmp_path / "r.json.gz").write_bytes(gzip.compress(json.dumps(RECORDS).encode()))
    assert len(list(open_source(tmp_path / "r.json.gz"))) == 3


def test_a_message_names_the_columns_and_not_the_first_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has the columns a, b"):
        read(tmp_path / "r.json", '[{"a": 1, "b": 2}]')


def test_what_is_cut_short_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClearKbError, match="after record 2"):
        read(tmp_path / "r.json", json.dumps(RECORDS)[:-20])
