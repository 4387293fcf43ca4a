"""`audit shell`: a conversation over a pipe, and with a person at a terminal."""

from __future__ import annotations

import io
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kb.knowledge_base import KnowledgeBase
from kb.sql.session import AuditSession
from kb.sql.shell import Shell, ends, words
from kb.sql.terminal import run_lines

COMMAND = Path(sys.executable).with_name("clear-kb")


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("SELECT 1;", True),
        ("SELECT 1;  -- all", True),
        ("SELECT 1", False),
        ("SELECT ';'", False),
        ("SELECT 'a;\n", False),
        ("SELECT 'it''s;';", True),
        ("SELECT 1 -- ;", False),
        ("SELECT /* ; */ 1", False),
        ("SELECT /* ;", False),
        ('SELECT "a;"', False),
        ("SELECT $$;$$", False),
        ("SELECT $$;$$ ;\n", True),
    ],
)
def test_where_a_query_ends(text: str, done: bool) -> None:
    assert ends(text) is done


class Talk:
    def __init__(self, session: AuditSession):
        self.out, self.errors = io.StringIO(), io.StringIO()
        self.shown: list[tuple[list[dict[str, Any]], str]] = []
        show = lambda result, sql, output, values: self.shown.append((result.rows(), output.value))  # noqa: E731
        self.shell = Shell(session, show, self.out, errors=self.errors)

    def __call__(self, *lines: str) -> Talk:
        run_lines(self.shell, lines)
        return self


@pytest.fixture
def talk(session: AuditSession) -> Talk:
    return Talk(session)


class TestConversation:
    def test_queries_over_lines_and_the_last_without_a_semicolon(self, talk: Talk) -> None:
        talk("SELECT 1", "  AS a", ";", "", "SELECT 2 AS a; -- b", "SELECT 3 AS a")
        assert [rows for rows, _ in talk.shown] == [[{"a": 1}], [{"a": 2}], [{"a": 3}]]
        assert not talk.shell.failed

    def test_formats(self, talk: Talk) -> None:
        talk("SELECT 1;", ".format csv", "SELECT 1;", ".format xml", ".format json", "SELECT 1;")
        assert [output for _, output in talk.shown] == ["table", "csv", "json"]
        assert "table|json|csv" in talk.errors.getvalue()

    def test_what_there_is(self, talk: Talk) -> None:
        talk(".tables", ".schema errors", ".queries", ".help")
        told = talk.out.getvalue()
        for word in ("outcomes", "margin", "label_noise", ".run NAME"):
            assert word in told

    def test_a_named_query(self, talk: Talk) -> None:
        talk('.run calibration run=good source=reader bins=2 label="pleural effusion"')
        ((rows, _),) = talk.shown
        assert len(rows) == 2

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (".nope", ".tables"),
            (".run", "which query"),
            (".run drift x", "NAME=VALUE"),
            (".run drift x=1", "no parameter 'x'"),
            (".schema metrix", "did you mean metrics"),
            ('.run drift a="', "quotation mark"),
            ("SELEC 1;", "syntax error"),
            ("DROP VIEW metrics;", "only SELECT"),
            ("SELECT * FROM stored.images;", "no view"),
        ],
    )
    def test_an_error_is_told_and_it_goes_on(self, talk: Talk, line: str, message: str) -> None:
        talk(line, "SELECT 1 AS a;")
        assert message in talk.errors.getvalue()
        assert talk.errors.getvalue().startswith("error: ")
        assert talk.shell.failed
        assert [rows for rows, _ in talk.shown] == [[{"a": 1}]]

    def test_quit_leaves_what_follows(self, talk: Talk) -> None:
        talk("SELECT 1;", ".quit", "SELECT 2;")
        assert len(talk.shown) == 1

    def test_completion_knows_views_columns_functions_and_words(self) -> None:
        assert {"metrics", "auroc_low", "metrics_by(", "age_band(", ".schema", "SELECT", "calibration"} <= set(words())


class TestPipe:
    def _run(self, kb: KnowledgeBase, said: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(COMMAND), "audit", "shell", "--kb", kb.uri, *arguments]
        return subprocess.run(command, input=said, capture_output=True, text=True, timeout=60)

    @pytest.mark.soak
    def test_no_prompt_is_printed(self, ward_kb: KnowledgeBase) -> None:
        done = self._run(ward_kb, "SELECT 7 AS a;\n.format json\nSELECT 8 AS a;", "--format", "csv")
        assert (done.returncode, done.stdout, done.stderr) == (0, 'a\n7\n[\n  {"a": 8}\n]\n', "")

    @pytest.mark.soak
    def test_a_query_that_failed_is_the_exit_code(self, ward_kb: KnowledgeBase) -> None:
        done = self._run(ward_kb, "SELEC;\nSELECT 8 AS a;", "--format", "csv")
        assert (done.returncode, done.stdout) == (1, "a\n8\n")
        assert "Traceback" not in done.stderr


class Terminal:
    """A shell at a pseudo-terminal, as a person has it."""

    def __init__(self, kb: KnowledgeBase, home: Path):
        self._own, other = pty.openpty()
        self.process = subprocess.Popen(
            [str(COMMAND), "audit", "shell", "--kb", kb.uri, "--timeout", "50"],
            stdin=other,
            stdout=other,
            stderr=other,
            env={
                **os.environ,
                "XDG_STATE_HOME": str(home),
                "TERM": "dumb",
                "NO_COLOR": "1",
                "PROMPT_TOOLKIT_NO_CPR": "1",
            },
            preexec_fn=lambda: (os.setsid(), signal.signal(signal.SIGINT, signal.default_int_handler))[0],
        )
        os.close(other)
        os.set_blocking(self._own, False)
        self.seen = ""

    def say(self, text: str) -> None:
        os.write(self._own, text.encode())

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """What was printed until `text` has come."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen!r}"
            try:
                self.seen += os.read(self._own, 65536).decode(errors="replace")
            except (BlockingIOError, OSError):
                time.sleep(0.02)
        before, _, self.seen = self.seen.partition(text)
        return before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._own)


@pytest.fixture
def terminal(ward_kb: KnowledgeBase, tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    opened: list[Terminal] = []

    def start() -> Terminal:
        opened.append(Terminal(ward_kb, tmp_path))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


class TestTerminal:
    def test_ctrl_c_stops_the_query_and_not_the_shell(self, terminal: Callable[[], Terminal], tmp_path: Path) -> None:
        shell = terminal()
        shell.wait_for("audit> ")
        shell.say("SELECT 41 + 1\r")
        shell.wait_for("...> ")
        shell.say("AS answer;\r")
        shell.wait_for("42")
        shell.say("SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c;\r")
        time.sleep(1)
        os.kill(shell.process.pid, signal.SIGINT)
        shell.wait_for("stopped")
        shell.say("SELECT 6 * 7 AS again;\r")
        shell.wait_for("again")
        shell.wait_for("42")
        shell.say(".quit\r")
        shell.process.wait(20)
        assert shell.process.returncode == 0
        (history,) = tmp_path.rglob("audit_history")
        assert "answer" in history.read_text(encoding="utf-8")
        assert stat.S_IMODE(history.stat().st_mode) == 0o600
        assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
