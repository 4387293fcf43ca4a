"""The command that makes a figure again, as it is typed: on the same state, the same rows, by the same numbers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kb.images.view_choice import FRONTAL
from kb.sql.queries import NamedQuery
from workbench.audit.asked import Asked


@dataclass(frozen=True, slots=True)
class Place:
    """Which knowledge base, at which commit."""

    uri: str
    commit: str

    def words(self) -> list[str]:
        """The options that name it."""
        return ["--kb", self.uri, "--at", self.commit]


def compare_command(asked: Asked, place: Place, show: str | None = None, output: str | None = None) -> str:
    """Runs side by side; `show` is one figure of them."""
    words = ["audit", "compare", *(word for run in asked.runs for word in ("--run", run)), *_rows(asked)]
    return _typed([*words, *(["--show", show] if show else [])], place, output)


def audit_command(kind: str, asked: Asked, place: Place, output: str | None = None) -> str:
    """One audit of one run: segments, confounders, slices or drift."""
    by = ["--by", asked.by] if kind == "drift" else []
    vectors = _vectors(asked) if kind != "segments" else []
    return _typed(["audit", kind, "--run", asked.of, *_rows(asked), *by, *vectors], place, output)


def report_command(asked: Asked, place: Place) -> str:
    """The report of one run as a page."""
    beside = [word for run in asked.runs if run != asked.of for word in ("--run", run)]
    return _typed(
        ["audit", "report", "--run", asked.of, *beside, *_rows(asked), *_vectors(asked), "-o", "report.html"], place
    )


def sql_command(sql: str, values: Mapping[str, str], place: Place, output: str | None = None) -> str:
    """One SELECT; one that begins with a comment ("-- how many") after a blank: else it is read as an option."""
    given = [word for name, value in values.items() for word in ("--param", f"{name}={value or 'null'}")]
    return _typed(["audit", "sql", f" {sql}" if sql.startswith("-") else sql, *given], place, output)


def named_command(query: NamedQuery, values: Mapping[str, Any], place: Place, output: str | None = None) -> str:
    """A named query; what is as it is anyway is left out."""
    usual = {told.name: told.default for told in query.parameters}
    other = {name: value for name, value in values.items() if value != usual[name]}
    given = [word for name, value in other.items() for word in ("--set", f"{name}={value}")]
    return _typed(["audit", "run", query.name, *given], place, output)


def _vectors(asked: Asked) -> list[str]:
    """Whose vectors count."""
    return ["--encoder", asked.encoder] if asked.encoder else []


def _rows(asked: Asked) -> list[str]:
    """Which rows."""
    options = {"--label": asked.label, "--split": asked.split, "--source": asked.source, "--where": asked.where}
    options["--views"] = asked.views if asked.views != FRONTAL else None
    return [word for name, value in options.items() if value for word in (name, value)]


def _typed(words: Sequence[str], place: Place, output: str | None = None) -> str:
    return shlex.join(["clear-kb", *words, *place.words(), *(["--format", output] if output else [])])
