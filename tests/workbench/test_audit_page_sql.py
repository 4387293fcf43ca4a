"""SQL in the browser: the sandbox holds, results are paged, written and told by a command; queries are saved."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.exports import read_exports
from kb.sql.queries import all_queries
from tests.support.audit_page import addresses_in, commands_in, typed, typed_json
from tests.support.audited import LABEL
from tests.support.examples import examples
from tests.support.workbench_client import client_of
from workbench.audit.saved_queries import all_saved, delete, folder, save
from workbench.audit.sql_answer import MOST_ROWS
from workbench.audit.sql_desk import SqlDesk

SLOW = "SELECT sum(sqrt(a.range * b.range)) FROM range(200000) a, range(200000) b"


@pytest.fixture(scope="module")
def client(audited: KnowledgeBase) -> Iterator[TestClient]:
    made = client_of(audited, read_only=True)
    yield made
    made.app.state.audit_desk.sql.close()  # type: ignore[attr-defined]  # a Starlette application


@pytest.fixture
def desk() -> Iterator[SqlDesk]:
    made = SqlDesk(timeout_s=0.7, memory="200MB")
    yield made
    made.close()


def asked(client: TestClient, sql: str, query: str = "", **values: str) -> str:
    form = {"sql": sql, "query": query, **{f"value:{name}": value for name, value in values.items()}}
    answer = client.post("/audit/sql/run", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.soak
def test_a_result_is_what_its_command_prints(client: TestClient) -> None:
    sql = "SELECT run, label, n, auroc\n-- it's a comment\nFROM metrics WHERE run = $run ORDER BY ALL"
    page = asked(client, sql, run="sound")
    (command,) = commands_in(page)
    rows = typed_json(command)
    assert client.get(addresses_in(page, "json")[0]).json() == rows and rows
    assert client.get(addresses_in(page, "csv")[0]).text == typed(command, "--format", "csv")
    assert f"<td>{rows[0]['label']}</td>" in page


@pytest.mark.parametrize(
    "sql", ["-- how many\nSELECT count(*) AS n FROM runs", "--\nSELECT 1 AS x", "/* a */ SELECT -1 AS x"]
)
def test_a_query_that_begins_with_a_comment_has_a_command_that_runs(client: TestClient, sql: str) -> None:
    page = asked(client, sql)
    assert typed_json(commands_in(page)[0]) == client.get(addresses_in(page, "json")[0]).json()


def test_a_named_query_runs_with_its_parameters_and_as_the_command_of_that_name(client: TestClient) -> None:
    query = all_queries()["roc"]
    page = asked(client, query.sql, "roc", run="leaning", label=LABEL, split="", source="")
    (command,) = commands_in(page)
    assert command.startswith("clear-kb audit run roc --set run=leaning --set 'label=pleural effusion'")
    assert client.get(addresses_in(page, "json")[0]).json() == typed_json(command)
    edited = asked(
        client, f"SELECT count(*) AS n FROM ({query.sql})", "roc", run="leaning", label=LABEL, split="", source=""
    )
    assert commands_in(edited)[0].startswith("clear-kb audit sql"), "what was edited is no longer the named query"


def test_every_named_query_can_be_run_with_what_its_fields_hold(client: TestClient) -> None:
    told = client.get("/audit/sql/schema").json()["queries"]
    for name in ("metrics", "worst_errors", "calibration"):
        values = {one["name"]: one["default"] for one in told[name]["parameters"]}
        assert 'role="alert"' not in asked(client, told[name]["sql"], name, **values), name


def test_rows_are_paged_and_a_file_holds_all_and_is_noted(client: TestClient, audited: KnowledgeBase) -> None:
    page = asked(client, f"SELECT range AS x FROM range({MOST_ROWS + 5})")
    assert "The first 10,000 rows" in page and "page 1 of 100" in page
    number = re.search(r'data-result="(\w+)"', page)
    assert number is not None
    assert '<td class="number">9999</td>' in client.get(f"/audit/sql/result/{number[1]}?page=99").text
    assert len(client.get(f"/audit/sql/result/{number[1]}/rows").json()["rows"]) == MOST_ROWS
    assert len(client.get(addresses_in(page, "csv")[0]).text.splitlines()) == MOST_ROWS + 6
    newest = read_exports(audited)[0]
    assert (newest.what, newest.rows, newest.target) == ("workbench download", MOST_ROWS + 5, "browser: result.csv")
    assert client.get("/audit/sql/result/nobody").status_code == 404
    for wrong in ("abc", "-1", "1.5"):
        answer = client.get(f"/audit/sql/result/{number[1]}?page={wrong}")
        assert answer.status_code == 400 and f"page &#39;{wrong}&#39;" in answer.text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "DROP TABLE images",
        "SELECT 1; SELECT 2",
        "SET memory_limit = '100GB'",
        "ATTACH '/tmp/x.db'",
        "SELECT nothing_such FROM images",
        "SELECT $missing",
    ],
)
def test_the_sandbox_holds(client: TestClient, sql: str) -> None:
    assert 'role="alert"' in asked(client, sql)


def test_no_query_is_no_query(client: TestClient) -> None:
    assert client.post("/audit/sql/run", data={"sql": "  "}).status_code == 400


def test_no_rows_and_strange_values_are_shown_as_text(client: TestClient) -> None:
    assert "No rows" in asked(client, "SELECT run FROM metrics WHERE run = 'nobody'")
    page = asked(client, "SELECT '<b>x</b>' AS \"<i>\", [1, 2] AS l, NULL AS n, 0.1 AS d, 'nan'::DOUBLE AS f")
    assert "&lt;b&gt;x&lt;/b&gt;" in page and "<b>" not in page and "&lt;i&gt;" in page


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(audited: KnowledgeBase, desk: SqlDesk) -> None:
    assert "stopped after 0.7 s" in desk.ask(audited, SLOW, {}, told={}).answer.error
    assert desk.ask(audited, "SELECT 1 AS x", {}, told={}).answer.rows == ((1,),)
    large = "SELECT list(range) FROM range(200000000)"
    assert "stopped" in desk.ask(audited, large, {}, told={}).answer.error
    assert desk.ask(audited, "SELECT 2 AS x", {}, told={}).answer.rows == ((2,),)


def waits_for(found: list[str], desk: SqlDesk, base: KnowledgeBase, sql: str, asker: str) -> threading.Thread:
    """A thread that asks, and is well into it."""
    asking = threading.Thread(
        target=lambda: found.append(desk.ask(base, sql, {}, told={}, asker=asker).answer.error), daemon=True
    )
    asking.start()
    time.sleep(0.5)
    return asking


def test_a_query_can_be_stopped_by_who_asked_it(audited: KnowledgeBase) -> None:
    desk = SqlDesk()
    desk.ask(audited, "SELECT 1", {}, told={})
    found: list[str] = []
    asking = waits_for(found, desk, audited, SLOW, "ann")
    desk.stop("bob")
    assert desk.ask(audited, "SELECT 2 AS x", {}, told={}, asker="bob").answer.rows == ((2,),), "it need not wait"
    assert not found
    desk.stop("ann")
    asking.join(30)
    assert found == ["stopped"]
    desk.close()


def test_more_queries_than_may_run_wait_for_their_turn(audited: KnowledgeBase) -> None:
    desk = SqlDesk(at_once=1)
    found: list[str] = []
    asking = waits_for(found, desk, audited, SLOW, "ann")
    waiting = waits_for(found, desk, audited, "SELECT 1", "bob")
    assert not found
    desk.stop("ann")
    for thread in (asking, waiting):
        thread.join(30)
    assert found == ["stopped", ""]
    desk.close()


def test_a_query_that_waits_for_its_turn_is_stopped_at_once(audited: KnowledgeBase) -> None:
    desk = SqlDesk(at_once=1)
    found: list[str] = []
    asking = waits_for(found, desk, audited, SLOW, "ann")
    waiting = waits_for(found, desk, audited, "SELECT 1", "bob")
    desk.stop("bob")
    waiting.join(30)
    assert found == ["stopped"]
    desk.stop("ann")
    asking.join(30)
    assert found == ["stopped", "stopped"]
    desk.close()


def test_another_state_is_asked_in_the_process_of_the_one_before(audited: KnowledgeBase) -> None:
    desk = SqlDesk(at_once=1)
    before = audited.at("HEAD~1")
    counts = [
        desk.ask(state, "SELECT count(*) AS n FROM runs", {}, told={}).answer.rows[0][0] for state in (before, audited)
    ]
    assert counts == [state.dataset("runs").count_rows() for state in (before, audited)]
    desk.close()


@pytest.mark.soak
def test_the_newest_state_is_asked(audited: KnowledgeBase, tmp_path: Path) -> None:
    shutil.copytree(audited.uri, tmp_path / "moving.kb")
    base = KnowledgeBase.open(tmp_path / "moving.kb")
    client = client_of(base)
    sql = "SELECT count(*) AS n FROM concepts"
    before = asked(client, sql)
    base.curate.add("pneumothorax", by="ada")
    assert client.get(addresses_in(before, "json")[0]).json() == [{"n": 0}], "a result is of the state that was asked"
    assert client.get(addresses_in(asked(client, sql), "json")[0]).json() == [{"n": 1}]
    client.app.state.audit_desk.sql.close()  # type: ignore[attr-defined]  # a Starlette application


def test_the_schema_is_the_documented_one(client: TestClient) -> None:
    told = client.get("/audit/sql/schema").json()
    tables = {one["relation"]: {column["column"] for column in one["columns"]} for one in told["relations"]}
    assert {"outcomes", "metrics", "concepts"} <= set(tables) and "auroc" in tables["metrics"]
    page = client.get("/audit/sql").text
    assert "area under the ROC curve" in page and all(name in page for name in all_queries())


def test_queries_are_saved_by_name_and_author_and_run_by_the_command_line(audited: KnowledgeBase) -> None:
    client = client_of(audited, author="ada")
    sql = "SELECT run, count(*) AS n\nFROM predictions WHERE run = $run GROUP BY run"
    saved = client.post("/audit/sql/saved", data={"name": " Rows of a run ", "sql": sql, "value:run": "sound"})
    assert "Rows of a run" in saved.text and "ada" in saved.text
    path = folder() / "rows-of-a-run.sql"
    printed = typed(f"clear-kb audit sql -f {path} --param run=sound --kb {audited.uri}", "--format", "json")
    assert json.loads(printed) == [{"run": "sound", "n": 240}]
    told = client.get("/audit/sql/schema").json()["saved"]["rows-of-a-run"]
    assert (told["sql"], told["values"]) == (sql, {"run": "sound"})
    other = client_of(audited, author="bea").post("/audit/sql/saved", data={"name": "rows of a RUN", "sql": "SELECT 1"})
    assert other.status_code == 400 and "is a query of ada" in other.text
    refused = client_of(audited, author="bea").post("/audit/sql/saved/rows-of-a-run/delete")
    assert refused.status_code == 400 and "is a query of ada" in refused.text and path.exists()
    assert "rows-of-a-run/delete" in client.get("/audit/sql").text
    assert "rows-of-a-run/delete" not in client_of(audited, author="bea").get("/audit/sql").text
    gone = client.post("/audit/sql/saved/rows-of-a-run/delete")
    assert "Deleted" in gone.text and not path.exists()
    assert client.post("/audit/sql/saved/rows-of-a-run/delete").status_code == 400


def test_a_read_only_workbench_saves_nothing(audited: KnowledgeBase) -> None:
    client = client_of(audited, read_only=True)
    assert client.post("/audit/sql/saved", data={"name": "x", "sql": "SELECT 1"}).status_code == 403
    assert "Save it as" not in client.get("/audit/sql").text


@pytest.mark.parametrize("name", ["", "../../etc/passwd\n", "…", "x" * 100, "."])
def test_a_name_leads_to_no_other_file(own_folders: None, name: str) -> None:
    before = {one.path for one in all_saved()}
    try:
        made = save(name, "SELECT 1", by="ada")
    except UsageError:
        assert {one.path for one in all_saved()} == before
    else:
        assert made.path.parent == folder()
        delete(made.slug, by="ada")


lines = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=examples(30), deadline=None)
@given(sql=st.lists(lines, min_size=1, max_size=4).map("\n".join), value=lines)
def test_what_is_saved_is_read_again(own_folders: None, sql: str, value: str) -> None:
    made = save("kept", f"SELECT 1\n{sql}", by="ada", values={"run": value})
    (found,) = [one for one in all_saved() if one.slug == "kept"]
    assert "\r\n" not in found.sql
    assert (found.sql, found.by, found.values) == (made.sql, "ada", {"run": value})
