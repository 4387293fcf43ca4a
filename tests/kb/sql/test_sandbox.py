"""The sandbox of `audit sql`: what tries to get out is refused or stopped, and the knowledge base stays as it was."""

from __future__ import annotations

import hashlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import Limits
from kb.sql.query_process import GRACE_S, end_spares
from kb.sql.sandbox import check_query
from kb.sql.session import AuditSession
from kb.sql.views import Views
from kb.sql.watch import own_memory
from tests.support.escapes import FILES, HARSH, INSIDE, KEYWORDS, NESTED, STATEMENTS, TOO_MUCH, UNINTERRUPTIBLE
from tests.support.tables import fill, run

Run = Callable[..., subprocess.CompletedProcess[str]]


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module", autouse=True)
def _nothing_changes(ward_kb: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = Path(ward_kb.uri)
    before = _hashes(folder)
    yield
    assert _hashes(folder) == before, "an attempt has changed the knowledge base"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def _attempt(text: str, kb: KnowledgeBase, out: Path) -> str:
    return text.replace("{kb}", kb.uri).replace("{out}", str(out)).replace("{{", "{").replace("}}", "}")


def _assert_plain(error: ClearKbError) -> None:
    told = str(error)
    assert told
    assert "Traceback" not in told
    assert len(told.splitlines()) <= 2


class TestEscapes:
    @pytest.mark.parametrize("attempt", [*FILES, *STATEMENTS, *INSIDE, *KEYWORDS])
    def test_refused(self, session: AuditSession, ward_kb: KnowledgeBase, out: Path, attempt: str) -> None:
        secrets_of_this_test = [{"a": 1}]  # noqa: F841  a Python variable that a replacement scan would find
        frame = pa.table({"a": [1]})  # noqa: F841
        with pytest.raises(UsageError) as refusal:
            session.query(_attempt(attempt, ward_kb, out)).rows()
        _assert_plain(refusal.value)
        assert not out.exists()

    @pytest.mark.parametrize("attempt", FILES)
    def test_files_are_out_of_reach_even_of_a_trusted_query(
        self, views: Views, ward_kb: KnowledgeBase, out: Path, attempt: str
    ) -> None:
        with pytest.raises(ClearKbError):
            views.run(_attempt(attempt, ward_kb, out)).rows()

    @pytest.mark.parametrize(
        "attempt",
        [text for text in STATEMENTS if text.startswith(("COPY", "ATTACH '{", "EXPORT", "INST", "LOAD", "SET e"))],
    )
    def test_the_connection_refuses_too(self, views: Views, ward_kb: KnowledgeBase, out: Path, attempt: str) -> None:
        import duckdb

        with pytest.raises(duckdb.Error):
            views._connection.execute(_attempt(attempt, ward_kb, out))
        assert not out.exists()

    @pytest.mark.parametrize("name", sorted(NESTED))
    def test_hard_to_read(self, session: AuditSession, name: str) -> None:
        with pytest.raises(UsageError) as refusal:
            session.query(NESTED[name]).rows()
        _assert_plain(refusal.value)

    @pytest.mark.parametrize("attempt", TOO_MUCH)
    def test_stopped(self, ward_kb: KnowledgeBase, attempt: str) -> None:
        with AuditSession(ward_kb, Limits(timeout_s=1, memory="200MB", threads=2)) as session:
            began = time.monotonic()
            with pytest.raises(ClearKbError, match=r"stopped|needs more than") as stopped:
                for _ in session.query(attempt):
                    pass
            assert time.monotonic() - began < 12, "the process that runs it is begun too"
            _assert_plain(stopped.value)
            assert session.query("SELECT 120 AS n").rows() == [{"n": 120}]

    @pytest.mark.soak
    @pytest.mark.parametrize("attempt", UNINTERRUPTIBLE)
    def test_the_command_ends_what_cannot_be_interrupted(
        self, cli: Run, ward_kb: KnowledgeBase, tmp_path: Path, attempt: str
    ) -> None:
        limits = ("--timeout", "1", "--memory", "100MB")
        done = cli("audit", "sql", attempt, "-o", "rows.csv", "--kb", ward_kb.uri, *limits, code=1)
        assert "stopped" in done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_there_are_enough_of_them(self) -> None:
        attempts = [*FILES, *STATEMENTS, *INSIDE, *KEYWORDS, *TOO_MUCH, *NESTED.values(), *UNINTERRUPTIBLE, *HARSH]
        assert len(set(attempts)) == len(attempts) >= 300

    def test_the_session_goes_on_after_what_ends_its_process(self, ward_kb: KnowledgeBase) -> None:
        with AuditSession(ward_kb, Limits(timeout_s=2, memory="200MB")) as session:
            with pytest.raises(ClearKbError, match=r"^the query ended the process that ran it \(SIGSEGV\)") as ended:
                session.query(HARSH[0]).rows()
            _assert_plain(ended.value)
            assert session.query("SELECT 1 AS a").rows() == [{"a": 1}]

    def test_many_columns_of_one_name_are_no_work(self, session: AuditSession) -> None:
        (row,) = session.query("SELECT " + ",".join(["1"] * 3_000)).rows()
        assert len(row) == 3_000 and {"1", "1_1", "1_2999"} <= set(row)
        with pytest.raises(UsageError, match="at most 5,000"):
            session.query("SELECT " + ",".join(["1"] * 6_000))

    @pytest.mark.soak
    @pytest.mark.parametrize("attempt", HARSH)
    def test_nothing_harsh_reaches_who_asks(self, ward_kb: KnowledgeBase, attempt: str) -> None:
        with AuditSession(ward_kb, Limits(timeout_s=2, memory="200MB", threads=2)) as session:
            session.query("SELECT 1").rows()
            before, began = own_memory(), time.monotonic()
            try:
                for _ in session.query(attempt):
                    pass
            except ClearKbError as told:
                _assert_plain(told)
            assert time.monotonic() - began < 2 + GRACE_S + 10
            assert own_memory() - before < 1_500_000_000
            assert session.query("SELECT 1 AS a").rows() == [{"a": 1}]

    def test_words_in_strings_load_nothing(self, session: AuditSession) -> None:
        rows = session.query("SELECT 'stored.nope' AS a, 'stored.images; DROP' AS b, '--' AS c").rows()
        assert rows == [{"a": "stored.nope", "b": "stored.images; DROP", "c": "--"}]


LEGITIMATE = {
    "SELECT count(*) AS n FROM metrics WHERE grouping = 'all'": 4,
    "FROM images SELECT count(*)": 120,
    "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT b.x + a.x FROM a, b": 3,
    "WITH A AS (SELECT 7 AS x) SELECT x FROM a": 7,
    "WITH images AS (SELECT 5 AS x) SELECT x FROM images": 5,
    "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t WHERE x < 10) SELECT sum(x) FROM t": 55,
    "SELECT max(n) FROM (SELECT row_number() OVER (PARTITION BY site ORDER BY age) AS n FROM images)": 80,
    "SELECT count(*) FROM images i, LATERAL (SELECT i.age + 1 AS older) WHERE older > 0": 120,
    "SELECT count(*) FROM images, unnest(map_keys(attributes)) AS t(name)": 360,
    "SELECT list_sum(list_transform([1, 2, 3], lambda x: x * 2))": 12,
    "SELECT count(*) FROM (FROM images TABLESAMPLE reservoir(10 ROWS) REPEATABLE (1))": 10,
    "SELECT count(*) FROM images a ASOF JOIN images b ON a.site = b.site AND a.age >= b.age": 120,
    "SELECT count(*) FROM images i SEMI JOIN labels l ON l.image_id = i.image_id": 120,
    "SELECT count(*) FROM metrics_by(attributes['device'])": None,
    "SELECT count(DISTINCT value) FROM metrics_by(site)": 2,
    "SELECT \"A\" FROM (SELECT site, age FROM images) PIVOT (count(*) FOR site IN ('A', 'B'))": None,
    "SELECT count(*) FROM images WHERE image_id SIMILAR TO 'i00[0-9]'": 10,
    "SELECT count(*) FILTER (truth = 1) FROM outcomes WHERE run = 'good' AND source = 'truth.csv'": 43,
    "SELECT sum(range) FROM range(1000000)": 499999500000,
    "SELECT count(*) FROM (SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3)": 2,
    "SELECT quantile_cont(score, 0.5) >= 0 FROM predictions -- a comment; with a semicolon": True,
    "SELECT age_band(45) || label_name('Pleural_Effusion') ;": "40-59pleural effusion",
}


class TestWhatIsAllowed:
    @pytest.mark.parametrize("query", LEGITIMATE)
    def test_runs(self, session: AuditSession, query: str) -> None:
        if "attributes['device']" in query:  # only what `outcomes` has can be grouped by
            query = query.replace("attributes['device']", "site || view")
        rows = session.query(query).rows()
        expected = LEGITIMATE.get(query)
        assert rows
        if expected is not None:
            assert next(iter(rows[0].values())) == expected

    def test_parameters(self, session: AuditSession) -> None:
        found = session.query(
            "SELECT count(*) AS n FROM images WHERE site = $site AND age > $age", {"site": "A", "age": 0}
        )
        assert found.rows() == [{"n": 80}]
        with pytest.raises(UsageError, match="site"):
            session.query("SELECT $site")

    def test_a_parameter_is_a_value_and_no_sql(self, session: AuditSession) -> None:
        nasty = "x' OR 1=1; DROP VIEW images; --"
        assert session.query("SELECT count(*) AS n FROM images WHERE site = $x", {"x": nasty}).rows() == [{"n": 0}]

    def test_names_of_one_column_twice_are_told_apart(self, session: AuditSession) -> None:
        assert session.query("SELECT 1 AS a, 2 AS a, 3 AS a").rows() == [{"a": 1, "a_1": 2, "a_2": 3}]
        assert session.query("SELECT 1 AS a, 2 AS a").arrow().column_names == ["a", "a_1"]

    def test_another_query_ends_the_rows_of_the_first(self, session: AuditSession) -> None:
        rows = iter(session.query("SELECT * FROM range(100000)"))
        next(rows)
        session.query("SELECT 1").rows()
        with pytest.raises(ClearKbError, match="another query"):
            list(rows)

    @pytest.mark.soak
    def test_time_between_rows_does_not_count(self, ward_kb: KnowledgeBase) -> None:
        with AuditSession(ward_kb, Limits(timeout_s=1.5)) as session:
            rows = iter(session.query("SELECT * FROM range(20000)"))
            next(rows)
            time.sleep(1.6)
            assert sum(1 for _ in rows) == 19_999


class TestMessages:
    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("SELECT aurok FROM metrics", "did you mean auroc"),
            ("SELECT m.aurok FROM metrics m", "did you mean auroc"),
            ("SELECT * FROM metricks", "did you mean metrics"),
            ("SELECT *\nFROM metrics\nWHERE labell = 'x'", "line 3: WHERE >>>labell"),
            ("SELECT 'a'::INTEGER", "Could not convert"),
            ("SELECT run, count(*) FROM metrics", "GROUP BY"),
            ("SELEC 1", "syntax error"),
            ("SELECT 1 FROM metrics WHERE", "line 1"),
            ("SELECT foo(1)", "foo"),
        ],
    )
    def test_says_what_and_where(self, session: AuditSession, query: str, message: str) -> None:
        with pytest.raises(UsageError, match=message.replace("(", r"\(")) as error:
            session.query(query).rows()
        _assert_plain(error.value)

    @pytest.mark.parametrize("memory", ["much", "-1GB", "0GB", "2", "1XB", "99999999TB"])
    def test_memory_is_a_size(self, memory: str) -> None:
        with pytest.raises(UsageError, match=r"^memory "):
            Limits(memory=memory)

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
    def test_time_is_above_nothing(self, seconds: float) -> None:
        with pytest.raises(UsageError, match=r"^timeout "):
            Limits(timeout_s=seconds)

    def test_checking_alone_needs_no_knowledge_base(self) -> None:
        assert check_query("SELECT 1 ; ", ["metrics"]) == "SELECT 1"


def test_a_writer_is_not_held_up_by_a_session_nor_seen_by_it(tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "busy.kb", by="tester")
    row = {"image_id": "i", "label": "x", "value": 1, "source": "s"}
    fill(kb, labels=[row])
    with AuditSession(kb.at(kb.commit.commit_id)) as session:
        rows = iter(session.query("SELECT * FROM labels, range(100000)"))
        next(rows)
        writer = threading.Thread(target=lambda: fill(KnowledgeBase.open(kb.uri), labels=[row], runs=[run("r")]))
        writer.start()
        writer.join(20)
        assert not writer.is_alive()
        assert sum(1 for _ in rows) == 99_999
        assert session.query("SELECT count(*) AS n FROM labels").rows() == [{"n": 1}]
    with AuditSession(KnowledgeBase.open(kb.uri)) as session:
        assert session.query("SELECT count(*) AS n FROM labels").rows() == [{"n": 2}]


@pytest.mark.soak
def test_what_is_made_for_a_query_is_no_part_of_its_time(ward_kb: KnowledgeBase) -> None:
    """The vectors of a large vocabulary may take minutes to make, once."""

    def slow() -> pa.Table:
        time.sleep(1.2)
        return pa.table({"image_id": ["i"]})

    with Views(ward_kb, Limits(timeout_s=1), more={"image_vectors": slow}) as views:
        assert views.run("SELECT image_id FROM image_vectors").rows() == [{"image_id": "i"}]
        assert views.run("SELECT count(*) AS n FROM image_vectors").rows() == [{"n": 1}]


@pytest.mark.soak
def test_a_process_is_handed_on_and_holds_nothing_of_the_session_before(
    ward_kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_spares()
    with AuditSession(ward_kb) as session:
        session.query("SELECT count(*) FROM predictions").rows()
        first = session._process
    other = KnowledgeBase.create(tmp_path / "other.kb", by="tester")
    monkeypatch.chdir(tmp_path)
    with AuditSession(KnowledgeBase.open("other.kb"), Limits(memory="64MB")) as session:
        assert session.query("SELECT count(*) AS n FROM predictions").rows() == [{"n": 0}]
        assert session._process is first
        with pytest.raises(ClearKbError, match="more than 64MB"):
            session.query("SELECT list(range) FROM range(100000000)").rows()
    assert other.commit == KnowledgeBase.open("other.kb").commit


def test_a_process_that_is_still_at_work_is_not_handed_on(ward_kb: KnowledgeBase) -> None:
    session = AuditSession(ward_kb)
    errors: list[str] = []

    def ask() -> None:
        try:
            session.query("SELECT sum(sqrt(a.range * b.range)) FROM range(200000) a, range(200000) b").rows()
        except ClearKbError as error:
            errors.append(str(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    time.sleep(0.5)
    process = session._process
    session.close()
    asking.join(30)
    assert errors and process is not None and not process.alive
