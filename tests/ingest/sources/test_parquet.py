"""Parquet as a source: types, nulls, and files that are damaged or none."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.report import Reject, Report, Section
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError


def write(folder: Path, table: pa.Table, **options: object) -> Path:
    path = folder / "reports.parquet"
    pq.write_table(table, path, **options)
    return path


def test_numbers_serve_as_ids_and_nulls_are_told(tmp_path: Path) -> None:
    table = pa.table(
        {"id": pa.array([1, None, 3, 4]), "findings": ["a", "b", None, " d\n"], "subject_id": [1.0, 2, 3, None]}
    )
    source = open_source(write(tmp_path, table))
    assert list(source) == [
        Report("1", (Section("findings", "a"),), "row 1", None, "1"),
        Reject("row 2", "no report id in column 'id'"),
        Reject("row 3", "no text", "3"),
        Report("4", (Section("findings", " d\n"),), "row 4"),
    ]
    assert (source.done, source.size) == (4, 4)
    assert list(source) == list(source)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()])
def test_texts_of_other_types(tmp_path: Path, kind: pa.DataType) -> None:
    values = [b"a", "ö".encode()] if kind == pa.binary() else ["a", "ö"]
    column = pa.array(values).cast(kind) if pa.types.is_dictionary(kind) else pa.array(values, kind)
    items = list(open_source(write(tmp_path, pa.table({"id": column, "findings": column}))))
    assert [(item.report_id, item.sections[0].text) for item in items if isinstance(item, Report)] == [
        ("a", "a"),
        ("ö", "ö"),
    ]


def test_what_is_no_text_costs_its_row_alone(tmp_path: Path) -> None:
    broken = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    items = list(open_source(write(tmp_path, pa.table({"id": [1, 2, 3], "findings": broken}))))
    assert [type(item) for item in items] == [Report, Reject, Report]
    assert items[1] == Reject("row 2", "column 'findings' is not utf-8: byte 1", "2")
    nested = list(open_source(write(tmp_path, pa.table({"id": [1], "findings": [["a"]]}))))
    assert nested == [Reject("row 1", "column 'findings' holds a list, not text", "1")]


def test_a_damaged_part_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    table = pa.table({"id": range(1_000), "findings": [f"text {n * 7919 % 1000}" for n in range(1_000)]})
    path = write(tmp_path, table, row_group_size=100, compression="snappy")
    group = pq.ParquetFile(path).metadata.row_group(4).column(1)
    data = bytearray(path.read_bytes())
    start = group.dictionary_page_offset or group.data_page_offset
    data[start + 30 : start + group.total_compressed_size] = b"\xff" * (group.total_compressed_size - 30)
    path.write_bytes(data)
    items = list(open_source(path))
    [reject] = [item for item in items if isinstance(item, Reject)]
    assert reject.position == "row 401"
    assert reject.reason.startswith("rows 401 to 500 cannot be read: ")
    assert len(items) == 901
    assert items[-1].position == "row 1000"


@pytest.mark.parametrize("data", [b"uid,findings\na,b\n", b"PAR1" + b"x" * 100 + b"PAR1", b"PAR1"])
def test_a_file_that_is_not_parquet(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "reports.parquet"
    path.write_bytes(data)
    with pytest.raises(ClearKbError, match="is not a Parquet file"):
        open_source(path)


def test_an_empty_table(tmp_path: Path) -> None:
    with pytest.raises(ClearKbError, match="is empty"):
        open_source(write(tmp_path, pa.table({"id": pa.array([], pa.int64()), "findings": pa.array([], pa.string())})))


def test_a_column_that_stands_there_twice(tmp_path: Path) -> None:
    table = pa.table([pa.array([1]), pa.array(["a"]), pa.array(["b"])], names=["id", "findings", "findings"])
    with pytest.raises(UsageError, match="two columns named findings"):
        open_source(write(tmp_path, table))
