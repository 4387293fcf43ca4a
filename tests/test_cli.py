"""The command line as a person or a script meets it: what it prints, where, and how it exits."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest

import cli as command_line
from ingest.demo import write_phantom_reports
from kb.errors import ClearKbError
from tests.support.paths import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]
RunJson = Callable[..., Any]

COMMANDS = [
    "demo",
    "init",
    "status",
    "log",
    "tag",
    "embed",
    "vocab embedder",
    "ingest reports",
    "ingest preview",
    "ingest images",
    "ingest labels",
    "ingest predictions",
    "train",
    "import-checkpoint",
    "import-release",
    "encode",
    "predict zero-shot",
    "predict probe",
    "predict bottleneck",
    "explain",
    "images search",
    "evaluate",
    "audit sql",
    "audit queries",
    "audit run",
    "audit shell",
    "audit export",
    "audit confounders",
    "audit slices",
    "audit attribution",
    "audit report",
    "observations export",
    "observations compare",
    "observations disputed",
    "observations decide",
    "observations review",
    "vocab search",
    "vocab show",
    "vocab list",
    "vocab stats",
    "vocab wordings",
    "vocab add",
    "vocab accept",
    "vocab reject",
    "vocab rename",
    "vocab merge",
    "vocab retire",
    "vocab synonym",
    "vocab facet",
    "vocab note",
    "vocab revert",
    "vocab changes",
    "vocab diff",
    "vocab apply",
    "vocab distinct",
    "vocab map",
    "vocab suggest",
    "vocab review",
    "vocab export",
    "vocab import",
    "vocab link",
    "index",
    "check",
    "restore",
    "gc",
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "reports.csv"
    write_phantom_reports(path, 40, seed=5)
    return path


@pytest.fixture
def ingested(cli: Run, source: Path) -> str:
    """The name of a knowledge base that holds the phantom reports, not embedded."""
    cli("ingest", "reports", source, "--kb", "x.kb", "--no-embed", "--quiet")
    return "x.kb"


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_tells_what_it_does(self, cli: Run, command: str) -> None:
        told = cli(*command.split(), "--help").stdout
        assert "Usage: clear-kb" in told
        assert len(told) > 300

    def test_help_loads_nothing_heavy(self) -> None:
        heavy = ("torch", "spacy", "lancedb", "lance", "duckdb", "pyarrow", "numpy")
        script = f"import sys, cli; print([m for m in {heavy} if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
        assert done.stdout.strip() == "[]"


class TestTheTour:
    def test_reports_in_concepts_out(self, cli: Run, cli_json: RunJson, source: Path, tmp_path: Path) -> None:
        first = cli_json("ingest", "reports", source, "--kb", "x.kb", "--by", "ada", "--why", "pilot")
        assert (first["read"], first["new"], first["rejected"]) == (40, 40, 0)
        assert first["embedded"] == first["new_concepts"] > 20

        second = cli_json("ingest", "reports", source, "--kb", "x.kb")
        assert (second["new"], second["unchanged"], second["commit"]) == (0, 40, None)

        status = cli_json("status", "--kb", "x.kb")
        assert (status["reports"], status["not_embedded"]) == (40, 0)
        assert status["embedder"]["name"] == "all-MiniLM-L6-v2"

        (hit,) = cli_json("vocab", "search", "fluid in the pleural space", "--kb", "x.kb", "--k", "1")
        assert set(hit) >= {"concept_id", "text", "assertion", "score"}
        assert "effusion" in hit["text"]

        shown = cli_json("vocab", "show", hit["concept_id"], "--kb", "x.kb")
        assert shown["mentions"] >= len(shown["evidence"]) >= 1
        for mention in shown["evidence"]:
            assert mention["text"] == " ".join(mention["sentence"][a:b] for a, b in mention["spans"])

        log = cli_json("log", "--kb", "x.kb")
        assert (log[0]["operation"], log[0]["by"], log[0]["why"]) == (
            "ingest reports",
            "ada",
            "pilot",
        )

        cli("observations", "export", "-o", "out.jsonl", "--kb", "x.kb")
        schema = json.loads((ROOT / "schemas" / "observation.schema.json").read_text(encoding="utf-8"))
        lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == status["observations"]
        for line in lines:
            jsonschema.validate(json.loads(line), schema)

    @pytest.mark.soak
    def test_tables_are_for_people(self, cli: Run, ingested: str) -> None:
        assert "observations" in cli("status", "--kb", ingested).stdout
        assert "ingest reports" in cli("log", "--kb", ingested).stdout
        listed = cli("vocab", "list", "--kb", ingested, "-n", "3").stdout
        assert "mentions" in listed
        (concept_id,) = [line.split()[0] for line in listed.splitlines() if line.startswith("C")][:1]
        assert "evidence" in cli("vocab", "show", concept_id[:9], "--kb", ingested).stdout

    @pytest.mark.soak
    def test_tag_and_read_at_it(self, cli: Run, cli_json: RunJson, ingested: str) -> None:
        cli("tag", "v1", "--kb", ingested, "--why", "release")
        cli("embed", "--kb", ingested)
        assert cli_json("status", "--kb", ingested)["not_embedded"] == 0
        assert cli_json("status", "--kb", ingested, "--at", "v1")["not_embedded"] > 0
        assert cli_json("tag", "--kb", ingested)[0]["tag"] == "v1"

    def test_init_makes_an_empty_one(self, cli: Run, cli_json: RunJson) -> None:
        cli("init", "--kb", "new.kb", "--by", "ada")
        assert cli_json("status", "--kb", "new.kb")["reports"] == 0
        assert cli_json("vocab", "list", "--kb", "new.kb") == []

    def test_search_without_vectors_says_so_and_finds_words(self, cli: Run, ingested: str) -> None:
        done = cli("vocab", "search", "effusion", "--kb", ingested, "--format", "json")
        assert "not embedded" in done.stderr
        assert json.loads(done.stdout)

    def test_csv_is_csv(self, cli: Run, ingested: str) -> None:
        lines = cli("vocab", "list", "--kb", ingested, "--format", "csv", "-n", "2").stdout.splitlines()
        assert lines[0] == "concept_id,text,assertion,status,mentions,reports"
        assert len(lines) == 3

    @pytest.mark.soak
    def test_the_environment_names_the_knowledge_base(self, ingested: str, tmp_path: Path) -> None:
        command = [Path(sys.executable).with_name("clear-kb"), "status", "--format", "json"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"CLEAR_KB": ingested, "PATH": "/usr/bin"},
            capture_output=True,
            text=True,
        )
        assert json.loads(done.stdout)["reports"] == 40


class TestOutput:
    def test_quiet_says_nothing(self, cli: Run, source: Path) -> None:
        done = cli("ingest", "reports", source, "--kb", "q.kb", "--no-embed", "--quiet")
        assert (done.stdout, done.stderr) == ("", "")

    def test_json_is_alone_on_standard_output(self, cli: Run, source: Path) -> None:
        done = cli("ingest", "reports", source, "--kb", "j.kb", "--no-embed", "--format", "json")
        assert json.loads(done.stdout)["new"] == 40

    def test_a_dry_run_makes_no_knowledge_base(self, cli: Run, cli_json: RunJson, source: Path, tmp_path: Path) -> None:
        told = cli_json("ingest", "reports", source, "--kb", "dry.kb", "--dry-run")
        assert (told["new"], told["commit"]) == (40, None)
        assert not (tmp_path / "dry.kb").exists()

    @pytest.mark.soak
    def test_a_reader_that_leaves_early_is_no_error(self, cli: Run, ingested: str, tmp_path: Path) -> None:
        command = f"{Path(sys.executable).with_name('clear-kb')} observations export -o - --kb {ingested} | head -n 1"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True)
        assert json.loads(done.stdout)
        assert "Traceback" not in done.stderr
        assert "error" not in done.stderr


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["status", "--kb", "none.kb"], 2, "there is no knowledge base"),
            (["ingest", "reports", "none.csv"], 2, "none.csv"),
            (["ingest", "reports", "reports.csv", "--map", "text"], 2, "KEY=VALUE"),
            (["ingest", "reports", "reports.csv", "--map", "text=Nope"], 2, "Nope"),
            (["ingest", "reports", "reports.csv", "--source-format", "docx"], 2, "docx"),
            (["ingest", "reports", "reports.csv", "--extractor", "magic"], 2, "magic"),
            (["ingest", "reports", "reports.csv", "--sections", ","], 2, "--sections"),
            (["ingest", "reports", "reports.csv", "--embedder", "openai:model"], 2, "openai:MODEL@URL"),
            (["ingest", "reports", "reports.csv", "--embedder", "./no-such-model"], 1, "no-such-model"),
            (["ingest", "reports", "empty.csv"], 1, "empty"),
            (["ingest", "reports", "pictures"], 2, "pictures"),
            (["vocab", "show", "Cffff", "--kb", "x.kb"], 2, "no concept"),
            (["vocab", "show", "what is this", "--kb", "x.kb"], 2, "no concept is called"),
            (["vocab", "search", " ", "--kb", "x.kb"], 2, "some words"),
            (["vocab", "list", "--kb", "x.kb", "--at", "v9"], 2, "no commit, tag or branch"),
            (["vocab", "list", "--kb", "x.kb", "--assertion", "maybe"], 2, "maybe"),
            (["observations", "export", "-o", "no/such/folder.jsonl", "--kb", "x.kb"], 2, "no folder"),
            (["init", "--kb", "x.kb"], 2, "already"),
            (["nonsense"], 2, "nonsense"),
        ],
    )
    def test_one_message_and_an_exit_code(
        self, cli: Run, ingested: str, tmp_path: Path, arguments: list[str], code: int, message: str
    ) -> None:
        (tmp_path / "empty.csv").touch()
        (tmp_path / "pictures").mkdir()
        (tmp_path / "pictures" / "a.jpg").write_bytes(b"\xff\xd8")
        done = cli(*arguments, code=code)
        assert message in " ".join(done.stderr.split())
        assert done.stdout == ""

    def test_a_mistyped_name_leaves_no_knowledge_base_behind(self, cli: Run, tmp_path: Path) -> None:
        cli("ingest", "reports", "none.csv", "--kb", "new.kb", code=2)
        assert not (tmp_path / "new.kb").exists()

    def test_a_file_of_nothing_but_rejects_fails_and_names_where_to_look(
        self, cli: Run, cli_json: RunJson, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.csv").write_bytes(b"uid,findings\n1,\xe9panchement\n2,\xe9\n")
        done = cli("ingest", "reports", "bad.csv", "--kb", "b.kb", code=1)
        assert "status --rejects" in done.stdout
        rejects = cli_json("status", "--kb", "b.kb", "--rejects")
        assert len(rejects) == 2
        assert all("encoding" in reject["reason"] for reject in rejects)

    @pytest.mark.soak
    def test_interrupted_it_says_how_to_go_on(self, tmp_path: Path) -> None:
        import signal

        write_phantom_reports(tmp_path / "many.csv", 8_000, seed=1)
        command = [
            Path(sys.executable).with_name("clear-kb"),
            "ingest",
            "reports",
            "many.csv",
            "--no-embed",
            "--workers",
            "1",
        ]
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            # A test run in the background may have been told to ignore Ctrl-C, and would hand that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while not list(tmp_path.glob("clear.kb/_staging/*.sqlite")):
            time.sleep(0.05)
            assert process.poll() is None
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "goes on from here" in stderr
        assert "Traceback" not in stderr


class PanicException(BaseException):
    """What a panic in Rust is in Python: no Exception."""


UNFORESEEN = [
    (sqlite3.OperationalError("database or disk is full"), "OperationalError: database or disk is full"),
    (
        pa.ArrowInvalid("External error:\n  Not found: a.lance,\n/x/lance/rust/io.rs:12:9"),
        "ArrowInvalid: External error",
    ),
    (OSError("LanceError(IO): Generic\nS3 error, location: rust/lance-io/src/a.rs:7"), "OSError: LanceError(IO): Gen"),
    (
        UnicodeDecodeError("utf-8", b"caf\xe9", 3, 4, "unexpected end of data"),
        "UnicodeDecodeError: 'utf-8' codec can't",
    ),
    (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum recursion depth exceeded"),
    (MemoryError(), "MemoryError: not enough memory"),
    (KeyError("finding"), "KeyError: 'finding'"),
    (AssertionError(), "AssertionError (this"),
    (PanicException("index out of bounds"), "PanicException: index out of bounds"),
    (ValueError("\x1b]0;title\x07\x1b[2J a\u2028b\u202ec\ud800d \x9b31m"), "ValueError: \\x1b]0;title"),
    (ValueError("word " * 10_000), "ValueError: word word"),
    (IsADirectoryError(21, "Is a\ndirectory", "a\nb.csv"), "a b.csv: Is a directory"),
]


class TestWhateverElseIsRaised:
    """It reaches a person as one line and exit 1."""

    @pytest.fixture
    def raising(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
        def run(error: BaseException, code: int = 1) -> str:
            def app() -> None:
                raise error

            monkeypatch.setattr(command_line, "app", app)
            with pytest.raises(SystemExit) as ended:
                command_line.main()
            assert ended.value.code == code
            return capsys.readouterr().err

        return run

    @pytest.mark.parametrize(("error", "told"), UNFORESEEN, ids=lambda case: getattr(case, "__class__", str).__name__)
    def test_any_error_is_one_plain_line(self, raising: Callable[..., str], error: BaseException, told: str) -> None:
        line = raising(error)
        assert line.startswith(f"error: {told}")
        assert line.removesuffix("\n").isprintable()
        assert ".rs:" not in line
        assert len(line) < 500
        assert "CLEAR_KB_DEBUG=1" in line or isinstance(error, IsADirectoryError)

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (
                OSError(
                    "LanceError(IO): Generic LocalFileSystem error: Unable to open file /b/a b.kb/tags.lance/_versions/"
                    "18.manifest#1: Permission denied (os error 13)"
                ),
                "/b/a b.kb/tags.lance/_versions/18.manifest: Permission denied",
            ),
            (OSError(errno.ENOSPC, "No space left on device", "/ours/a", None, "/copy/a"), "/copy/a: No space left"),
            (OSError(errno.EACCES, "Permission denied", "/ours/a", None, "/copy/a"), "/ours/a: Permission denied"),
        ],
    )
    def test_what_may_not_be_or_has_no_room_is_named(
        self, raising: Callable[..., str], error: BaseException, told: str
    ) -> None:
        assert raising(error).startswith(f"error: {told}")

    def test_ctrl_c_is_no_error(self, raising: Callable[..., str]) -> None:
        assert raising(KeyboardInterrupt(), code=130).startswith("interrupted: ")
        told = "Invalid Input Error: reading the stream failed: KeyboardInterrupt: "  # as DuckDB has it of a stream
        assert raising(RuntimeError(told), code=130).startswith("interrupted: ")

    @pytest.mark.parametrize(("debug", "shown"), [("1", True), ("", False), ("0", False)])
    def test_the_traceback_is_shown_on_demand(
        self, raising: Callable[..., str], monkeypatch: pytest.MonkeyPatch, debug: str, shown: bool
    ) -> None:
        monkeypatch.setenv("CLEAR_KB_DEBUG", debug)
        for error in (ZeroDivisionError("division by zero"), ClearKbError("the disk is full")):
            told = raising(error)
            assert ("Traceback" in told) == shown
            assert told.splitlines()[-1].startswith("error: ")

    @pytest.mark.soak
    def test_a_data_file_that_is_gone_is_one_line_and_nothing_is_written(
        self, cli: Run, ingested: str, tmp_path: Path
    ) -> None:
        for path in (tmp_path / ingested / "observations.lance" / "data").iterdir():
            path.unlink()
        shown, wrote = cli("observations", "export", "-o", "x.csv", "--kb", ingested).stderr.splitlines()
        assert "is gone" in shown and "what is shown is commit" in shown
        assert wrote.startswith("wrote 0 observations of commit")
        told = cli("vocab", "add", "azygos lobe", "--kb", ingested, code=1).stderr.splitlines()[-1]
        assert told.startswith("error: ") and "clear-kb repair" in told

    def test_through_the_installed_command_too(self, tmp_path: Path) -> None:
        command = Path(sys.executable).with_name("clear-kb")
        for debug in ("", "1"):
            done = subprocess.run(
                [command, "vocab", "list", "--kb", tmp_path / "nowhere.kb"],
                capture_output=True,
                text=True,
                env={**os.environ, "CLEAR_KB_DEBUG": debug},
            )
            assert done.returncode == 2
            assert done.stderr.splitlines()[-1].startswith("error: ")
            assert ("Traceback" in done.stderr) == bool(debug)
