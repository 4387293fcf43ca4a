"""The table of what examinations are called, and what a code, a procedure or a title says by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from unicodedata import combining, normalize

RADIOGRAPH, CT = "radiograph", "CT"
_WORD = re.compile(r"[a-z]+|\d+")

_CPT = re.compile(r"7\d{4}")
"""The procedures of radiology in CPT: those of the chest have a line in the table, any other is another part's."""

NAME_WORDS = 10
"""Words that the name of a procedure may have."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What some words say: kinds of pictures, parts of the body and interventions by their names in the table.

    `unknown` are the words, of three letters and more, and the codes of CPT that have no line in it.
    """

    taken: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()
    chest: bool = False
    regions: tuple[str, ...] = ()
    acts: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    name: str
    unless: str


def words_of(text: str) -> list[str]:
    """The words of a text: small letters without accents, no signs, no plural s."""
    plain = "".join(sign for sign in normalize("NFKD", text) if not combining(sign)).lower()
    return [_singular(word) for word in _WORD.findall(plain)]


def read_codes(texts: Iterable[str]) -> Wording:
    """What a column of modalities says: `CR`, `CT\\\\SR`, "X-ray"."""
    return _read(tuple(texts), True)


def read_words(texts: Iterable[str]) -> Wording:
    """What a procedure, a part of the body or a title says."""
    return _read(tuple(texts), False)


def is_name(text: str) -> bool:
    """Whether a text is short enough for the name of a procedure; in a sentence any word may come."""
    return len(words_of(text)) <= NAME_WORDS


@lru_cache(maxsize=4_096)
def _read(texts: tuple[str, ...], codes: bool) -> Wording:
    found: list[_Entry] = []
    unknown: dict[str, None] = {}
    for text in texts:
        for word, entries in _matches(words_of(text), codes):
            found += entries
            if not entries and ((word.isalpha() and len(word) > 2) or _CPT.fullmatch(word)):
                unknown[word] = None
    regions = dict.fromkeys(entry.name for entry in found if entry.kind == "region")
    return Wording(
        taken=frozenset(entry.name for entry in found if entry.kind == "taken"),
        other=frozenset(entry.name for entry in found if entry.kind == "other"),
        chest=any(entry.kind == "chest" and entry.unless not in regions for entry in found),
        regions=tuple(regions),
        acts=any(entry.kind == "act" for entry in found),
        unknown=tuple(unknown),
    )


def _matches(words: list[str], codes: bool) -> Iterator[tuple[str, tuple[_Entry, ...]]]:
    """The longest match at each place, from the left; a word that has none comes with no entries."""
    table, longest = _table(codes)
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            entries = table.get(tuple(words[at : at + length]))
            if entries:
                yield words[at], entries
                at += length
                break
        else:
            yield words[at], ()
            at += 1


@cache
def _table(codes: bool) -> tuple[dict[tuple[str, ...], tuple[_Entry, ...]], int]:
    """The entries of each phrase, and the words of the longest phrase."""
    table: dict[tuple[str, ...], tuple[_Entry, ...]] = {}
    for entry, phrases in _entries():
        if entry.kind == "code" and not codes:
            continue
        if entry.kind == "code":
            entry = _Entry("taken" if entry.name in (RADIOGRAPH, CT) else "other", entry.name, "")
        for phrase in phrases:
            table[phrase] = (*table.get(phrase, ()), entry)
    return table, max(map(len, table))


def _entries() -> Iterator[tuple[_Entry, list[tuple[str, ...]]]]:
    text = (files("ingest.scope") / "words.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines[1:]:
        kind, name, words, *unless = line.split("\t")
        phrases = dict.fromkeys(tuple(words_of(phrase)) for phrase in words.split("|"))
        yield _Entry(kind, name, unless[0] if unless else ""), list(phrases)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
