"""What stays and has a patient's id in it all the same: words that people wrote, names of files, longer ids of others.

No row of these is the patient's, so forgetting leaves them. They are told before anything is touched, for only a
person can say whether a note or a path means the patient; the log of exports is cleaned of the ids.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kb.privacy.id_words import in_json, names, without_ids
from kb.privacy.traces import Traces, named_commits
from kb.store.state import State
from schemas.tables import TABLES, Table

AROUND = 24
"""Letters before and behind an id by which the bytes of something that stays are known again."""

_AT_ONCE = 200
"""Of them in one pattern, whose length has a bound."""


Contexts = Mapping[bytes, frozenset[tuple[bytes, bytes]]]
"""What stands before and behind a needle in the texts that stay, by needle."""


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A text that stays and holds an id or a sentence of the patient."""

    table: str
    column: str
    text: str


def find_mentions(state: State, traces: Traces) -> list[Mention]:
    """What of the states that people can name, and beside them, is not the patient's and holds an id of theirs."""
    import pyarrow.compute as pc

    patterns = ["|".join(map(re.escape, part)) for part in _parts(traces.needles)]
    found: set[Mention] = set()
    for table, version in _standing(state):
        rows = state.storage.dataset(table.name, version)
        columns = [field.name for field in rows.schema if field.name != "files" and _has_text(field.type)]
        if not patterns or not columns:
            continue
        condition = traces.condition(table)
        for batch in rows.to_batches(columns=columns, filter=f"({condition}) IS NOT TRUE" if condition else None):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                for texts in _texts(column):
                    for pattern in patterns:
                        held = texts.filter(pc.match_substring_regex(texts, pattern))
                        found.update(Mention(table.name, name, text) for text in held.unique().to_pylist())
    cleaned = {
        Mention(one.table, one.column, without_ids(one.text, traces.ids) if one.table == "exports" else one.text)
        for one in found
    }
    return sorted(one for one in cleaned if any(needle in one.text for needle in traces.needles))


def left_to_people(mentions: Iterable[Mention], traces: Traces) -> tuple[str, ...]:
    """What of it a person has to look at, a line for each column: all but ids that are merely longer."""
    searched = traces.needles
    by_place: dict[str, list[str]] = defaultdict(list)
    for one in mentions:
        if any(names(one.text, needle) for needle in searched if needle in one.text):
            by_place[f"{one.table}.{one.column}"].append(one.text)
    return tuple(
        f"{place}: '{texts[0][:80]}'" + (f" and {len(texts) - 1:,} more" if len(texts) > 1 else "")
        for place, texts in sorted(by_place.items())
    )


def contexts(mentions: Iterable[Mention], searched: Iterable[str]) -> Contexts:
    """By what is searched for, what stands before and behind it in texts that stay, as bytes of a file hold them."""
    found: dict[bytes, set[tuple[bytes, bytes]]] = defaultdict(set)
    for one in mentions:
        for text in {one.text, in_json(one.text), in_json(in_json(one.text))}:
            for needle in searched:
                for match in re.finditer(re.escape(needle), text):
                    before, behind = text[: match.start()][-AROUND:], text[match.end() :][:AROUND]
                    found[needle.encode()].add((before.encode(), behind.encode()))
    return {needle: frozenset(around) for needle, around in found.items()}


def _parts(searched: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield from (searched[at : at + _AT_ONCE] for at in range(0, len(searched), _AT_ONCE))


def _standing(state: State) -> Iterator[tuple[Table, int | None]]:
    """Every table with each version that stays: those that named commits pin, and the newest beside the history."""
    commits = named_commits(state)
    for table in TABLES:
        if table.versioned:
            yield from ((table, version) for version in sorted({commit.pins[table.name] for commit in commits}))
        elif state.storage.has(table.name):
            yield table, None


def _has_text(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_has_text(kind.field(at).type) for at in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _has_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(column: Any) -> Iterator[Any]:
    """The arrays of texts within a column, however deep."""
    if pa.types.is_struct(column.type):
        for part in column.flatten():
            yield from _texts(part)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        yield column
    elif _has_text(column.type):
        yield from _texts(column.flatten())
