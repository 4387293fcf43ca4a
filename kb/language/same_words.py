"""What an observation says, as a set of words: spelling, part of speech, synonyms and empty words taken away.

Coarser than the normal form, which is identity and must not be wrong: two concepts of one wording are worth a look.
The tables stand beside the lexicon (`word_groups.tsv`, `contrasts.tsv`, `silent_words.tsv`, `implied_places.tsv`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import permutations
from typing import Any

from rapidfuzz.distance import OSA

from kb.language.lexicon import fold, load_lexicon, read_table
from kb.language.wider_terms import homes

_JOINED = re.compile(r"\b(non|retro|peri|sub|post|pre|re|un|para|intra|inter|supra|infra|over|under)-(?=[a-z])")
_BRITISH = (
    (re.compile(r"haem|\boe(?=[a-z])"), lambda m: "hem" if m.group() == "haem" else "e"),
    (re.compile(r"paenia\b|paenic\b"), lambda m: m.group().replace("ae", "e")),
    (re.compile(r"(?<=tum|col|hum)our\b"), lambda m: "or"),
    (re.compile(r"is(?=ed\b|ing\b|ation\b)"), lambda m: "iz"),
)
_NEGATIVE = re.compile(r"^(?:non|un|in|im|a(?!cute)|hypo|hyper|mal|dys)")
_TELLING_BEGINNINGS = (
    "hypo", "hyper", "intra", "infra", "inter", "pre", "para", "peri", "sub", "supra", "ante", "anti", "endo", "epi",
)  # fmt: skip
_TELLING_ENDINGS = ("ectomi", "ostomi", "otomi", "plasti", "scopi", "graphi", "lobular", "lobar")
"""Beginnings and endings (of stems) in which two words may differ by a letter and mean different things."""

_OWN_STEMS = frozenset(["healing"])
"""Words that a stemmer takes for a word of another meaning: what heals is not healed."""

_ENDS = frozenset(["tip", "end", "termin", "project", "reach", "cours"])
"""Stems that tell where a tube or a lead ends: a place beside them is told, and does not go without saying."""

_WORD = re.compile(r"[a-z]+\+*|\d+(?:[.,]\d+)*(?:st|nd|rd|th)?")
_MEASURE = re.compile(r"(\d+(?:[.,]\d+)*)\s*(mm|cm)\b")


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of an observation, and the label of its finding where the lexicon knows it.

    Attributes:
        like: the words with those that most readers use for each other taken for one (`like_words.tsv`).
    """

    words: frozenset[str]
    like: frozenset[str]
    known_finding: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two wordings side by side: the words that only one of them has, and what these mean for the pair.

    Attributes:
        misspelt: how many words are one but for spelling; they are in neither of the two.
        contrast: whether the two hold different words of one contrast, or different numbers.
        other_finding: whether the lexicon knows both findings, and they are two.
        alike: whether what tells them apart are words that most readers use for each other.
    """

    only_first: frozenset[str]
    only_second: frozenset[str]
    shared: int
    misspelt: int
    contrast: bool
    other_finding: bool
    alike: bool

    @property
    def same(self) -> bool:
        """Whether no word tells them apart."""
        return not self.only_first and not self.only_second


def wording_of(row: Mapping[str, Any]) -> Wording:
    """The wording of a concept from its facets: a row of `concepts`, or `vars` of `kb.language.facets.Facets`."""
    return _wording(
        row["finding"], row["anatomy"] or "", tuple(row["descriptors"]), both=row["laterality"] == "bilateral"
    )


def compare(first: Wording, second: Wording) -> Comparison:
    """What tells two wordings apart."""
    left, right, misspelt = _reconciled(first.words - second.words, second.words - first.words)
    findings = (first.known_finding, second.known_finding)
    return Comparison(
        only_first=left,
        only_second=right,
        shared=len(first.words & second.words),
        misspelt=misspelt,
        contrast=_contrast(left, right),
        other_finding=None not in findings and findings[0] != findings[1],
        alike=first.like == second.like,
    )


def heads_of(text: str) -> frozenset[str]:
    """The stems that stand for the words of a text and their like: "cardiac enlargement" is heart and enlarg."""
    return frozenset(_tables().headed(_spelt(text)))


@lru_cache(maxsize=1 << 16)
def _wording(finding: str, anatomy: str, descriptors: tuple[str, ...], *, both: bool) -> Wording:
    tables = _tables()
    ends = any(_stem(word) in _ENDS for text in descriptors for word in _spelt(text))
    implied = frozenset() if ends else tables.implied.get(finding, frozenset())
    match = load_lexicon().findings.exactly([fold(word) for word in finding.split()])
    telling = match is not None and match[1] != "generic"
    places = [word for word in _spelt(anatomy) if _stem(word) not in implied]
    if len(places) > 1 or "lung" in homes(finding):
        places = [word for word in places if word != "lung"]
    described = [word for text in descriptors for word in _spelt(text) if _stem(word) not in implied]
    words = [*_spelt(finding), *places, *described]
    bare = [word for word in words if word != "lung"] if telling and places == ["lung"] else words
    like = tables.likened(tables.grouped(bare) - (_MANY if both else frozenset()))
    said = tables.grouped(words) or {_stem(word) for word in words}
    return Wording(frozenset(said), frozenset(like or said), finding if match else None)


@dataclass(frozen=True, kw_only=True)
class _Tables:
    heads: Mapping[str, tuple[str, ...]]
    phrases: Sequence[tuple[frozenset[str], tuple[str, ...]]]
    silent: frozenset[str]
    implied: Mapping[str, frozenset[str]]
    contrasts: Mapping[str, frozenset[int]]
    known: frozenset[str]
    like: _Tables | None = None

    def likened(self, said: Iterable[str]) -> set[str]:
        """Grouped words with each that is used for another one taken for it."""
        assert self.like is not None
        bag = {head for word in said for head in self.like.heads.get(word, (word,))}
        for phrase, head in self.like.phrases:
            if phrase <= bag:
                bag = (bag - phrase) | set(head)
        return bag

    def grouped(self, words: Iterable[str]) -> set[str]:
        """Words with each group's first in the place of the others, stemmed, the silent ones left out."""
        bag = self.headed(words)
        for phrase, head in self.phrases:
            if phrase <= bag:
                bag = (bag - phrase) | set(head)
        return bag - self.silent

    def headed(self, words: Iterable[str]) -> set[str]:
        """Words, stemmed, with the first of its group in the place of each."""
        return {head for word in words for head in self.heads.get(_stem(word), (_stem(word),))}


@cache
def _tables() -> _Tables:
    silent = frozenset(_stem(word) for (line,) in read_table("silent_words.tsv", 1) for word in line.split())
    plain = _groups("word_groups.tsv", silent)
    implied = {
        finding: frozenset(_stem(word) for place in places.split("|") for word in _spelt(place))
        for finding, places in read_table("implied_places.tsv", 2)
    }
    contrasts: dict[str, set[int]] = {}
    for number, (line,) in enumerate(read_table("contrasts.tsv", 1)):
        for word in line.split("|"):
            for stem in plain.grouped(_spelt(word)):
                contrasts.setdefault(stem, set()).add(number)
    lexicon = load_lexicon()
    texts = [*lexicon.terms(), *lexicon.places(), *(row[0] for row in read_table("word_groups.tsv", 2))]
    texts += [others for _, others in read_table("word_groups.tsv", 2)]
    known = {_stem(word) for text in texts for word in _spelt(text)} | set(contrasts) | silent
    lines = {stem: frozenset(numbers) for stem, numbers in contrasts.items()}
    like = _groups("like_words.tsv", frozenset(), plain)
    return replace(plain, implied=implied, contrasts=lines, known=frozenset(known), like=like)


def _groups(table: str, silent: frozenset[str], before: _Tables | None = None) -> _Tables:
    """The groups of a table: single words by stem, and phrases, the longest first; read as `before` reads them."""

    def stems(words: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(_stem, words)) if before is None else tuple(sorted(before.headed(words)))

    rows = [
        (stems(_spelt(head)), [_spelt(other) for other in others.split("|")]) for head, others in read_table(table, 2)
    ]
    single = [(stems(other), head) for head, others in reversed(rows) for other in others if len(other) == 1]
    plain = _Tables(
        heads={stem: head for (stem,), head in single},
        phrases=(),
        silent=silent,
        implied={},
        contrasts={},
        known=frozenset(),
    )
    reader = plain if before is None else before
    phrases = [
        (frozenset(reader.headed(other)), _all_headed(plain, head))
        for head, others in rows
        for other in others
        if len(other) > 1
    ]
    return replace(plain, phrases=sorted(phrases, key=lambda known: -len(known[0])))


def _all_headed(plain: _Tables, stems: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({head for stem in stems for head in plain.heads.get(stem, (stem,))}))


def _spelt(text: str) -> list[str]:
    """The words of a text, in American spelling, without hyphens."""
    text = _JOINED.sub(r"\1", text.lower())
    for pattern, spelling in _BRITISH:
        text = pattern.sub(spelling, text)
    return _WORD.findall(_MEASURE.sub(lambda m: m.group(1) + m.group(2), text).replace("-", " "))


@cache
def _stem(word: str) -> str:
    if word in _OWN_STEMS or any(letter.isdigit() for letter in word):
        return word
    stem: str = _stemmer().stemWord(fold(word))
    return stem


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _reconciled(left: frozenset[str], right: frozenset[str]) -> tuple[frozenset[str], frozenset[str], int]:
    """The two sides without the words that are one word, misspelt or written apart on one of them; and how many."""
    count = 0
    for whole, parts in (*_written_apart(left, right), *_written_apart(right, left)):
        left, right, count = left - {whole, *parts}, right - {whole, *parts}, count + 1
    for word in sorted(left):
        other = next((other for other in sorted(right) if _misspelt(word, other)), None)
        if other is not None:
            left, right, count = left - {word}, right - {other}, count + 1
    return left, right, count


def _written_apart(wholes: frozenset[str], parts: frozenset[str]) -> list[tuple[str, tuple[str, str]]]:
    """Words that are two words of the other side joined ("pacemaker", "pace maker")."""
    return [(whole, pair) for whole in wholes for pair in permutations(parts, 2) if _stem("".join(pair)) == whole]


@lru_cache(maxsize=1 << 16)
def _misspelt(word: str, other: str) -> bool:
    """Whether one of two words, of which no table knows both, is the other one misspelt."""
    known, shorter = _tables().known, min(len(word), len(other))
    if (word in known and other in known) or word[0] != other[0] or shorter < 5:
        return False
    if not (word.isalpha() and other.isalpha()) or bool(_NEGATIVE.match(word)) != bool(_NEGATIVE.match(other)):
        return False
    beginnings = {next((b for b in _TELLING_BEGINNINGS if w.startswith(b)), None) for w in (word, other)}
    endings = {next((e for e in _TELLING_ENDINGS if w.endswith(e)), None) for w in (word, other)}
    if len(beginnings - {None}) > 1 or len(endings - {None}) > 1:
        return False
    allowed = 1 if shorter < 8 else 3 if word[:5] == other[:5] else 2
    return int(OSA.distance(word, other, score_cutoff=allowed)) <= allowed


def _contrast(left: frozenset[str], right: frozenset[str]) -> bool:
    contrasts = _tables().contrasts
    lines = {line for word in left for line in contrasts.get(word, ())}
    if any(lines & contrasts.get(word, frozenset()) for word in right):
        return True
    return any(map(_number, left)) and any(map(_number, right))


def _number(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


_MANY = frozenset(["multipl"])
"""What goes without saying of both sides: there is more than one."""

EQUAL, MISSPELT, LIKE, MOST = 1.0, 0.95, 0.92, 0.89
"""The scores of two observations of one wording; of one but for spelling; of one but for words that most readers use
for each other; and the most that others get."""


def likeness(found: Comparison, cosine: float) -> float:
    """How likely two concepts of one assertion, side and severity are one: 1 if they say the same words.

    Args:
        found: what tells their wordings apart.
        cosine: of their embeddings. It orders pairs whose words differ; it never makes them the same, since embedders
            put "upper lobe nodule" nearer to "lower lobe nodule" than to its paraphrases.
    """
    cosine = max(0.0, cosine)
    if found.same and not found.contrast:
        return MISSPELT if found.misspelt else EQUAL
    if found.alike:
        return LIKE
    if found.contrast:
        return 0.1 * cosine
    apart = len(found.only_first) + len(found.only_second)
    one_sided = not found.only_first or not found.only_second
    score = 0.5 * found.shared / (found.shared + apart) + 0.3 * cosine + 0.1 * one_sided
    return min(MOST, score / 2 if found.other_finding else score)
