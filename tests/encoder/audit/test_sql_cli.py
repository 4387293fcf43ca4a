"""`audit sql`, `queries`, `run` and `export` as a person runs them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from cli import app
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.tables import fill, run

Ask = Callable[..., Result]


@pytest.fixture
def ask(ward_kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Runs `clear-kb audit ...` on the ward in this process: what it prints, and what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEAR_KB", ward_kb.uri)

    def run(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, ["audit", *map(str, arguments)], input=stdin)

    return run


def _data(done: Result) -> Any:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


ALL = "SELECT run, label, auroc FROM metrics WHERE grouping = 'all' AND source = 'truth.csv' ORDER BY run"


class TestSql:
    @pytest.mark.soak
    def test_a_table_has_few_digits_and_the_others_all(self, ask: Ask) -> None:
        table, data = ask("sql", ALL), _data(ask("sql", ALL, "--format", "json"))
        assert [row["run"] for row in data] == ["good", "leaning"]
        assert f"{data[0]['auroc']:.4g}" in table.stdout
        assert str(data[0]["auroc"]) not in table.stdout
        (head, *rows) = csv.reader(io.StringIO(ask("sql", ALL, "--format", "csv").stdout))
        assert head == ["run", "label", "auroc"]
        assert float(rows[0][2]) == data[0]["auroc"]

    @pytest.mark.soak
    def test_what_rows_count_is_said_where_the_query_does_not(self, ask: Ask) -> None:
        whole = "SELECT run, auroc FROM metrics WHERE grouping = 'all'"
        assert "once for each source of labels" in ask("sql", whole).stderr
        assert "once for each source" not in ask("sql", ALL).stderr
        assert "once for each source" not in ask("sql", "SELECT run FROM runs").stderr
        assert "trained on" not in ask("sql", whole).stderr, "no run here is of an encoder of ours"

    def test_on_a_narrow_terminal_no_number_is_cut(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        wide = "SELECT 123456 AS number, repeat('x', 60) AS text, NULL AS nothing, " + ", ".join(
            f"{1000 + n} AS column_{n}" for n in range(12)
        )
        monkeypatch.setattr("encoder.audit.commands.rows.WIDEST", 80)
        shown = ask("sql", wide).stdout
        assert "123456" in shown and "column_11  1011" in shown and "x" * 60 in shown
        assert "without any value: nothing" in ask("sql", wide).stderr

    def test_values_of_all_kinds(self, ask: Ask) -> None:
        sql = (
            "SELECT NULL AS nothing, [1, 2] AS list, MAP {'a': 0.123456} AS map, true AS yes, 'nan'::DOUBLE AS nan, "
            "DATE '2020-01-02' AS day, 1.50::DECIMAL(5, 2) AS exact, 'é' AS text, 170141183460469231731::HUGEINT AS big"
        )
        (row,) = _data(ask("sql", sql, "--format", "json"))
        assert (row["nothing"], row["list"], row["map"], row["yes"]) == (None, [1, 2], {"a": 0.123456}, True)
        assert (row["nan"], row["day"], row["exact"], row["text"]) == (None, "2020-01-02", 1.5, "é")
        assert row["big"] == 170141183460469231731
        cells = next(csv.DictReader(io.StringIO(ask("sql", sql, "--format", "csv").stdout)))
        assert (cells["nothing"], cells["list"], cells["exact"]) == ("", "[1, 2]", "1.5")
        assert '{"a": 0.1235}' in ask("sql", sql).stdout

    def test_values_that_arrow_has_not_are_told_as_duckdb_writes_them(self, ask: Ask) -> None:
        sql = (
            "SELECT 340282366920938463463374607431768211455::UHUGEINT AS big, INTERVAL '1 month' AS month, "
            "INTERVAL '178956970 years' AS long, TIME '24:00:00' AS midnight, [INTERVAL 1 DAY] AS days"
        )
        (row,) = _data(ask("sql", sql, "--format", "json"))
        assert row == {
            "big": "340282366920938463463374607431768211455",
            "month": "1 month",
            "long": "178956970 years",
            "midnight": "24:00:00",
            "days": "[1 day]",
        }
        ask("sql", sql, "-o", "values.parquet")
        assert pq.read_table("values.parquet").to_pylist() == [row]

    def test_rows_that_are_not_shown_are_counted(self, ask: Ask) -> None:
        done = ask("sql", "FROM predictions", "--limit", "5")
        assert "235 more rows" in done.stderr
        assert len(_data(ask("sql", "FROM predictions", "--limit", "5", "--format", "json"))) == 240

    @pytest.mark.soak
    def test_from_a_file_or_standard_input(self, ask: Ask, tmp_path: Path) -> None:
        (tmp_path / "q.sql").write_text(f"-- mine\n{ALL};\n", encoding="utf-8")
        assert len(_data(ask("sql", "-f", "q.sql", "--format", "json"))) == 2
        assert len(_data(ask("sql", "-f", "-", "--format", "json", stdin=ALL))) == 2

    def test_parameters(self, ask: Ask) -> None:
        sql = "SELECT count(*) AS n FROM images WHERE site = $site AND age > $age"
        assert _data(ask("sql", sql, "--param", "site=A", "--param", "age=-1", "--format", "json")) == [{"n": 80}]
        text = _data(ask("sql", "SELECT typeof($x) AS t", "--param", 'x="5"', "--format", "json"))
        assert text == [{"t": "VARCHAR"}]

    @pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
    def test_files(self, ask: Ask, tmp_path: Path, suffix: str) -> None:
        done = ask("sql", "SELECT image_id, attributes, age FROM images ORDER BY image_id", "-o", f"out.{suffix}")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "wrote 120 rows" in done.stderr
        path = tmp_path / f"out.{suffix}"
        assert list(tmp_path.iterdir()) == [path]
        text = "" if suffix == "parquet" else path.read_text(encoding="utf-8")
        if suffix == "parquet":
            rows = pq.read_table(path).to_pylist()
        elif suffix == "csv":
            rows = [{**row, "age": float(row["age"])} for row in csv.DictReader(io.StringIO(text))]
        else:
            rows = json.loads(text) if suffix == "json" else [json.loads(line) for line in text.splitlines()]
        assert len(rows) == 120
        assert (rows[3]["image_id"], rows[3]["age"]) == ("i003", 23.0)

    def test_a_query_that_fails_leaves_no_file(self, ask: Ask, tmp_path: Path) -> None:
        assert ask("sql", "SELECT 'a'::INTEGER FROM images", "-o", "out.csv").exit_code != 0
        assert list(tmp_path.iterdir()) == []

    def test_no_rows_is_no_failure_and_says_why(self, ask: Ask) -> None:
        done = ask("sql", "FROM attributions")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "no rows" in done.stderr
        assert "no attributions" in done.stderr
        assert ask("sql", "FROM images WHERE false", "--format", "json").stdout == "[]\n"
        assert ask("sql", "SELECT run FROM runs WHERE false", "--format", "csv").stdout == "run\n"

    def test_without_predictions_it_says_where_they_come_from(self, ask: Ask, kb: KnowledgeBase) -> None:
        done = ask("sql", "FROM metrics", "--kb", kb.uri)
        assert done.exit_code == 0
        assert "clear-kb ingest predictions FILE --run NAME" in " ".join(done.stderr.split())

    def test_the_schema_needs_no_knowledge_base(self, ask: Ask) -> None:
        assert "auroc_high" in ask("sql", "--schema", "--kb", "none.kb").stdout
        assert [row["relation"] for row in _data(ask("sql", "--schema", "errors", "--format", "json"))] == ["errors"]
        assert "errors,view,margin" in ask("sql", "--schema", "errors", "--format", "csv").stdout

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["sql"], "one query was expected"),
            (["sql", "SELECT 1", "-f", "-"], "one query was expected"),
            (["sql", "-f", "none.sql"], "no file none.sql"),
            (["sql", "SELECT 1", "-o", "x.xlsx"], ".parquet"),
            (["sql", "SELECT 1", "-o", "no/x.csv"], "no folder"),
            (["sql", "SELECT 1", "--timeout", "0"], "timeout 0"),
            (["sql", "SELECT 1", "--memory", "lots"], "memory lots"),
            (["sql", "SELECT $x", "--param", "x"], "KEY=VALUE"),
            (["sql", "DROP VIEW metrics"], "only SELECT"),
            (["sql", "SELECT aurok FROM metrics"], "did you mean auroc"),
            (["sql", "SELECT * FROM metricks"], "did you mean metrics"),
            (["sql", "SELECT * FROM concept_scores('i')"], "no vectors of images"),
            (["sql", "SELECT * FROM image_vectors"], "no vectors of images"),
            (["sql", "SELECT 1", "--with", "x"], "there is no file x for the table x"),
            (["sql", "SELECT 1", "--with", "metrics=x.csv"], "there is a view of that name"),
            (["sql", "SELECT 1", "--with", "my-file.csv"], "a table named 'my-file'"),
            (["sql", "SELECT 1", "--with", "a=x.csv", "--with", "a=y.csv"], "stands there twice"),
            (["run", "roc", "--set", "split=tset"], "split = tset: one of all, internal, train"),
            (["operating-points", "--set", "0.5"], "name it with --run"),
            (["operating-points", "--run", "goood", "--set", "0.5"], "did you mean good"),
            (["run", "nope"], "no named query"),
            (["run", "drift", "--set", "site=A"], "it takes run, label, source, by, a, b, split"),
            (["run", "drift", "--run", "a", "--set", "run=b"], "twice"),
            (["run", "unused_concepts", "--run", "a"], "has no parameter 'run'"),
            (["export", "no/x.duckdb"], "no folder"),
        ],
    )
    def test_what_is_wrong_is_said(self, ask: Ask, arguments: list[str], message: str) -> None:
        done = ask(*arguments)
        assert isinstance(done.exception, UsageError)
        assert message in str(done.exception)
        assert len(str(done.exception).splitlines()) <= 2
        assert done.stdout == ""


class TestOwnTables:
    @pytest.mark.soak
    def test_are_joined_by_name(self, ask: Ask, tmp_path: Path) -> None:
        (tmp_path / "fleet.csv").write_text("site,vendor\nA,Acme\nB,Bolt\n", encoding="utf-8")
        sql = (
            "SELECT f.vendor, c.n FROM confusion_by(site) c JOIN fleet f ON f.site = c.value "
            "WHERE c.run = 'good' AND c.source = 'reader' ORDER BY 1"
        )
        for told in ("fleet=fleet.csv", "fleet.csv"):
            rows = _data(ask("sql", sql, "--with", told, "--format", "json"))
            assert rows == [{"vendor": "Acme", "n": 80}, {"vendor": "Bolt", "n": 40}]
        shell = ask("shell", "--with", "fleet.csv", "--format", "csv", stdin=f".tables\n{sql};\n")
        assert "Your own: site, vendor" in shell.stdout and "Acme,80" in shell.stdout


class TestOperatingPoints:
    @pytest.mark.soak
    def test_are_shown_with_what_they_come_to(self, ask: Ask) -> None:
        (row,) = _data(ask("operating-points", "--run", "good", "--source", "reader", "--format", "json"))
        assert (row["chosen_on"], row["n"], row["warning"]) == ("cross-fitted", 120, None)
        assert row["sensitivity_low"] < row["sensitivity"] < row["sensitivity_high"]
        assert row["alerts_per_100_low"] < row["alerts_per_100"] < row["alerts_per_100_high"]

    def test_are_given_and_taken_back(self, ask: Ask, kb: KnowledgeBase) -> None:
        said = {"run": "r", "label": "Edema"}
        fill(kb, predictions=[{**said, "image_id": "i", "score": 0.4}], runs=[run("r")])
        here = ["operating-points", "--run", "r", "--kb", kb.uri, "--by", "ada"]
        tried = _data(ask(*here, "--set", "0.3", "--dry-run", "--format", "json"))
        assert (tried["points"], tried["commit"]) == ({"Edema": 0.3}, None)
        assert _data(ask(*here, "--set", "0.3", "--format", "json"))["points"] == {"Edema": 0.3}
        held = _data(ask("sql", "SELECT threshold, decision FROM outcomes", "--kb", kb.uri, "--format", "json"))
        assert held == [{"threshold": 0.3, "decision": True}], "also where no label says what is true"
        assert "none: nothing is new" in " ".join(ask(*here, "--set", "edema=0.3").stdout.split())
        assert _data(ask(*here, "--clear", "--format", "json"))["points"] == {}


class TestNamed:
    def test_queries_lists_them(self, ask: Ask) -> None:
        listed = _data(ask("queries", "--format", "json"))
        assert {"drift", "calibration"} <= {query["query"] for query in listed}
        assert "bins=10" in " ".join(ask("queries").stdout.split())
        assert "SELECT" in ask("queries", "drift").stdout

    def test_run_with_filters(self, ask: Ask) -> None:
        rows = _data(
            ask("run", "calibration", "--run", "good", "--source", "reader", "--set", "bins=3", "--format", "json")
        )
        assert len(rows) == 3
        assert {row["run"] for row in rows} == {"good"}
        by_label = _data(ask("run", "metrics", "--label", "Pleural_Effusion", "--format", "json"))
        assert len(by_label) == 4

    @pytest.mark.parametrize(
        ("flag", "value", "told"),
        [
            ("--run", "goood", "did you mean good"),
            ("--label", "edema", "there are"),
            ("--source", "truth", "truth.csv"),
        ],
    )
    def test_a_misspelt_filter_is_told(self, ask: Ask, flag: str, value: str, told: str) -> None:
        done = ask("run", "metrics", flag, value)
        assert done.exit_code == 0
        assert told in " ".join(done.stderr.split())

    @pytest.mark.soak
    def test_a_grouping_that_nothing_is_known_of_is_told(self, ask: Ask, kb: KnowledgeBase) -> None:
        assert "by = sight: one of site" in " ".join(ask("run", "drift", "--set", "by=sight").stderr.split())
        label = {"image_id": "i", "label": "x", "value": 1, "source": "s"}
        fill(
            kb, labels=[label], predictions=[{"run": "r", "image_id": "i", "label": "x", "score": 0.1}], runs=[run("r")]
        )
        done = ask("run", "drift", "--kb", kb.uri)
        assert "no prediction's site is known" in " ".join(done.stderr.split())


class TestThroughTheProgram:
    @pytest.mark.soak
    def test_at_an_earlier_commit(self, cli: Callable[..., subprocess.CompletedProcess[str]], ward_kb: Any) -> None:
        first = ward_kb.log()[-1].commit_id
        done = cli("audit", "sql", "SELECT * FROM metrics", "--at", first, "--kb", ward_kb.uri)
        assert "no predictions" in done.stderr

    @pytest.mark.soak
    def test_export_and_its_message(
        self, cli: Callable[..., subprocess.CompletedProcess[str]], ward_kb: Any, tmp_path: Path
    ) -> None:
        done = cli("audit", "export", "w.duckdb", "--kb", ward_kb.uri)
        assert ward_kb.commit.commit_id in done.stdout
        assert [path.name for path in tmp_path.iterdir()] == ["w.duckdb"]
        assert "--overwrite" in cli("audit", "export", "w.duckdb", "--kb", ward_kb.uri, code=2).stderr

    @pytest.mark.soak
    def test_an_error_is_one_or_two_lines_on_standard_error(
        self, cli: Callable[..., subprocess.CompletedProcess[str]], ward_kb: Any
    ) -> None:
        done = cli("audit", "sql", "SELECT aurok\nFROM metrics", "--kb", ward_kb.uri, code=2)
        assert done.stdout == ""
        assert done.stderr.splitlines()[1] == "  line 1: SELECT >>>aurok"
