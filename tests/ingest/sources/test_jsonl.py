"""JSON Lines as a source: objects with differing keys, values that are no text, lines that are no objects."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import Reject, Report, Section
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError

GOOD = b'{"id": 1, "findings": "a"}\n'


def read(folder: Path, data: bytes, name: str = "reports.jsonl", **options: object) -> list[Report | Reject]:
    path = folder / name
    path.write_bytes(data)
    return list(open_source(path, **options))  # type: ignore[arg-type]


def test_an_object_becomes_a_report(tmp_path: Path) -> None:
    data = b'\n{"study_id": 5, "subject_id": "p", "report": "FINDINGS: a"}\n'
    [report] = read(tmp_path, data)
    assert report == Report("5", (Section("findings", " a"),), "line 2", "5", "p")
    assert read(tmp_path, gzip.compress(data), "r.jsonl.gz") == [report]
    assert read(tmp_path, data, "r.json") == [report]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"id": 2, "findings": "b"', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": ' + b"9" * 5_000 + b', "findings": "b"}', "not JSON"),
        (b'{"findings": "b"}', "no report id in column 'id'"),
        (b'{"id": null, "findings": "b"}', "no report id in column 'id'"),
        (b'{"id": [2], "findings": "b"}', "column 'id' holds a list, not an id"),
        (b'{"id": true, "findings": "b"}', "column 'id' holds true or false, not an id"),
        (b'{"id": 2, "findings": ["b"]}', "column 'findings' holds a list, not text"),
        (b'{"id": 2, "findings": {"b": 1}}', "column 'findings' holds an object, not text"),
        (b'{"id": 2, "findings": 3}', "column 'findings' holds a number, not text"),
        (b'{"id": 2, "findings": null}', "no text"),
        (b'{"id": 2, "findings": NaN}', "no text"),
        (b'{"id": 2}', "no text"),
        (b'{"id": 2, "findings": "\\u0000"}', "NUL byte"),
        (b'{"id": 2, "findings": "x", "findings": "y"}', "the name 'findings' stands twice"),
        (b'{"id": 2, "findings": "\\ud800"}', "half a surrogate pair"),
        (b'{"id": 2, "findings": "caf\xe9"}', "not utf-8: byte 0xe9"),
    ],
)
def test_a_bad_line_is_told_and_the_others_are_taken(tmp_path: Path, line: bytes, reason: str) -> None:
    items = read(tmp_path, GOOD + line + b"\n" + GOOD.replace(b"1", b"3"))
    assert [item.report_id for item in items if isinstance(item, Report)] == ["1", "3"]
    [reject] = [item for item in items if isinstance(item, Reject)]
    assert reject.position == "line 2"
    assert reason in reject.reason


def test_keys_may_differ_from_one_object_to_the_next(tmp_path: Path) -> None:
    data = GOOD + b'{"impression": "b", "id": 2, "age": 3}\n'
    path = tmp_path / "r.jsonl"
    path.write_bytes(data)
    source = open_source(path)
    assert source.unused_columns == ("age",)
    assert [[s.name for s in item.sections] for item in source if isinstance(item, Report)] == [
        ["findings"],
        ["impression"],
    ]


def test_a_section_may_come_late(tmp_path: Path) -> None:
    items = read(tmp_path, GOOD * 150 + b'{"id": 2, "findings": "b", "impression": "c", "uid": "z"}\n')
    late = items[-1]
    assert isinstance(late, Report)
    assert (late.report_id, [s.name for s in late.sections]) == ("2", ["findings", "impression"])


@pytest.mark.parametrize(("data", "hint"), [(b'[{"id": 1, "findings": "a"}]\n', "jq"), (b"hello\n", "JSON Lines")])
def test_a_file_without_objects(tmp_path: Path, data: bytes, hint: str) -> None:
    with pytest.raises(ClearKbError, match=hint):
        read(tmp_path, data)


def test_an_empty_file_and_one_without_the_columns(tmp_path: Path) -> None:
    for data in (b"", b"\n \n"):
        with pytest.raises(ClearKbError, match="is empty"):
            read(tmp_path, data)
    with pytest.raises(UsageError, match=r"has the columns id, colour; name it in columns as 'text'"):
        read(tmp_path, b'{"id": 1, "colour": "red"}\n')


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(str.strip), st.booleans())
def test_any_text_comes_back_as_it_was_written(text: str, ascii_only: bool) -> None:
    data = json.dumps({"id": "a", "findings": text}, ensure_ascii=ascii_only).encode()
    with tempfile.TemporaryDirectory() as folder:
        [report] = read(Path(folder), data)
    assert isinstance(report, Report)
    assert report.sections == (Section("findings", text),)
