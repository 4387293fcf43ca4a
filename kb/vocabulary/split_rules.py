"""Splits: which mentions of a concept are of another one, said as a rule over what a mention tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kb.errors import UsageError
from kb.store.sqltext import literal, literals

FIELDS: Mapping[str, str] = {
    **{name: f"m.{name}" for name in ("assertion", "certainty", "temporality", "laterality", "severity", "section")},
    "concept": "m.mined_as",
    "mention": "m.report_id || '/' || m.section || '/' || m.spans[1].start",
    "text": "m.text",
}
"""What a rule may ask of a mention, and where that stands. `mention` names one: report, section, first character."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """A field and the values it may have; for `text`, regular expressions that it may match, in either case."""

    field: str
    values: tuple[str, ...]

    def sql(self) -> str:
        """The condition as DuckDB reads it, over a mention `m`."""
        if self.field == "text":
            return "(" + " OR ".join(f"regexp_matches(m.text, {literal(value)}, 'i')" for value in self.values) + ")"
        return f"coalesce({FIELDS[self.field]}, '') IN {literals(self.values)}"

    def in_words(self) -> str:
        """The condition in words."""
        if self.field == "mention" and len(self.values) > 3:
            return f"mention is one of {len(self.values)}"
        verb = "matches" if self.field == "text" else "is"
        return f"{self.field} {verb} {' or '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Split:
    """One parting: the mentions that meet every condition are of the concept `into`."""

    into: str
    where: tuple[Condition, ...]

    def sql(self) -> str:
        """The rule as DuckDB reads it, over a mention `m`."""
        return " AND ".join(condition.sql() for condition in self.where)

    def in_words(self) -> str:
        """The rule in words."""
        return f"to {self.into} where {' and '.join(condition.in_words() for condition in self.where)}"

    def to_row(self) -> dict[str, Any]:
        """The split as an element of a concept's `splits`."""
        return {"into": self.into, "where": [{"field": c.field, "values": list(c.values)} for c in self.where]}

    @classmethod
    def from_row(cls, row: Row) -> Split:
        """The split that an element of a concept's `splits` holds."""
        return cls(row["into"], tuple(Condition(c["field"], tuple(c["values"])) for c in row["where"]))


def read_conditions(pairs: Iterable[tuple[str, str]]) -> tuple[Condition, ...]:
    """Conditions from fields and values; the values of one field are alternatives.

    Raises:
        UsageError: there is none, a field is unknown, or a pattern is no regular expression.
    """
    values: dict[str, list[str]] = {}
    for field, value in pairs:
        if field not in FIELDS:
            raise UsageError(f"'{field}' is nothing a mention tells: choose one of {', '.join(sorted(FIELDS))}")
        if field == "text":
            _check_pattern(value)
        values.setdefault(field, []).append(value)
    if not values:
        raise UsageError("a split needs a rule: which mentions go")
    return tuple(Condition(field, tuple(dict.fromkeys(found))) for field, found in values.items())


def routes(concept_id: str, graph: Mapping[str, Row]) -> Sequence[tuple[tuple[str, ...], str]]:
    """Where the mentions mined as `concept_id` end: conditions (SQL) and a concept, the first that holds counts.

    `graph` has the concepts that are replaced or split, by id, with `replaced_by` and `splits`. The last route
    has no condition. A mention follows the splits of a concept first, then its replacement.
    """
    row = graph.get(concept_id)
    if row is None:
        return [((), concept_id)]
    found: list[tuple[tuple[str, ...], str]] = []
    for split in map(Split.from_row, row["splits"]):
        found += [((split.sql(), *conditions), end) for conditions, end in routes(split.into, graph)]
    replacement = row["replaced_by"]
    return [*found, *(routes(replacement, graph) if replacement else [((), concept_id)])]


def targets(row: Row) -> list[str]:
    """The concepts that mentions of this one go to: those it is split into, and the one that replaces it."""
    return [split["into"] for split in row["splits"]] + ([row["replaced_by"]] if row["replaced_by"] else [])


def _check_pattern(pattern: str) -> None:
    import duckdb

    try:
        duckdb.execute("SELECT regexp_matches('', $1, 'i')", [pattern])
    except duckdb.Error as error:
        raise UsageError(f"text '{pattern}' is no regular expression: {error}") from error
