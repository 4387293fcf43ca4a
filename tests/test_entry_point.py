"""The installed command itself: its version, and completion as shells ask for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def completed(cli: Run, line: str) -> list[str]:
    """What bash is offered where the cursor stands at the end of `line`."""
    words = line.split(" ")
    told = {"_CLEAR_KB_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return cli(environment=told).stdout.split()


def test_the_version_is_the_installed_one(cli: Run) -> None:
    assert cli("--version").stdout == f"clear-kb {version('clear-kb')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_set_up_for_a_shell(cli: Run, shell: str) -> None:
    script = cli(environment={"_CLEAR_KB_COMPLETE": f"source_{shell}"}).stdout
    assert f"complete_{shell}" in script
    assert "clear-kb" in script


def test_completion_is_shown_to_the_shell_that_asks(tmp_path: Path) -> None:
    command = f"{Path(sys.executable).with_name('clear-kb')} --show-completion; true"  # else bash becomes the command
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "_CLEAR_KB_COMPLETE=complete_bash" in done.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("clear-kb vo", ["vocab"]),
        ("clear-kb in", ["init", "ingest", "index"]),
        ("clear-kb vocab sea", ["search"]),
        ("clear-kb vocab search --asser", ["--assertion"]),
        ("clear-kb vocab search --assertion ", ["present", "absent"]),
        ("clear-kb nonsense", []),
    ],
)
def test_names_and_options_are_completed(cli: Run, line: str, offered: list[str]) -> None:
    assert completed(cli, line) == offered


@pytest.mark.soak
def test_an_audit_loads_nothing_to_draw_with() -> None:
    loaded = "import sys, encoder.audit.face; print(*{'matplotlib', 'jinja2', 'scipy.stats'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.soak
@pytest.mark.parametrize("command", ["encode", "evaluate", "explain", "predict"])
def test_a_command_is_there_before_torch_is(command: str) -> None:
    loaded = f"import sys, encoder.commands.{command}; print(*{{'torch', 'transformers'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
