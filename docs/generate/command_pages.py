"""The reference of the command line: every command of `cli.COMMANDS` with its arguments and options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cli import COMMANDS, HELP, Entry, load
from docs.generate.markdown import cell, code, table

HEAD = f"""# Commands

{HELP}

`clear-kb [-v] [--version] COMMAND`: `-v` logs what is done on standard error, `-vv` tells more; a log never holds the
text of a report. Data goes to standard output, all else to standard error. Exit 0: done; 1: the work failed; 2: wrong
usage; 130: interrupted. An error is one line; with `-vv` or `CLEAR_KB_DEBUG=1` its traceback comes too. What a folder
settles for all commands stands in [a settings file](../../how-to/operate.md#settings-of-a-folder).
"""
TOP = "top-level"
"""The page of the commands that are in no group."""


def command_pages() -> dict[str, str]:
    """An overview, and a page for each group."""
    made = {"commands/index.md": _overview()}
    alone = {name: entry for name, entry in COMMANDS.items() if len(entry) == 3}
    made[f"commands/{TOP}.md"] = _page("Top-level commands", "Commands that are in no group.", "", alone)
    for name, entry in COMMANDS.items():
        if len(entry) == 2:
            made[f"commands/{name}.md"] = _page(f"clear-kb {name}", entry[0], f"{name} ", entry[1])
    return made


def all_commands() -> Iterator[tuple[str, str, Entry]]:
    """Every command: its full name ("ingest reports"), the page it stands on, and its entry."""
    for name, entry in COMMANDS.items():
        if len(entry) == 3:
            yield name, TOP, entry
        else:
            yield from ((f"{name} {sub}", name, command) for sub, command in entry[1].items())


def parameters(name: str, entry: Entry) -> list[Any]:
    """The arguments and options of a command that its help shows."""
    return [parameter for parameter in load(name, entry).params if not getattr(parameter, "hidden", False)]


def _overview() -> str:
    rows = (
        (f"[`{name}`]({page}.md#clear-kb-{name.replace(' ', '-')})", cell(entry[2]))
        for name, page, entry in all_commands()
    )
    return f"{HEAD}\n{table(('command', 'what it does'), rows)}"


def _page(title: str, about: str, before: str, commands: Mapping[str, Entry]) -> str:
    parts = [f"# {title}\n\n{about}\n"]
    for name, entry in commands.items():
        parts += _command(f"{before}{name}", name, entry)
    return "\n".join(parts)


def _command(full: str, name: str, entry: Entry) -> Iterator[str]:
    found = parameters(name, entry)
    arguments = [parameter for parameter in found if not _options_of(parameter)]
    options = [parameter for parameter in found if _options_of(parameter)]
    usage = " ".join(["clear-kb", full, *(["[OPTIONS]"] if options else []), *map(_usage, arguments)])
    yield f"## clear-kb {full}\n"
    yield f"    {usage}\n"
    yield inspect.cleandoc(load(name, entry).help or "") + "\n"
    if arguments:
        rows = ((code(_placeholder(argument)), cell(argument.help or "")) for argument in arguments)
        yield table(("argument", ""), rows)
    panels = dict.fromkeys(option.rich_help_panel for option in options)
    for panel in panels:
        rows = (_option(option) for option in options if option.rich_help_panel == panel)
        yield table((f"option: {panel.lower()}" if panel else "option", "value", "default", ""), rows)


def _options_of(parameter: Any) -> list[str]:
    return [name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("-")]


def _usage(argument: Any) -> str:
    shown = _placeholder(argument)
    return shown if argument.required else f"[{shown}]"


def _placeholder(argument: Any) -> str:
    return argument.metavar or argument.name.upper() + ("..." if argument.nargs == -1 else "")


def _option(option: Any) -> tuple[str, str, str, str]:
    names = ", ".join(f"`{name}`" for name in _options_of(option))
    default = "" if option.is_flag or option.count else _default(option)
    told = option.help or ""
    if option.envvar:
        told += f" Environment: `{option.envvar}`."
    return names, _value(option), default, cell(told)


def _value(option: Any) -> str:
    if option.is_flag or option.count:
        return ""
    if option.metavar:
        return code(option.metavar)
    kind = option.type_descriptor.annotation
    if get_origin(kind) is list:
        (kind,) = get_args(kind)
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return ", ".join(code(choice.value) for choice in kind)
    if get_origin(kind) is Literal:
        return ", ".join(code(choice) for choice in get_args(kind))
    shown = {Path: "path", str: "text", int: "whole number", float: "number"}.get(kind, str(kind))
    bounds = (("from", option.min), ("to", option.max))
    return " ".join([shown, *(f"{word} {_number(bound)}" for word, bound in bounds if bound is not None)])


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.default is None or option.default in ([], ()):
        return ""
    shown = option.default.value if isinstance(option.default, Enum) else option.default
    return code(_number(shown) if isinstance(shown, int | float) else str(shown))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
