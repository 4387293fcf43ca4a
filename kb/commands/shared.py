"""What commands share: the options of every one that reads, or that writes, and what they are told by them.

A command takes what is its own, and first a `Reading` or a `Writing`:

    @reads
    def stats_command(reading: Reading) -> None:
        "Count the concepts."
        print_rows(count(reading.base), COLUMNS, reading.output)

`@reads` adds --kb, --at, --storage-option and --format to it; `@writes` adds --kb, --branch, --by, --why, --dry-run,
--storage-option and --format. Neither opens the knowledge base before the command asks for it, so that a mistyped
name of a file leaves nothing behind.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from kb.commands.options import (
    DEFAULT_KB,
    At,
    By,
    DryRun,
    Format,
    KbUri,
    OnBranch,
    OutputFormat,
    Quiet,
    StorageOptions,
    Why,
    parse_pairs,
)
from kb.commands.output import say
from kb.errors import ClearKbError
from kb.privacy.exports import note_export
from kb.privacy.forgetting import is_unfinished
from kb.store.commits import MAIN
from kb.store.state import State
from kb.store.storage import Storage, existing

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

Command = Callable[..., None]


class _Shared:
    """What every command is told: which knowledge base, and how to print."""

    def __init__(self, told: dict[str, Any], at_the_end: ExitStack):
        self.uri: str = told["kb"]
        self.storage_options = parse_pairs(told["storage_option"], "--storage-option") or None
        self.output: Format = told.get("output", Format.table)
        self.quiet: bool = told.get("quiet", False)
        self.at: str | None = told.get("at")
        self._told = told
        self._at_the_end = at_the_end

    @cached_property
    def state(self) -> State:
        """The tables at the state that --at names: enough where nothing is asked of concepts, and opened in no time."""
        opened = State.open(self.uri, self.at, self.storage_options)
        _say_unfinished(opened)
        return opened


class Reading(_Shared):
    """What a command that reads is told by the shared options."""

    @cached_property
    def base(self) -> KnowledgeBase:
        """The knowledge base at the state that --at names."""
        opened = _facade().open(self.uri, self.at, self.storage_options)
        _say_unfinished(opened)
        return opened

    def note_export(self, what: str, rows: int, target: object, **filters: Any) -> None:
        """Note in the log of exports what a command has taken out; where that cannot be, it is said."""
        asked = {
            name: value for name, value in {**filters, "at": self.at}.items() if value not in (None, False, [], ())
        }
        where = "standard output" if str(target) == "-" else str(Path(str(target)).absolute())
        try:
            note_export(self.base, what=what, rows=rows, target=where, filters=asked)
        except ClearKbError as error:
            say(f"note: {escape(str(error))}")


class Writing(_Shared):
    """What a command that writes is told by the shared options."""

    def __init__(self, told: dict[str, Any], at_the_end: ExitStack):
        super().__init__(told, at_the_end)
        self.by: str | None = told.get("by")
        self.why: str | None = told.get("why")
        self.dry_run: bool = told.get("dry_run", False)

    @property
    def storage(self) -> Storage:
        """The stored tables themselves, for what works on one that cannot be opened; NoKnowledgeBaseError if none."""
        return existing(self.uri, self.storage_options)

    @property
    def act(self) -> dict[str, Any]:
        """Who, why, and whether only to say what would happen: what every changing function of the library takes."""
        return {"by": self.by, "why": self.why, "dry_run": self.dry_run}

    @cached_property
    def base(self) -> KnowledgeBase:
        """The knowledge base at its newest commit, of the draft that --branch names or of main."""
        opened = _facade().open(self.uri, self.at, self.storage_options)
        _say_unfinished(opened)
        branch = self._told.get("branch")
        head = opened.commits.head(branch or MAIN)
        opened.commits.require_sound(head)  # before any work is done that could not be committed
        return opened.at(head.commit_id) if branch else opened

    @cached_property
    def base_or_new(self) -> KnowledgeBase:
        """The knowledge base, made if there is none; a dry run makes it in a folder that goes again."""
        if self._told.get("branch") or State.exists(self.uri, self.storage_options):
            return self.base
        if not self.dry_run:
            return _facade().create(self.uri, self.storage_options, by=self.by)
        folder = self._at_the_end.enter_context(tempfile.TemporaryDirectory(prefix="clear-kb-"))
        return _facade().create(Path(folder) / "dry.kb", by=self.by)


def _facade() -> type[KnowledgeBase]:
    """The facade, which knows all that can be asked of concepts: loading it takes longer than many a command."""
    from kb.knowledge_base import KnowledgeBase

    return KnowledgeBase


def _say_unfinished(opened: State) -> None:
    if is_unfinished(opened):
        say("note: forgetting a patient was interrupted: say the same `clear-kb forget` again, which goes on with it")


def reads(command: Command | None = None, *, output: bool = True, quiet: bool = False) -> Any:
    """Give a command the options of all that read, and a `Reading` as its first argument.

    Args:
        command: the function, whose first parameter is the `Reading`.
        output: whether it prints data (--format).
        quiet: whether it shows progress, or says more than data (--quiet).
    """
    return _given(command, Reading, {"kb", "at", "storage_option"} | _named(output=output, quiet=quiet))


def writes(
    command: Command | None = None,
    *,
    branch: bool = False,
    at: bool = False,
    by: bool = True,
    why: bool = True,
    dry_run: bool = True,
    output: bool = True,
    quiet: bool = False,
) -> Any:
    """Give a command the options of all that write, and a `Writing` as its first argument.

    Args:
        command: the function, whose first parameter is the `Writing`.
        branch: whether it may work on a draft (--branch).
        at: whether it may begin at another state than the newest (--at).
        by: whether the log says who did it (--by).
        why: whether it takes a reason (--why).
        dry_run: whether it can be tried out (--dry-run).
        output: whether it prints data (--format).
        quiet: whether it shows progress, or says more than data (--quiet).
    """
    more = _named(branch=branch, at=at, by=by, why=why, dry_run=dry_run, output=output, quiet=quiet)
    return _given(command, Writing, {"kb", "storage_option"} | more)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "kb": (KbUri, DEFAULT_KB),
    "at": (At, None),
    "branch": (OnBranch, None),
    "by": (By, None),
    "why": (Why, None),
    "dry_run": (DryRun, False),
    "quiet": (Quiet, False),
    "storage_option": (StorageOptions, None),
    "output": (OutputFormat, Format.table),
}
"""Every shared option with its default, in the order in which help shows them."""


def _named(**flags: bool) -> set[str]:
    return {name for name, wanted in flags.items() if wanted}


def _given(command: Command | None, kind: type[_Shared], wanted: set[str]) -> Any:
    options = {name: option for name, option in _OPTIONS.items() if name in wanted}

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()][1:]
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in options.items()
        ]

        @wraps(command)
        def run(**told: Any) -> None:
            with ExitStack() as at_the_end:
                command(kind({name: told.pop(name) for name in options}, at_the_end), **told)

        run.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in [*own, *shared]} | {"return": None}
        return run

    return decorate if command is None else decorate(command)
