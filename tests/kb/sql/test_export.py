"""`audit export`: a DuckDB file that opens without us and holds what the session holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.short_labels import ids_among
from kb.sql.export import export_audit
from kb.sql.queries import all_queries, find_query
from kb.sql.views import Views
from schemas.sql.audit_views import all_views
from schemas.tables import PREDICTIONS
from tests.support.copies import copy_of


@pytest.fixture(scope="module")
def exported(ward_kb: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("export") / "ward.duckdb"
    export_audit(ward_kb, path)
    assert [file.name for file in path.parent.iterdir()] == ["ward.duckdb"], "nothing is left beside it"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def _told_in_cells(shared: duckdb.DuckDBPyConnection, plain: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """By table and column the ids of images, studies, patients and reports that stand in a file without ids."""
    ids: set[str] = set()
    for table, column in (
        *(("predictions", name) for name in ("image_id", "study_id", "patient_id")),
        *(("images", name) for name in ("image_id", "study_id", "patient_id")),
        ("reports", "report_id"),
    ):
        ids |= {one for (one,) in _rows(plain, f"SELECT DISTINCT {column} FROM stored.{table}") if one is not None}
    assert ids
    columns = _rows(
        shared,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'stored' AND data_type = 'VARCHAR'",
    )
    found = {
        f"{table}.{column}": sorted(
            ids & {one for (one,) in _rows(shared, f'SELECT DISTINCT "{column}" FROM stored.{table}')}
        )
        for table, column in columns
    }
    return {where: told for where, told in found.items() if told}


def _rows(connection: Any, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    return sorted((tuple(map(_rounded, row)) for row in connection.execute(sql, values).fetchall()), key=repr)


def _session_rows(views: Views, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    return sorted((tuple(map(_rounded, row.values())) for row in views.run(sql, values)), key=repr)


def _rounded(value: Any) -> Any:
    """A value without its last digits, which differ where a sum is taken in another order."""
    return round(value, 12) if isinstance(value, float) else value


class TestTheFile:
    @pytest.mark.parametrize("view", list(all_views()))
    def test_every_view_gives_the_same_rows(self, exported: duckdb.DuckDBPyConnection, views: Views, view: str) -> None:
        assert _rows(exported, f"FROM {view}") == _session_rows(views, f"FROM {view}")
        described = exported.execute(f"DESCRIBE {view}").fetchall()
        assert [row[0] for row in described] == list(all_views()[view].columns)

    @pytest.mark.parametrize("name", sorted(all_queries()))
    def test_every_named_query_runs_on_it(self, exported: duckdb.DuckDBPyConnection, views: Views, name: str) -> None:
        query = find_query(name)
        values = query.values({})
        assert _rows(exported, query.sql, values) == _session_rows(views, query.sql, values)

    @pytest.mark.parametrize(
        "call",
        [
            "metrics_by(site || view)",
            "confusion_by(attribute(attributes, 'DEVICE'))",
            "calibration_by(site, part := 'test')",
            "roc('good', 'Pleural Effusion')",
            "decision_curve(NULL, NULL)",
        ],
    )
    def test_functions_are_there(self, exported: duckdb.DuckDBPyConnection, views: Views, call: str) -> None:
        found, here = _rows(exported, f"FROM {call}"), _session_rows(views, f"FROM {call}")
        assert found == here and found

    def test_it_says_what_it_is_a_copy_of(self, exported: duckdb.DuckDBPyConnection, ward_kb: KnowledgeBase) -> None:
        [(uri, commit, time, version)] = exported.execute('SELECT uri, "commit", "time", version FROM about').fetchall()
        assert (uri, commit) == (ward_kb.uri, ward_kb.commit.commit_id)
        assert time is not None
        assert version

    def test_what_columns_hold_is_said_in_it(self, exported: duckdb.DuckDBPyConnection) -> None:
        found = exported.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'metrics' AND column_name = 'auroc'"
        ).fetchall()
        assert found == [(all_views()["metrics"].columns["auroc"],)]

    def test_weights_hashes_and_embeddings_stay_behind(self, exported: duckdb.DuckDBPyConnection) -> None:
        columns = {row[0] for row in exported.execute("SELECT column_name FROM duckdb_columns()").fetchall()}
        assert not columns & {"embedding", "content_hash", "vector"}


class TestWriting:
    @pytest.mark.soak
    def test_a_file_that_is_there_is_kept_unless_told(self, ward_kb: KnowledgeBase, tmp_path: Path) -> None:
        path = tmp_path / "x.duckdb"
        path.write_text("mine")
        with pytest.raises(UsageError, match="replaced only if asked"):
            export_audit(ward_kb, path)
        assert path.read_text() == "mine"
        done = export_audit(ward_kb, path, overwrite=True)
        assert done.rows["predictions"] == 240
        assert done.size == path.stat().st_size

    def test_there_must_be_a_folder(self, ward_kb: KnowledgeBase, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no folder"):
            export_audit(ward_kb, tmp_path / "none" / "x.duckdb")

    def test_what_fails_leaves_nothing(self, ward_kb: KnowledgeBase, tmp_path: Path) -> None:
        def broken() -> Any:
            raise UsageError("no encoder")

        with pytest.raises(UsageError, match="no encoder"):
            export_audit(ward_kb, tmp_path / "x.duckdb", more={"concept_vectors": broken})
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.soak
    def test_vectors_go_with_it_where_they_are_given(self, ward_kb: KnowledgeBase, tmp_path: Path) -> None:
        vectors = pa.array([[1.0, 0.0], [0.0, 1.0]], pa.list_(pa.float32(), 2))
        told = {"text": ["a", "b"], "finding": ["a", "b"], "assertion": ["present"] * 2}
        numbers = {"vector": vectors, "scale": [1.0, 2.0], "bias": [0.0, 0.5]}
        concepts = pa.table({"encoder": ["N1", "N1"], "concept_id": ["C1", "C2"], **told, **numbers})
        images = pa.table({"encoder": ["N1", "N1"], "image_id": ["i000", "i001"], "vector": vectors})
        more = {"concept_vectors": lambda: concepts, "image_vectors": lambda: images}
        export_audit(ward_kb, tmp_path / "v.duckdb", more=more)
        with duckdb.connect(str(tmp_path / "v.duckdb"), read_only=True) as connection:
            found = connection.execute("SELECT concept_id, score FROM concept_scores('i001') ORDER BY 1").fetchall()
        assert found == [("C1", 0.0), ("C2", 2.5)]

    @pytest.mark.soak
    def test_an_empty_knowledge_base_has_empty_views(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        export_audit(kb, tmp_path / "e.duckdb")
        with duckdb.connect(str(tmp_path / "e.duckdb"), read_only=True) as connection:
            for view in all_views().keys() - {"finding_ancestors"}:  # of the lexicon, whatever was mined
                assert connection.execute(f"FROM {view}").fetchall() == []


class TestWithoutIds:
    def test_no_id_and_no_place_is_in_the_file_and_the_figures_are_the_same(
        self, ward_kb: KnowledgeBase, exported: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        path = tmp_path / "shared.duckdb"
        export_audit(ward_kb, path, ids=False)
        with duckdb.connect(str(path), read_only=True) as shared:
            for table in ("images", "reports", "labels", "predictions"):
                for column in ("image_id", "study_id", "patient_id", "report_id"):
                    if column not in ward_kb.dataset(table).schema.names:
                        continue
                    kind = column.removesuffix("_id")
                    for (label,) in shared.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall():
                        assert label is None or label.startswith(f"{kind} "), label
            sql = "SELECT run, label, n, auroc FROM metrics"
            assert len(_rows(shared, sql)) > 0 and _rows(shared, sql) == _rows(exported, sql)
            by_patient = (
                "SELECT count(DISTINCT patient_id), count(DISTINCT image_id), count(DISTINCT owner) FROM outcomes"
            )
            assert _rows(shared, by_patient) == _rows(exported, by_patient)
            assert _rows(shared, "SELECT uri FROM about") == [("",)]
            assert _told_in_cells(shared, exported) == {}
        assert str(ward_kb.uri).encode() not in path.read_bytes()
        assert ids_among(ward_kb, [path.read_bytes().decode("latin-1")]) == 0

    def test_studies_and_patients_that_predictions_name_are_labels_too(
        self, ward_kb: KnowledgeBase, tmp_path: Path
    ) -> None:
        kb = copy_of(ward_kb, tmp_path)
        (of,) = kb.dataset("images").to_table(columns=["image_id", "study_id", "patient_id"], limit=1).to_pylist()
        told = {"run": "named", "label": "pleural effusion", "score": 0.5}
        rows = [{**told, **of}, {**told, **of, "image_id": None}]
        schema = PREDICTIONS.schema
        batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)
        kb.publish("name", lambda publication: (publication.write("predictions", [batch]) or {}, None))
        plain, shared = tmp_path / "plain.duckdb", tmp_path / "shared.duckdb"
        export_audit(kb, plain)
        export_audit(kb, shared, ids=False)
        with duckdb.connect(str(plain), read_only=True) as one, duckdb.connect(str(shared), read_only=True) as other:
            assert _told_in_cells(other, one) == {}
