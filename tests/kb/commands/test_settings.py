"""Settings of a folder: what counts before what, which names are refused, and what a setting must not break."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import COMMANDS, app
from kb.commands.failures import describe, exit_code
from kb.commands.settings import FILE, SOMEWHERE, command_defaults
from kb.errors import UsageError
from tests.support.chat_endpoint import ChatEndpoint
from tests.support.reports import REPORTS, write_csv

Run = Callable[..., Result]

TABLE = {
    "init": ("module", "function", "help"),
    "embed": ("module", "function", "help"),
    "ingest": (
        "help",
        {"reports": ("module", "function", "help"), "preview": ("module", "function", "help")},
    ),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, in an empty folder; an error is what a person reads of it."""
    monkeypatch.chdir(tmp_path)
    for name in ("CLEAR_KB", "CLEAR_KB_AUTHOR", "CLEAR_KB_EMBEDDER", "CLEAR_KB_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, code: int = 0, environment: Mapping[str, str] | None = None) -> Result:
        told = {"COLUMNS": "200", "NO_COLOR": "1", **(environment or {})}
        done = CliRunner().invoke(app, [*map(str, arguments)], env=told)
        if isinstance(done.exception, Exception):
            done.exit_code = exit_code(done.exception)
            done.stderr_bytes = describe(done.exception).encode()
        assert done.exit_code == code, done.stdout + done.stderr
        return done

    return run


def settle(folder: Path, text: str, name: str = FILE) -> dict[str, Any]:
    (folder / name).write_text(text, encoding="utf-8")
    return command_defaults(TABLE, folder)


def author(run: Run, uri: str) -> str:
    return json.loads(run("log", "--kb", uri, "--format", "json").stdout)[-1]["by"]


class TestPrecedence:
    """One place after the other is added, the weakest first."""

    def test_the_command_line_then_the_environment_then_the_file_then_the_default(
        self, run: Run, tmp_path: Path
    ) -> None:
        run("init")
        assert (tmp_path / "clear.kb").is_dir()
        (tmp_path / FILE).write_text('kb = "file.kb"\nby = "file"\n')
        run("init")
        assert author(run, "file.kb") == "file"
        told = {"CLEAR_KB": "environment.kb", "CLEAR_KB_AUTHOR": "environment"}
        run("init", environment=told)
        assert author(run, "environment.kb") == "environment"
        run("init", "--kb", "typed.kb", "--by", "typed", environment=told)
        assert author(run, "typed.kb") == "typed"

    def test_what_is_settled_for_one_command_comes_before_what_is_settled_for_all(
        self, run: Run, tmp_path: Path
    ) -> None:
        (tmp_path / FILE).write_text('by = "ada"\n[init]\nby = "bob"\n')
        run("init", "--kb", "x.kb")
        assert author(run, "x.kb") == "bob"

    def test_the_embedder_comes_from_the_file_and_the_environment_comes_before_it(
        self, run: Run, tmp_path: Path, tiny_model: Path
    ) -> None:
        write_csv(tmp_path / "r.csv", REPORTS)
        run("ingest", "reports", "r.csv", "--no-embed", "--quiet")
        (tmp_path / FILE).write_text('embedder = "./no-such-model"\n')
        assert "no-such-model" in run("embed", code=1).stderr
        run("embed", environment={"CLEAR_KB_EMBEDDER": str(tiny_model)})


class TestWhereSettingsAre:
    def test_the_nearest_folder_upwards_counts(self, tmp_path: Path) -> None:
        settle(tmp_path, 'by = "far"')
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        assert command_defaults(TABLE, inner)["init"] == {"by": "far"}
        assert settle(tmp_path / "a", 'by = "near"')["init"] == {"by": "near"}
        assert command_defaults(TABLE, inner)["init"] == {"by": "near"}

    def test_a_project_file_with_a_table_of_ours_is_one(self, tmp_path: Path) -> None:
        told = settle(
            tmp_path, '[tool.clear-kb]\nkb = "p.kb"\n[tool.clear-kb.ingest.reports]\nworkers = 4', "pyproject.toml"
        )
        assert told["embed"] == {"kb": "p.kb"}
        assert told["ingest"]["reports"] == {"kb": "p.kb", "workers": 4}

    def test_a_project_file_without_one_is_passed_by(self, tmp_path: Path) -> None:
        settle(tmp_path, 'by = "far"')
        (tmp_path / "inner").mkdir()
        assert settle(tmp_path / "inner", "[tool.other]\nx = 1", "pyproject.toml")["init"] == {"by": "far"}

    def test_the_command_line_reads_the_table_of_a_project(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text('[tool.clear-kb]\nkb = "p.kb"\nby = "ada"\n')
        run("init")
        assert author(run, "p.kb") == "ada"


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('embeder = "x"', "no setting 'embeder': did you mean 'embedder'"),
            ("[ingets.reports]\nworkers = 1", "no command 'ingets'"),
            ("[ingest.report]\nworkers = 1", "no command 'ingest report': did you mean 'ingest reports'"),
            ("[ingest]\nworkers = 1", "is a group"),
            ("kb = 3", "a text was expected"),
            ("kb = ", "no TOML"),
        ],
    )
    def test_a_wrong_file_is_named_with_what_is_wrong(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(UsageError, match=message) as refused:
            settle(tmp_path, text)
        assert FILE in str(refused.value)

    def test_an_option_that_a_command_has_not_is_refused_with_the_nearest(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / FILE).write_text("[ingest.reports]\nworkrs = 4\n")
        assert "no option 'workrs': did you mean 'workers'" in run("ingest", "reports", "r.csv", code=2).stderr
        run("init", "--kb", "others-are-not-touched.kb")

    def test_a_value_of_the_wrong_kind_is_refused_by_the_name_of_its_option(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / FILE).write_text('[ingest.reports]\nworkers = "many"\n')
        assert "--workers" in run("ingest", "reports", "r.csv", code=2).stderr

    def test_long_names_are_those_that_help_shows(self, run: Run, tmp_path: Path) -> None:
        write_csv(tmp_path / "r.csv", REPORTS)
        (tmp_path / FILE).write_text('[ingest.preview]\nn = 1\nformat = "json"\nmap = ["id=uid"]\n')
        assert run("ingest", "preview", "r.csv").stdout.count('"report_id"') == 1


class TestTheEndpoint:
    """It says where a language model is, and not that one is to be asked."""

    @pytest.mark.parametrize("place", ["file", "environment"])
    def test_the_rules_do_not_look_at_it(self, run: Run, tmp_path: Path, place: str) -> None:
        write_csv(tmp_path / "r.csv", REPORTS)
        endpoint = "m@http://127.0.0.1:9/v1"  # nothing listens there
        if place == "file":
            (tmp_path / FILE).write_text(f'endpoint = "{endpoint}"\n')
        told = {"CLEAR_KB_ENDPOINT": endpoint} if place == "environment" else {}
        run("ingest", "preview", "r.csv", environment=told)
        run("ingest", "reports", "r.csv", "--no-embed", "--quiet", environment=told)
        assert json.loads(run("status", "--format", "json").stdout)["reports"] == len(REPORTS)

    def test_a_model_that_is_typed_for_the_rules_is_still_refused(self, run: Run, tmp_path: Path) -> None:
        write_csv(tmp_path / "r.csv", REPORTS)
        assert "takes no model" in run("ingest", "preview", "r.csv", "--model", "m@http://x/v1", code=2).stderr

    @pytest.mark.parametrize("place", ["file", "environment"])
    def test_a_language_model_is_asked_there(self, run: Run, tmp_path: Path, place: str) -> None:
        write_csv(tmp_path / "r.csv", REPORTS)
        with ChatEndpoint(lambda *_: []) as server:
            if place == "file":
                (tmp_path / FILE).write_text(f'endpoint = "{server.model}"\n')
            told = {"CLEAR_KB_ENDPOINT": server.model} if place == "environment" else {}
            run("ingest", "preview", "r.csv", "--extractor", "llm", environment=told)
            assert server.requests

    def test_a_model_that_is_typed_comes_before_it(self, run: Run, tmp_path: Path) -> None:
        write_csv(tmp_path / "r.csv", REPORTS)
        (tmp_path / FILE).write_text('endpoint = "m@http://127.0.0.1:9/v1"\n')
        with ChatEndpoint(lambda *_: []) as server:
            run("ingest", "preview", "r.csv", "--extractor", "llm", "--model", server.model)
            assert server.requests


def test_help_names_the_variables(run: Run) -> None:
    reports = run("ingest", "reports", "--help").stdout
    for variable in ("CLEAR_KB", "CLEAR_KB_AUTHOR", "CLEAR_KB_EMBEDDER", "CLEAR_KB_ENDPOINT"):
        assert f"[env var: {variable}]" in reports
    assert "[env var: CLEAR_KB_ENDPOINT]" in run("ingest", "preview", "--help").stdout
    assert "[env var: CLEAR_KB_EMBEDDER]" in run("embed", "--help").stdout


def test_every_setting_is_an_option_of_the_commands_it_is_for(run: Run) -> None:
    for name, options in SOMEWHERE.items():
        assert options
        for command, option in options:
            assert f"--{option}" in run(*command.split(), "--help").stdout, f"{name}: {command} has no --{option}"


def test_the_commands_of_the_program_are_read_as_those_of_the_table(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('by = "ada"')
    defaults = command_defaults(COMMANDS, tmp_path)
    assert defaults["vocab"]["accept"] == defaults["check"] == {"by": "ada"}
