"""Other names of observations: the table `other_names.tsv` beside this file, and a table of one's own.

A radiologist edits the tables; nothing here needs to change. Capitals, accents and umlauts written out do not matter,
nor does the order of a name's words: "water on my heart" is "the heart: water on it". A name may mean several things.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from re import compile as pattern

from kb.errors import UsageError
from kb.language.lexicon import fold, parts
from kb.reading.regular_file import read_text

TABLE = "other_names.tsv"
HEADER = ("meant", "kind", "names")

_WORD = pattern(r"[^\W_]+")
_EMPTY = frozenset(
    (files("kb.language.names") / "empty_words.tsv").read_text(encoding="utf-8").split("words\n")[-1].split()
)
"""Words that are passed over, in names and in queries (`empty_words.tsv`)."""

BETWEEN = 2
"""Words that may stand between those of a name, the empty ones not counted: "water all round my heart"."""

_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))


@dataclass(frozen=True, slots=True)
class OtherName:
    """A name, its kind ("lay", "latin", ...), what it means as a report would say it, and the row of the table."""

    name: str
    kind: str
    meant: tuple[str, ...]
    row: str


@dataclass(frozen=True, slots=True)
class Named:
    """A name found in a query: `at` are the numbers of the query's words that it took."""

    other: OtherName
    at: frozenset[int]


class OtherNames:
    """A table of other names, looked up by the words of a query."""

    def __init__(self, names: Sequence[OtherName]):
        self.names = tuple(names)

    @cached_property
    def _by_words(self) -> Mapping[frozenset[str], OtherName]:
        found = {frozenset(_keys(other.name)): other for other in self.names}  # what comes later holds: one's own table
        return {key: other for key, other in found.items() if key}

    @cached_property
    def _having(self) -> Mapping[str, Sequence[frozenset[str]]]:
        """The names that a word is the first of, by the alphabet: each name is met once."""
        having: dict[str, list[frozenset[str]]] = {}
        for key in self._by_words:
            having.setdefault(min(key), []).append(key)
        return having

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the names, as it is compared (see `name_word`)."""
        return frozenset(word for key in self._by_words for word in key)

    def among(self, words: Sequence[str]) -> list[Named]:
        """The names whose words stand together in a query, in any order: the longest first, none sharing a word."""
        said = [(number, name_word(word)) for number, word in enumerate(words) if word.casefold() not in _EMPTY]
        there = {word for _, word in said}
        whole = [key for word in there for key in self._having.get(word, ()) if key <= there]
        placed = [(key, at) for key in whole if (at := _together(said, key))]
        placed.sort(key=lambda one: (-len(one[0]), max(one[1]) - min(one[1]), min(one[1]), sorted(one[0])))
        found: list[Named] = []
        taken: set[int] = set()
        for key, at in placed:
            if taken.isdisjoint(at):
                taken |= at
                found.append(Named(self._by_words[key], at))
        return found


@cache
def load_other_names(own: Path | None = None) -> OtherNames:
    """The table of this installation and, after it, one's own: a name that both have means what one's own says.

    Raises:
        UsageError: the file is not there or cannot be read, or a row has not its three cells.
    """
    shipped = (files("kb.language.names") / TABLE).read_text(encoding="utf-8")
    names = [*read_names(shipped, TABLE)]
    if own is not None:
        names += read_names(read_text(own), str(own))
    return OtherNames(names)


def read_names(text: str, table: str) -> Iterator[OtherName]:
    """The names of a table, row by row; lines that begin with # and the header are passed over.

    Raises:
        UsageError: a row has not three cells with tabs between, or one of them is empty.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if not line.strip() or line.startswith("#") or cells == HEADER:
            continue
        if len(cells) != len(HEADER) or not all(cells):
            raise UsageError(
                f"{table}, line {number}: three cells with tabs between were expected (what is meant, the kind, the "
                f"names), not '{line}'"
            )
        meant, kind, names = cells
        yield from (OtherName(name, kind, parts(meant), f"{table}:{number}") for name in parts(names))


def words_in(text: str) -> list[str]:
    """The words of a query or name, as they stand."""
    return _WORD.findall(text.replace("'", "").replace("’", ""))


def name_word(word: str) -> str:
    """A word as names are compared by: in small, without accent and plural, ä, ae and a being one."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    plain = plain.casefold()
    for written_out, umlaut in _UMLAUTS:
        plain = plain.replace(written_out, umlaut)
    return fold(plain)


def _together(said: Sequence[tuple[int, str]], key: frozenset[str]) -> frozenset[int]:
    """Where the words of a name stand closest in a query, with at most `BETWEEN` others between; nowhere: empty."""
    best: frozenset[int] = frozenset()
    fewest = len(key) + BETWEEN + 1
    for first, (_, word) in enumerate(said):
        missing = set(key)
        for last in range(first, min(len(said), first + fewest - 1) if word in key else first):
            missing.discard(said[last][1])
            if not missing:
                fewest = last - first + 1
                best = frozenset(number for number, one in said[first : last + 1] if one in key)
                break
    return best


def _keys(name: str) -> Iterator[str]:
    return (name_word(word) for word in words_in(name) if word.casefold() not in _EMPTY)
