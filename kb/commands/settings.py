"""What a folder settles for every command: `clear-kb.toml`, or `[tool.clear-kb]` of a `pyproject.toml`.

    kb = "openi.kb"                          # --kb of every command; CLEAR_KB
    by = "ada"                               # --by of every command; CLEAR_KB_AUTHOR
    embedder = "all-MiniLM-L6-v2"            # --embedder of ingest reports and of embed; CLEAR_KB_EMBEDDER
    endpoint = "model@http://gpu1:8000/v1"   # --llm-endpoint of ingest reports and preview; CLEAR_KB_ENDPOINT

    [ingest.reports]                         # any option of one command, by its long name
    workers = 4

The nearest file counts, from the working directory upwards. The command line comes before an environment variable, that
before the file, and the file before the default.
"""

from __future__ import annotations

import logging
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kb.errors import UsageError
from kb.visible import visible

FILE = "clear-kb.toml"
EVERYWHERE = ("kb", "by")
"""Settings that are options of one name in every command."""

SOMEWHERE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "embedder": (("ingest reports", "embedder"), ("embed", "embedder")),
    "endpoint": (("ingest reports", "llm-endpoint"), ("ingest preview", "llm-endpoint")),
}
"""Settings that are options of some commands, with the long names of these."""


def command_defaults(table: Mapping[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """The defaults of every command that the settings of a folder give: by command, then by long name of an option.

    The names of options are checked when their command runs (see `by_parameter`): no other is imported for it.

    Args:
        table: the commands (see `cli.COMMANDS`).
        folder: where to look, and upwards from; default: the one that the process stands in.

    Raises:
        UsageError: the file is no TOML, or names a setting or a command that there is not.
    """
    found = find_settings(folder or Path.cwd())
    if found is None:
        return {}
    path, settings = found
    commands = dict(_paths(table))
    defaults: dict[str, Any] = {}
    for name, value in settings.items():
        if name in (*EVERYWHERE, *SOMEWHERE) and not isinstance(value, str):
            raise UsageError(f"{path}: {name} = {value!r}: a text was expected")
        if name in EVERYWHERE:
            for path_of in commands:
                _put(defaults, path_of, name, value)
        elif name in SOMEWHERE:
            for path_of, option in SOMEWHERE[name]:
                _put(defaults, path_of, option, value)
        elif not isinstance(value, dict):
            raise UsageError(f"{path}: there is no setting '{name}'{_near(name, [*EVERYWHERE, *SOMEWHERE, *table])}")
    for name, value in settings.items():
        if isinstance(value, dict):
            _take_table(defaults, path, name, value, commands)
    return defaults


def by_parameter(defaults: Mapping[str, Any], parameters: Iterable[Any], command: str) -> dict[str, Any]:
    """The defaults of one command by the names of its parameters, as click reads them.

    Args:
        defaults: by the long names of options.
        parameters: those of the click command.
        command: its full name ("ingest reports").

    Raises:
        UsageError: the settings name an option that the command has not.
    """
    options = {name[2:]: one.name for one in parameters for name in one.opts if name.startswith("--")}
    found = {}
    for name, value in defaults.items():
        if name in options:
            found[options[name]] = value
        elif name not in EVERYWHERE:
            raise UsageError(f"settings of `{command}`: there is no option '{name}'{_near(name, options)}")
    return found


def find_settings(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The nearest file of settings from a folder upwards, and what it says; None if there is none."""
    for place in (folder, *folder.parents):
        if (own := place / FILE).is_file():
            return own, _read(own)
        if (project := place / "pyproject.toml").is_file():
            settings = _read(project).get("tool", {}).get("clear-kb")
            if settings is not None:
                return project, settings
    return None


class _Plain(logging.Formatter):
    """Lines of the log as a terminal may be shown them."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return visible(super().format(record))


def log_to_stderr(verbosity: int) -> None:
    """Show what the library logs: nothing, with 1 what it does, with 2 and more how."""
    if not verbosity:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("clear-kb")
    handler.setFormatter(_Plain("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("clear_kb")
    logger.handlers = [one for one in logger.handlers if one.get_name() != handler.get_name()] + [handler]
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML that can be read: {error}") from error


def _paths(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command of the table by its full name ("ingest reports")."""
    for name, entry in table.items():
        if len(entry) == 2:
            yield from _paths(entry[1], f"{before}{name} ")
        else:
            yield f"{before}{name}", entry


def _put(defaults: dict[str, Any], path: str, option: str, value: Any) -> None:
    for name in path.split():
        defaults = defaults.setdefault(name, {})
    defaults[option] = value


def _take_table(
    defaults: dict[str, Any], path: Path, name: str, settings: Mapping[str, Any], commands: Mapping[str, Any]
) -> None:
    """The options of one command, or of the commands of a group."""
    if name not in commands and not any(known.startswith(f"{name} ") for known in commands):
        raise UsageError(f"{path}: there is no command '{name}'{_near(name, commands)}")
    for option, value in settings.items():
        if isinstance(value, dict):
            _take_table(defaults, path, f"{name} {option}", value, commands)
        elif name not in commands:
            raise UsageError(f"{path}: [{name}] is a group: name a command of it, as [{name}.COMMAND]")
        else:
            _put(defaults, name, option.replace("_", "-"), value)


def _near(name: str, known: Any) -> str:
    found = get_close_matches(name, list(known), n=1)
    return f": did you mean '{found[0]}'?" if found else ""
