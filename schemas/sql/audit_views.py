"""The views of an audit: one file a view under `schemas/sql/views`, with what a row and every column of it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from schemas.tables import VERSIONED


@dataclass(frozen=True, slots=True)
class View:
    """One view.

    Attributes:
        name: what queries call it.
        about: what a row is.
        columns: what each column holds, in their order.
        notes: what else is to be known of it.
        sql: the query that it stands for, over other views and over the tables (`stored.NAME`).
    """

    name: str
    about: str
    columns: dict[str, str]
    notes: str
    sql: str

    @property
    def reads(self) -> frozenset[str]:
        """The views, macros and tables (`stored.NAME`) that it is made of."""
        code = "\n".join(line.partition("--")[0] for line in self.sql.splitlines())
        return names_in(code) - {self.name}


ORDER = (
    "described",
    "images",
    "studies",
    "labels",
    "predictions",
    "runs",
    "truths",
    "outcomes",
    "metrics_by",
    "metrics",
    "thresholds",
    "errors",
    "confusion_by",
    "calibration_by",
    "roc",
    "decision_curve",
    "concepts",
    "concept_ancestors",
    "finding_ancestors",
    "observations",
    "reports",
    "attributions",
    "attribution_sums",
    "concept_scores",
)
"""The views and the functions that rows are read from, each after those it reads."""

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "metrics_by": ("outcomes",),
    "confusion_by": ("outcomes", "thresholds"),
    "calibration_by": ("outcomes",),
    "roc": ("outcomes",),
    "decision_curve": ("outcomes",),
    "concept_scores": ("concept_vectors", "image_vectors"),
}
"""The functions that rows are read from, with what stands behind each."""

VALUES = ("values", "intervals", "shares")
"""The files of macros/ whose functions give a value; any query may call them."""

INNER: dict[str, tuple[str, ...]] = {
    "score_series": ("stored.predictions", "stored.trained_here"),
    "score_units": ("images", "studies", "stored.predictions", "stored.patients", "stored.owners"),
    "matched": ("score_series", "score_units", "truths", "stored.predictions"),
    "cuts": ("matched", "score_series", "score_units", "stored.runs"),
}
"""Relations that views stand on and nobody asks (`schemas/sql/inner`), each after those it reads; rows are kept."""

BY_LABEL = ("matched",)
"""Inner relations whose query has the parameter `names`: all rows at once would take memory that few have."""

BEHIND: dict[str, tuple[str, ...]] = {
    **FUNCTIONS,
    **INNER,
    "mentions": ("stored.concepts", "stored.observations"),
}
"""What stands behind a name that is no view."""

VECTORS = ("concept_vectors", "image_vectors")
"""Relations that an encoder stands behind: whoever has one hands them to the session."""

DERIVED = ("owners", "patients", "kinds", "ancestors", "finding_ancestors", "trained_here")
"""Tables of `stored` that a session makes: nothing of them is kept."""

_IN_ORDER = ("mentions", *ORDER[: ORDER.index("outcomes")], *INNER, *ORDER[ORDER.index("outcomes") :])

_NAME = re.compile(r"\bstored\.\w+|\b[a-z_]\w*\b", re.I)


@cache
def all_views() -> dict[str, View]:
    """Every view by its name, each after those it reads."""
    return {name: _read(name) for name in ORDER if name not in FUNCTIONS}


@cache
def vector_relations() -> dict[str, View]:
    """What `VECTORS` hold, told as views are; they have no SQL."""
    return {name: _read(name) for name in VECTORS}


@cache
def macros(*names: str) -> str:
    """The statements that define functions that rows are read from; default: what the views compute values with."""
    folder = files("schemas") / "sql" / "macros"
    return "\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names or VALUES)


@cache
def inner_sql(name: str) -> str:
    """The query that one of the `INNER` relations holds the rows of."""
    return (files("schemas") / "sql" / "inner" / f"{name}.sql").read_text(encoding="utf-8")


def names_in(sql: str) -> frozenset[str]:
    """What of the known names a query speaks of, in lower case; a word that only looks like one does no harm."""
    tables = {f"stored.{name}" for name in (*(table.name for table in VERSIONED), *DERIVED)}
    known = {*ORDER, *BEHIND, *VECTORS, *tables}
    return frozenset(name for name in map(str.lower, _NAME.findall(sql)) if name in known)


def needed_by(sql: str) -> list[str]:
    """All that has to stand before a query can run: tables first, then views in their order."""
    wanted: set[str] = set()
    fresh = set(names_in(sql))
    while fresh:
        wanted |= fresh
        behind = {name: BEHIND.get(name) or (all_views()[name].reads if name in all_views() else ()) for name in fresh}
        fresh = {name for names in behind.values() for name in names} - wanted
    places = {name: place for place, name in enumerate(_IN_ORDER)}
    return sorted(wanted, key=lambda name: (places.get(name, -1), name))  # tables have no place: they come first


def _read(name: str) -> View:
    text = (files("schemas") / "sql" / "views" / f"{name}.sql").read_text(encoding="utf-8")
    comments: list[str] = []
    lines = text.splitlines()
    while lines and lines[0].startswith("--"):
        comments.append(lines.pop(0).removeprefix("--").strip())
    about, _, rest = "\n".join(comments).partition("\n\n")
    told, _, notes = rest.partition("\n\n")
    columns = {column: what for column, _, what in (line.partition(": ") for line in told.splitlines())}
    return View(name, about, columns, notes.replace("\n", " "), "\n".join(lines))
