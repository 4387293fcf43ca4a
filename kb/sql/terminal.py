"""Where the lines of the audit's prompt come from: a person with history and completion, or a pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from platformdirs import user_state_path

from kb.sql.shell import Shell, words

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

PROMPT, MORE = "audit> ", "  ...> "
_WORD = re.compile(r"[.\w]+\(?")


def run_lines(shell: Shell, lines: Iterable[str]) -> None:
    """Run what a pipe or a file says, to its end; no prompt is printed."""
    for line in lines:
        shell.feed(line.rstrip("\n"))
        if shell.done:
            return
    shell.finish()


def run_terminal(shell: Shell, *, history: Path | None = None) -> None:
    """Talk with a person until they leave.

    Args:
        shell: what answers.
        history: where earlier queries are kept; default: the user's own folder, which others cannot read.
    """
    prompt = _prompt_session(history or history_path())
    while not shell.done:
        try:
            line = prompt.prompt(MORE if shell.waiting else PROMPT)
        except KeyboardInterrupt:
            shell.drop()
            continue
        except EOFError:
            return
        shell.feed(line)


def run_shell(shell: Shell, stdin: TextIO | None = None) -> int:
    """Run the prompt on what standard input is; the exit code: 1 if a pipe's query has failed."""
    source = stdin or sys.stdin
    if source.isatty():
        run_terminal(shell)
        return 0
    run_lines(shell, source)
    return 1 if shell.failed else 0


def history_path() -> Path:
    """The file that earlier queries are kept in."""
    return user_state_path("clear-kb") / "audit_history"


def _prompt_session(history: Path) -> PromptSession[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    completer = WordCompleter(words(), ignore_case=True, pattern=_WORD)
    kept: History = FileHistory(str(history)) if _made_private(history) else InMemoryHistory()
    return PromptSession(history=kept, completer=completer, complete_while_typing=False)


def _made_private(path: Path) -> bool:
    """Make a file that only this user reads: queries may name patients; False if it cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError:
        return False
    return True
