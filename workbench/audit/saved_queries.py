"""Queries that people save: files of SQL in the user's data folder, which `-f FILE` reads as well.

They belong to whoever runs the server, not to the knowledge base: saving one is no change of it, and they serve all
knowledge bases of this user. The head of a file says its name, who saved it and when, and the values of parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from kb.errors import UsageError
from kb.reading.json_text import read_json
from kb.whole_file import written_whole

LONGEST_NAME, LONGEST_SQL = 80, 100_000
_FACT = re.compile(r"^-- (name|by|saved): (.*)$")
_VALUE = re.compile(r"^-- \$(\w+) = (.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuery:
    """One query that somebody saved.

    Attributes:
        name: as they call it.
        by: who.
        saved: when, as text.
        sql: the query, without the head of its file.
        values: of its parameters, as they were typed.
        path: its file.
    """

    name: str
    by: str
    saved: str
    sql: str
    values: Mapping[str, str]
    path: Path

    @property
    def slug(self) -> str:
        """What its file is called, without the ending: by it an address names it."""
        return self.path.stem


def folder() -> Path:
    """Where they are."""
    return user_data_path("clear-kb") / "queries"


def all_saved() -> list[SavedQuery]:
    """Every saved query, by name; a file of somebody else's there is read as a query without a head."""
    found = [one for path in sorted(folder().glob("*.sql")) if (one := _read(path)) is not None]
    return sorted(found, key=lambda one: one.name.lower())


def save(name: str, sql: str, *, by: str, values: Mapping[str, str] | None = None) -> SavedQuery:
    """Save a query; one of the same name and by the same person is replaced.

    Raises:
        UsageError: it has no name or no SQL, is too long, or another person has one of that name.
    """
    name, sql = _one_line(name), sql.replace("\r\n", "\n").strip()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug or len(name) > LONGEST_NAME:
        raise UsageError(f"a name of letters and digits was expected, {LONGEST_NAME} of them at the most")
    if not sql or len(sql) > LONGEST_SQL:
        raise UsageError(f"a query was expected, of {LONGEST_SQL:,} letters at the most")
    path = folder() / f"{slug}.sql"
    known = _read(path) if path.exists() else None
    if known is not None and known.by != by:
        raise UsageError(f"'{known.name}' is a query of {known.by or 'somebody else'}: choose another name")
    saved = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    told = dict(values or {})
    lines = [f"-- name: {name}", f"-- by: {_one_line(by)}", f"-- saved: {saved}"]
    lines += [f"-- ${parameter} = {json.dumps(value)}" for parameter, value in told.items()]
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    with written_whole(path) as fresh:
        fresh.write_bytes("\n".join([*lines, "", sql, ""]).encode())
    return SavedQuery(name=name, by=by, saved=saved, sql=sql, values=told, path=path)


def delete(slug: str, *, by: str) -> SavedQuery:
    """Delete a saved query of one's own; UsageError if there is none of that name, or another person saved it."""
    for one in all_saved():
        if one.slug == slug:
            if one.by != by:
                raise UsageError(f"'{one.name}' is a query of {one.by or 'somebody else'}: it is theirs to delete")
            one.path.unlink(missing_ok=True)
            return one
    raise UsageError(f"there is no saved query '{slug}'")


def _read(path: Path) -> SavedQuery | None:
    try:
        lines = path.read_bytes().decode().split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    facts: dict[str, str] = {}
    values: dict[str, str] = {}
    while lines and (fact := _FACT.match(lines[0]) or _VALUE.match(lines[0])) is not None:
        if fact.re is _FACT:
            facts[fact[1]] = fact[2]
        else:
            values[fact[1]] = _value(fact[2])
        lines.pop(0)
    return SavedQuery(
        name=facts.get("name", path.stem),
        by=facts.get("by", ""),
        saved=facts.get("saved", ""),
        sql="\n".join(lines).strip(),
        values=values,
        path=path,
    )


def _value(written: str) -> str:
    """A value as `save` writes it; what a person wrote into the file by hand is taken as it stands."""
    try:
        return str(read_json(written))
    except ValueError:
        return written


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
