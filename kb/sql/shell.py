"""The audit's prompt as a program: what a line means, and what it answers; `kb.sql.terminal` reads the lines.

shell = Shell(session, print_result)
shell.feed("SELECT label,")         # False: it goes on until ";"
shell.feed("  auroc FROM metrics;")  # True: done
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from kb.commands.failures import describe
from kb.commands.options import Format
from kb.errors import ClearKbError, UsageError
from kb.sql.queries import all_queries, find_query
from kb.sql.reference import functions, relations, schema_text
from kb.sql.result import Result
from kb.sql.session import AuditSession
from kb.visible import visible

HELP = """\
A query is a SELECT that ends in ";", over as many lines as it takes.
  .tables              the views
  .schema [VIEW]       what their columns hold
  .queries             the named queries
  .run NAME k=v ...    run one of them: .run drift label="chest tube"
  .format table|csv|json
  .help
  .quit                also Ctrl-D; Ctrl-C stops a query
"""

Show = Callable[[Result, str, Format, Mapping[str, object]], None]
"""Prints a result: with its query, how, and what the query was told."""

_END = re.compile(r";\s*(--[^\n]*)?$")


class Shell:
    """A conversation over one session.

    Attributes:
        format: how rows are printed.
        failed: whether anything has gone wrong so far.
        done: whether the person wants to leave.
    """

    def __init__(self, session: AuditSession, show: Show, out: TextIO | None = None, *, errors: TextIO | None = None):
        self.session = session
        self.format = Format.table
        self.failed = False
        self.done = False
        self._show = show
        self._out, self._errors = out, errors
        self._lines: list[str] = []

    @property
    def waiting(self) -> bool:
        """Whether a query was begun that does not end yet."""
        return bool(self._lines)

    def feed(self, line: str) -> bool:
        """Take one line; True if it was the end of something, which then has run."""
        if not self._lines and line.strip().startswith("."):
            self._guarded(lambda: self._command(line.strip()))
            return True
        if not self._lines and not line.strip():
            return True
        self._lines.append(line)
        text = "\n".join(self._lines)
        if not ends(text):
            return False
        self._lines = []
        self._guarded(lambda: self._query(text))
        return True

    def drop(self) -> None:
        """Forget a query that was begun."""
        self._lines = []

    def finish(self) -> None:
        """At the end of what is read: run what has no ";" behind it."""
        text, self._lines = "\n".join(self._lines), []
        if text.strip():
            self._guarded(lambda: self._query(text))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except KeyboardInterrupt:
            self.failed = True
            self._complain("stopped")
        except ClearKbError as error:
            self.failed = True
            self._complain(f"error: {describe(error)}")

    def _query(self, text: str) -> None:
        self._show(self.session.query(text), text, self.format, {})

    def _command(self, line: str) -> None:
        try:
            name, *arguments = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"{line}: a quotation mark has no partner") from error
        known = {
            ".tables": self._tables,
            ".schema": self._schema,
            ".queries": self._queries,
            ".run": self._run,
            ".format": self._set_format,
            ".help": lambda _: self._say(HELP),
            ".quit": self._quit,
            ".exit": self._quit,
        }
        if name.lower() not in known:
            raise UsageError(f"there is no {name}: {', '.join(known)}")
        known[name.lower()](arguments)

    def _tables(self, _: list[str]) -> None:
        own = self.session.own_tables
        width = max(map(len, (*relations(), *own)))
        self._say("".join(f"{view.name:<{width}}  {view.about.partition(',')[0]}\n" for view in relations().values()))
        self._say("".join(f"{name:<{width}}  Your own: {', '.join(columns)}\n" for name, columns in own.items()))

    def _schema(self, arguments: list[str]) -> None:
        for name in arguments or (None,):
            self._say(schema_text(name))

    def _queries(self, _: list[str]) -> None:
        width = max(map(len, all_queries()))
        for query in all_queries().values():
            words = " ".join(map(str, query.parameters))
            self._say(f"{query.name:<{width}}  {query.about}\n{'':<{width}}  {words}\n")

    def _run(self, arguments: list[str]) -> None:
        if not arguments:
            raise UsageError(".run NAME k=v ...: which query? .queries lists them")
        query = find_query(arguments[0])
        given: dict[str, str] = {}
        for pair in arguments[1:]:
            name, equals, value = pair.partition("=")
            if not equals:
                raise UsageError(f"{pair}: NAME=VALUE was expected")
            given[name] = value
        values = query.values(given)
        self._show(self.session.query(query.sql, values), query.sql, self.format, values)

    def _set_format(self, arguments: list[str]) -> None:
        if len(arguments) != 1 or arguments[0] not in Format.__members__:
            raise UsageError(f".format {'|'.join(Format.__members__)}: it is {self.format.value} now")
        self.format = Format(arguments[0])

    def _quit(self, _: list[str]) -> None:
        self.done = True

    def _say(self, text: str) -> None:
        (self._out or sys.stdout).write(visible(text))

    def _complain(self, text: str) -> None:
        stream = self._errors or sys.stderr
        stream.write(f"{visible(text)}\n")
        stream.flush()


def ends(text: str) -> bool:
    """Whether a query ends here: in a ";" that stands in no string, name or comment."""
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$|/\*.*?\*/|--[^\n]*", " x ", text, flags=re.S)
    return bool(_END.search(bare.replace(" x ", " ").rstrip())) and not re.search(r"'|\"|\$\$|/\*", bare)


def words() -> list[str]:
    """What may be completed: commands, views, their columns, functions, named queries and the words of SQL."""
    columns = {column for view in relations().values() for column in view.columns}
    calls = {call.partition("(")[0] + "(" for call, _ in functions()}
    dots = {".tables", ".schema", ".queries", ".run", ".format", ".help", ".quit"}
    return sorted({*relations(), *columns, *calls, *dots, *all_queries(), *KEYWORDS})


KEYWORDS = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "ORDER",
    "HAVING",
    "LIMIT",
    "JOIN",
    "LEFT",
    "ON",
    "USING",
    "AS",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "IS",
    "IN",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "DISTINCT",
    "UNION",
    "ALL",
    "WITH",
    "RECURSIVE",
    "OVER",
    "PARTITION",
    "QUALIFY",
    "FILTER",
    "DESC",
    "ASC",
    "EXISTS",
    "LATERAL",
    "ASOF",
    "EXCLUDE",
    "REPLACE",
    "count(",
    "avg(",
    "sum(",
    "min(",
    "max(",
    "median(",
    "quantile_cont(",
    "list(",
    "arg_max(",
    "arg_min(",
    "corr(",
    "round(",
    "coalesce(",
]
