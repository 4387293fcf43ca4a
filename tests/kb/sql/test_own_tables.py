"""An analyst's own tables beside the views: what is read, what is refused, and that nothing else comes in with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql import own_tables
from kb.sql.own_tables import read_own_tables
from kb.sql.session import AuditSession
from kb.sql.views import Views
from tests.support.escapes import FILES

ROWS: list[dict[str, Any]] = [{"site": "A", "beds": 12}, {"site": "B", "beds": None}]

WRITERS: dict[str, Callable[[Path], Any]] = {
    "csv": lambda path: path.write_text("site,beds\nA,12\nB,\n", encoding="utf-8"),
    "tsv": lambda path: path.write_text("site\tbeds\nA\t12\nB\t\n", encoding="utf-8"),
    "jsonl": lambda path: path.write_text('{"site": "A", "beds": 12}\n{"site": "B", "beds": null}\n', encoding="utf-8"),
    "parquet": lambda path: pq.write_table(pa.Table.from_pylist(ROWS), path),
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    WRITERS["csv"](path)
    return path


@pytest.mark.soak
@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_file_of_each_kind_is_a_table(ward_kb: KnowledgeBase, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"mine.{kind}"
    WRITERS[kind](path)
    with AuditSession(ward_kb, tables={"Mine": path}) as session:
        assert session.query("FROM mine ORDER BY site").rows() == ROWS
        joined = "SELECT m.beds, count(*) AS n FROM outcomes o JOIN mine m ON m.site = o.site GROUP BY ALL ORDER BY n"
        assert [row["beds"] for row in session.query(joined)] == [None, 12]
        with pytest.raises(UsageError, match="did you mean beds"):
            session.query("SELECT bed FROM mine")


@pytest.mark.soak
def test_no_other_file_is_reached_beside_one(ward_kb: KnowledgeBase, views: Views, table: Path) -> None:
    with AuditSession(ward_kb, tables={"mine": table}) as session:
        for attempt in [*FILES, f"FROM read_csv('{table}')", f"FROM '{table}'", "FROM mine, read_csv('/etc/passwd')"]:
            with pytest.raises(UsageError):
                session.query(attempt.replace("{kb}", ward_kb.uri)).rows()
            with pytest.raises(ClearKbError):
                views.run(attempt.replace("{kb}", ward_kb.uri)).rows()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("outcomes", "there is a view of that name"),
        ("Metrics_By", "there is a view of that name"),
        ("matched", "there is a view of that name"),
        ("image_vectors", "there is a view of that name"),
        ("my table", "a word of letters, digits and _"),
        ('x"; DROP TABLE y; --', "a word of letters, digits and _"),
        ("", "a word of letters, digits and _"),
    ],
)
def test_a_name_that_is_none_is_refused(table: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_own_tables({name: table})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.csv", None, "there is no file"),
        ("x.xlsx", "a", "a file that ends in .csv"),
        ("x.csv", "a,b\n1,2,3\n", "cannot be read as csv"),
        ("x.csv", "a,A\n1,2\n", "two columns are named 'a'"),
        ("x.jsonl", "{", "cannot be read as jsonl"),
        ("x.parquet", "no", "is not a Parquet file"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ClearKbError, match=message):
        read_own_tables({"x": tmp_path / name})


def test_what_is_too_large_is_refused(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text(",".join(f"c{n}" for n in range(1200)) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="1,200 columns: at most 1,000"):
        read_own_tables({"x": wide})
    whole = tmp_path / "flat.parquet"
    pq.write_table(pa.table({"a": ["x" * 100] * 100_000}), whole)  # small on disk, and large once it is read
    monkeypatch.setattr(own_tables, "MOST_BYTES", whole.stat().st_size + 1)
    with pytest.raises(UsageError, match="the most that is joined"):
        read_own_tables({"x": whole})
    monkeypatch.setattr(own_tables, "MOST_BYTES", 10)
    with pytest.raises(UsageError, match="MB are joined"):
        read_own_tables({"x": table})


def test_two_names_that_sql_does_not_tell_apart_are_refused() -> None:
    with pytest.raises(UsageError, match="does not tell a and A apart"):
        read_own_tables({"a": "x.csv", "A": "y.csv"})
