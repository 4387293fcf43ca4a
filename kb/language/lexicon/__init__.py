"""The lexicon of chest findings, devices, normal statements and places: plain tables beside this file.

A radiologist edits the `.tsv` files; nothing here needs to change. Words are compared without case and
without plural, and the words of a finding in any order, so "rib fracture" is also "fracture of the rib".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files
from itertools import product
from typing import NamedTuple

FILES = (
    "findings.tsv",
    "anatomy.tsv",
    "severity.tsv",
    "laterality.tsv",
    "abbreviations.tsv",
    "stop_words.tsv",
    "inflections.tsv",
    "descriptors.tsv",
    "unsaid_words.tsv",
    "states.tsv",
    "implied_places.tsv",
    "wider_places.tsv",
    "adjectives.tsv",
    "word_roles.tsv",
)
"""The tables that what is mined, and the concepts of it, depend on."""

STOP_WORDS = frozenset(
    (files("kb.language.lexicon") / "stop_words.tsv").read_text(encoding="utf-8").split("words\n")[1].split()
)
"""Words that carry no meaning of their own inside a term (`stop_words.tsv`)."""

_WORD = re.compile(
    r"\d+(?:[.,]\d+)*(?:st|nd|rd|th)?(?![^\W\d_]|[.,]\d)|\d+(?:[.,]\d+)*|[^\W\d_][^\W_]*(?:[-'][^\W_]+)*", re.IGNORECASE
)

_CHUNK = re.compile(r"[\w-]+")


CACHED_TEXTS = 20_000
"""Phrases whose words are remembered: a phrase is looked at from many sides, and comes again."""


class Word(NamedTuple):
    """One word of a text: as it is compared, and where it stands."""

    folded: str
    start: int
    end: int


class Hit(NamedTuple):
    """A term found among folded words; `first` and `last` count them (`last` exclusive)."""

    label: str
    kind: str
    first: int
    last: int


class Match(NamedTuple):
    """A term found in a text; `first` and `last` count its words (`last` exclusive)."""

    label: str
    kind: str
    start: int
    end: int
    first: int
    last: int


class Terms:
    """A table of terms, found longest first; `ordered` ones must keep the order of their words."""

    def __init__(
        self,
        labels: Mapping[str, tuple[str, Sequence[str]]],
        *,
        ordered: bool,
        inflections: Mapping[str, Sequence[str]] | None = None,
    ):
        self._ordered = ordered
        self._labels: dict[tuple[str, ...], tuple[str, str]] = {}
        spelt: list[tuple[tuple[str, ...], tuple[str, str]]] = []
        for label, (kind, synonyms) in labels.items():
            for term in (label, *synonyms):
                words = folded_words(term)
                if key := self._key(words):
                    self._labels.setdefault(key, (label, kind))
                    spelt.append((words, (label, kind)))
        for words, named in spelt if inflections else ():
            if len(words) > 1:  # one word alone may be a finding in one form and a description in another
                for inflected in product(*((word, *(inflections or {}).get(word, ())) for word in words)):
                    self._labels.setdefault(self._key(inflected), named)
        self._longest = max((len(key) for key in self._labels), default=0)
        # A term that begins with a word has no other words than those that share a term with it.
        self._partners: dict[str, set[str]] = {}
        for key in self._labels:
            for word in key:
                self._partners.setdefault(word, set()).update(key)

    def exactly(self, words: Sequence[str]) -> tuple[str, str] | None:
        """The label and kind of the term that consists of just these folded words."""
        return self._labels.get(self._key(words))

    def has_word(self, folded: str) -> bool:
        """Whether a folded word is a part of a term."""
        return folded in self._partners

    def among(self, words: Sequence[str]) -> list[Hit]:
        """The terms among folded words, from the left, the longest at each place, none overlapping another."""
        hits: list[Hit] = []
        if self._partners.keys().isdisjoint(words):
            return hits
        at, end = 0, len(words)
        while at < end:
            partners = self._partners.get(words[at])
            last = at + 1
            if partners is None:
                at = last
                continue
            limit = min(end, at + self._longest)
            while last < limit and words[last] in partners:
                last += 1
            while last > at and (found := self._labels.get(self._key(words[at:last]))) is None:
                last -= 1
            if last > at and found:
                hits.append(Hit(*found, at, last))
            at = max(last, at + 1)
        return hits

    def find(self, words: Sequence[Word]) -> Iterator[Match]:
        """The terms among the words of a text, as `among` has them, with where they stand."""
        for label, kind, first, last in self.among([word.folded for word in words]):
            yield Match(label, kind, words[first].start, words[last - 1].end, first, last)

    def _key(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(words if self._ordered else sorted(words))


class Lexicon:
    """The tables, loaded."""

    def __init__(self, texts: Mapping[str, str]):
        self._findings = {
            label: (kind, _synonyms(synonyms)) for label, kind, synonyms in _rows(texts["findings.tsv"], 3)
        }
        anatomy = {label: ("anatomy", _synonyms(synonyms)) for label, synonyms in _rows(texts["anatomy.tsv"], 2)}
        self._anatomy, self._places = anatomy, tuple(anatomy)
        self.findings = Terms(self._findings, ordered=False, inflections=_inflections(texts["inflections.tsv"]))
        self.anatomy = Terms(anatomy, ordered=True)
        self.kinds = {label: kind for label, (kind, _) in self._findings.items()}
        self.severities = {fold_phrase(word): normal for word, normal in _rows(texts["severity.tsv"], 2)}
        self.sides = {fold_phrase(word): side for word, side in _rows(texts["laterality.tsv"], 2)}
        self._abbreviations = {short.lower(): long for short, long in _rows(texts["abbreviations.tsv"], 2)}
        shorts = sorted(map(re.escape, self._abbreviations), key=len, reverse=True)
        self._begins_short = frozenset(_CHUNK.findall(short)[0] for short in self._abbreviations)
        self._short = re.compile(rf"(?<![\w-])(?:{'|'.join(shorts) or '(?!)'})(?![\w-])", re.IGNORECASE)
        self.fingerprint = blake2b("\0".join(texts[name] for name in FILES).encode(), digest_size=6).hexdigest()

    def written_out(self, text: str) -> str:
        """`text` with the abbreviations of the field written out: "RLL opacity" is "right lower lobe opacity"."""
        if self._begins_short.isdisjoint(_CHUNK.findall(text.lower())):
            return text
        return self._short.sub(lambda match: self._abbreviations[match.group().lower()], text)

    def canonical(self, term: str) -> str | None:
        """The label that `term` is a name of, or None if it is none."""
        found = self.findings.exactly(folded_words(term))
        return found[0] if found else None

    def find(self, text: str) -> list[Match]:
        """The findings, devices and normal statements that `text` names, in order."""
        return list(self.findings.find(content_words(text)))

    def knows(self, word: str) -> bool:
        """Whether a word is a part of any term of the lexicon."""
        folded = fold(word)
        return (
            self.findings.has_word(folded)
            or self.anatomy.has_word(folded)
            or folded in self.severities
            or folded in self.sides
            or word in self._abbreviations
        )

    def synonyms(self, label: str) -> tuple[str, ...]:
        """The other names of `label`; none where it is no label."""
        return self._findings.get(label, ("", ()))[1]

    def rows(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Every label with its kind and synonyms."""
        return [(label, kind, synonyms) for label, (kind, synonyms) in self._findings.items()]

    def places(self) -> tuple[str, ...]:
        """The labels of the places that a finding can be at."""
        return self._places

    def place_terms(self) -> list[str]:
        """Every label and synonym of the places."""
        return [term for label, (_, synonyms) in self._anatomy.items() for term in (label, *synonyms)]

    def terms(self) -> list[str]:
        """Every label and synonym of the findings, devices and normal statements."""
        return [term for label, (_, synonyms) in self._findings.items() for term in (label, *synonyms)]


@cache
def load_lexicon() -> Lexicon:
    """The lexicon of this installation, read once."""
    folder = files("kb.language.lexicon")
    return Lexicon({name: (folder / name).read_text(encoding="utf-8") for name in FILES})


def read_table(name: str, width: int) -> list[list[str]]:
    """The rows of a table beside this file, each of `width` cells; comments and the header are left out."""
    return list(_rows((files("kb.language.lexicon") / name).read_text(encoding="utf-8"), width))


def parts(cell: str) -> tuple[str, ...]:
    """The terms of a cell of a table: what stands between its bars."""
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def words_of(text: str) -> list[Word]:
    """The words of `text`, folded, with their places."""
    return list(_words_of(text))


@lru_cache(CACHED_TEXTS)
def _words_of(text: str) -> tuple[Word, ...]:
    return tuple([Word(fold(match[0]), *match.span()) for match in _WORD.finditer(text)])


def content_words(text: str) -> list[Word]:
    """The words of `text` that carry meaning, with their places."""
    return [word for word in words_of(text) if word.folded not in STOP_WORDS]


@lru_cache(CACHED_TEXTS)
def folded(text: str) -> tuple[str, ...]:
    """The words of `text`, folded."""
    return tuple(map(fold, _WORD.findall(text)))


@lru_cache(CACHED_TEXTS)
def folded_words(text: str) -> tuple[str, ...]:
    """The words of `text` that carry meaning, folded; of a token, that is most often one."""
    return tuple([word for word in folded(text) if word not in STOP_WORDS])


def fold_phrase(text: str) -> str:
    """The folded words of `text`, joined."""
    return " ".join(folded(text))


@cache
def fold(word: str) -> str:
    """A word without case and without plural: "Effusions" is "effusion", "apices" stays (a synonym tells)."""
    word = word.lower()
    if len(word) < 4 or not word.isalpha() or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def _inflections(text: str) -> Mapping[str, Sequence[str]]:
    """The other forms of each word, both folded."""
    groups = [[fold(form.strip()) for form in line.split("|")] for (line,) in _rows(text, 1)]
    return {word: [other for other in group if other != word] for group in groups for word in group}


def _rows(text: str, width: int) -> Iterator[list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines[1:]:
        cells = [cell.strip() for cell in line.split("\t")]
        yield (cells + [""] * width)[:width]


def _synonyms(cell: str) -> tuple[str, ...]:
    return tuple(term for term in (part.strip() for part in cell.split("|")) if term)
