"""What a query asks: the observations that it may mean, and how each was understood.

A query is read as a sentence of a report is, and by the other names in it (lay, Latin, other languages). Where the
lexicon does not know all of its words, slips are mended, and an unfinished last word goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product

from kb.language.facets import Facets
from kb.language.lexicon import STOP_WORDS, fold, load_lexicon
from kb.language.names.other_names import Named, OtherNames, name_word, words_in
from kb.language.normal_form.spelling import known_words, spelt
from kb.language.normal_form.tables import class_of, load_tables
from kb.language.query_reading import query_or_none
from kb.language.same_words import heads_of
from kb.language.slips import meant_by
from kb.vocabulary.search.concept_columns import ConceptColumns
from kb.vocabulary.search.exclusion import split_exclusion

MOST_MEANINGS = 6
"""Readings that the names of a query are taken in together, at most."""

COMPLETIONS = 4
"""Words that an unfinished one is read as, at most."""

BY_A_NAME, COMPLETED, BESIDE = 1.0, 0.95, 0.8
"""How much a reading by another name is worth, one by a completed word, and any where the lexicon knows the query."""

_DENIED_BEHIND = re.compile(r"(.*\w)[\s,:]+(?:negative|excluded|ruled out|nil|none|absent|not seen)\W*", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a query.

    Attributes:
        text: the query in the words of reports.
        facets: what it says; None where it says nothing that could be observed ("left").
        heads: the stems of its words (`kb.language.same_words.heads_of`).
        weight: how much it is worth beside the others, 0 to 1.
        found_by: how it was come by, in words; None for the words as they were asked.
    """

    text: str
    facets: Facets | None
    heads: frozenset[str]
    weight: float = 1.0
    found_by: str | None = None

    @property
    def in_words(self) -> str:
        """It in one line, as the concept that it names is called where it is known."""
        return self.facets.text if self.known and self.facets is not None else self.text

    @property
    def known(self) -> bool:
        """Whether the lexicon knows the finding, and the tables every other word."""
        facets = self.facets
        return (
            facets is not None
            and load_lexicon().canonical(facets.finding) is not None
            and None not in {class_of(one) for one in facets.descriptors}
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it was understood: its readings, and what no hit may have."""

    readings: Sequence[Reading]
    left_out: Sequence[str]


def understand(query: str, columns: ConceptColumns, names: OtherNames) -> Asked:
    """The readings of a query, its own first.

    Args:
        query: an observation in plain words, or the beginning of one.
        columns: the vocabulary, whose words are known words too.
        names: other names of observations.
    """
    exclusion = split_exclusion(query.strip())
    asked = _denial_first(exclusion.asked)
    own = _read(asked, found_by=_mended(asked))
    beside = BESIDE if own.known else 1.0
    others = [*_by_names(asked, names, beside)]
    if not own.known:
        words = known_to(columns, names)
        others += [*_corrected(asked, words, columns, names), *_completed(asked, words, columns)]
    return Asked((own, *others), exclusion.left_out)


@dataclass(frozen=True)
class KnownWords:
    """The words that are no slips: those of the lexicon, of other names and of the vocabulary."""

    lexicon: frozenset[str]
    names: OtherNames
    columns: ConceptColumns

    def __contains__(self, word: str) -> bool:
        return (
            fold(word) in self.lexicon
            or word in STOP_WORDS
            or load_lexicon().written_out(word) != word
            or name_word(word) in self.names.words
            or word in self.columns.words
        )


def known_to(columns: ConceptColumns, names: OtherNames) -> KnownWords:
    """The words that are known, of all tables and of a vocabulary."""
    return KnownWords(_lexicon_words(), names, columns)


@cache
def _lexicon_words() -> frozenset[str]:
    return frozenset(known_words())


@cache
def _correct_spellings(names: OtherNames) -> frozenset[str]:
    """What a slip may be meant for: the words of the lexicon and of other names."""
    return frozenset(known_words().values()) | {w.lower() for one in names.names for w in words_in(one.name)}


def _read(text: str, *, weight: float = 1.0, found_by: str | None = None) -> Reading:
    words = [word for word in _TOKEN.findall(load_lexicon().written_out(spelt(text)).lower()) if word not in STOP_WORDS]
    telling = [word for word in words if fold(word) not in load_tables().unsaid] or words
    heads = frozenset(head for word in telling for head in heads_of(word))
    return Reading(text=text, facets=query_or_none(text), heads=heads, weight=weight, found_by=found_by)


def _denial_first(text: str) -> str:
    """A query whose denial stands behind it with the denial before it: "ptx: none", "pneumothorax negative"."""
    found = _DENIED_BEHIND.fullmatch(text)
    return f"no {found[1]}" if found else text


def _mended(text: str) -> str | None:
    """What the tables spell otherwise than the query does, in words."""
    pairs = zip(_TOKEN.findall(text.lower()), _TOKEN.findall(spelt(text).lower()), strict=False)
    return next((_read_as(one, other) for one, other in pairs if one != other and "-" not in one + other), None)


def _by_names(text: str, names: OtherNames, weight: float) -> Iterator[Reading]:
    """The query with its other names in the words of reports, in each way that these can be meant."""
    words = words_in(text)
    named = names.among(words)
    for meanings in islice(product(*(one.other.meant for one in named)), MOST_MEANINGS if named else 0):
        translated = _replaced(words, named, meanings)
        told = ", ".join(f'"{_said(words, one)}" = {meant}' for one, meant in zip(named, meanings, strict=True))
        yield _read(translated, weight=weight * BY_A_NAME, found_by=told)


def _replaced(words: Sequence[str], named: Sequence[Named], meanings: Sequence[str]) -> str:
    taken = {at for one in named for at in one.at}
    put = {min(one.at): meant for one, meant in zip(named, meanings, strict=True)}
    parts = [put.get(at, "" if at in taken else word) for at, word in enumerate(words)]
    return " ".join(part for part in parts if part)


def _said(words: Sequence[str], named: Named) -> str:
    return " ".join(words[at] for at in range(min(named.at), max(named.at) + 1))


def _corrected(text: str, known: KnownWords, columns: ConceptColumns, names: OtherNames) -> Iterator[Reading]:
    """The query with each unknown word as the one that it is a slip of; where that may be several, it stays."""
    import simplemma  # its rules of fifty languages take longer than a search does where no word is unknown

    told: list[str] = []
    words = words_in(text)
    for at, word in enumerate(word.lower() for word in words):
        if word in known or simplemma.is_known(word, lang="en"):
            continue
        meant = meant_by(word, _correct_spellings(names))
        if len({frozenset(heads_of(load_lexicon().canonical(one) or one)) for one in meant}) == 1:
            words[at] = min(meant)
            told.append(_read_as(word, words[at]))
    if told:
        corrected = " ".join(words)
        yield _read(corrected, weight=BY_A_NAME, found_by=", ".join(told))
        for reading in _by_names(corrected, names, BY_A_NAME):
            yield _read(reading.text, weight=reading.weight, found_by=", ".join((*told, reading.found_by or "")))


def _completed(text: str, known: KnownWords, columns: ConceptColumns) -> Iterator[Reading]:
    """The query with its last word as the words that it may be the beginning of."""
    *before, last = words_in(text.lower()) or [""]
    whole = fold(last) in known.lexicon or last in columns.words
    if not last or whole or not text.lower().endswith(last) or not all(word in known for word in before):
        return
    for word in columns.words.completions(last, COMPLETIONS):
        yield _read(" ".join((*before, word)), weight=COMPLETED)


def _read_as(word: str, other: str) -> str:
    return f'"{word}" read as "{other}"'
