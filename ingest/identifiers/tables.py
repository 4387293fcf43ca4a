"""The tables of names, eponyms and plain words, and which words are known to name nobody."""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from unicodedata import combining, normalize

from kb.language.lexicon import fold

_LETTERS = re.compile(r"[^\W\d_]+")
_WHOLE = str.maketrans("øłđı", "oldi")
"""Letters with a stroke that is no accent."""
_TABLES = ("names.tsv", "eponyms.tsv", "plain_words.tsv", "markers.tsv")
_FOLDERS = ("kb.language.lexicon", "kb.language.grammar", "kb.language.labels", "ingest.scope")
"""The tables of the mining: a word of theirs is a word of radiology, whatever it is a name of beside that."""


def spelt(word: str) -> str:
    """A word as the tables have it: small letters without accents, and without what it is owned by ("Muñoz's")."""
    word = re.sub(r"['\u2019]s$", "", word.lower())
    return "".join(letter for letter in normalize("NFKD", word.translate(_WHOLE)) if not combining(letter))


@cache
def names() -> frozenset[str]:
    """Given names and surnames of many countries that are no plain word as well."""
    return frozenset(_read("names.tsv"))


@cache
def eponyms() -> frozenset[str]:
    """Names that stand for a sign, a disease, an operation or a device, and for nobody who could be meant."""
    return frozenset(_read("eponyms.tsv"))


@cache
def plain_words() -> frozenset[str]:
    """Words of the sentences that tell who was told what."""
    return frozenset(_read("plain_words.tsv"))


@cache
def marker(kind: str) -> frozenset[str]:
    """Words of one kind that tell whether the word beside them is a name: "particle", "title", "eponym", ..."""
    return frozenset(_read("markers.tsv", kind))


@cache
def is_known(word: str) -> bool:
    """Whether a word is one of radiology or a plain one: alone, it names nobody."""
    word = spelt(word)
    parts = _LETTERS.findall(word)
    return bool(parts) and all(part in known_words() or fold(part) in known_words() for part in parts)


@cache
def is_name(word: str) -> bool:
    """Whether a word is a name that is nothing else; of "al-Hassan" and "Smith-Jones" one part is enough."""
    parts = _LETTERS.findall(spelt(word))
    return not is_known(word) and any(part in names() for part in parts)


@cache
def fingerprint() -> str:
    """Changes with every table here."""
    digest = blake2b(digest_size=4)
    for name in _TABLES:
        digest.update(_file(name).read_bytes())
    return digest.hexdigest()


@cache
def known_words() -> frozenset[str]:
    """The words of radiology and the plain ones that are no names as well."""
    words = set(eponyms() | plain_words())
    for folder in _FOLDERS:
        for table in files(folder).iterdir():
            if table.name.endswith(".tsv"):
                lines = table.read_text(encoding="utf-8").splitlines()
                told = (line for line in lines if not line.startswith("#"))
                words.update(part for line in told for part in _LETTERS.findall(spelt(line)))
    return frozenset(words | {fold(word) for word in words}) - names()


def _read(name: str, kind: str | None = None) -> list[str]:
    lines = _file(name).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines[1:] if not line.startswith("#")]
    return [word for first, words in rows if kind in (None, first) for word in words.split()]


def _file(name: str) -> Traversable:
    return files("ingest.identifiers") / name
