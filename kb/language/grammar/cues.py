"""The cues: what words do to the words around them, as `cues.tsv` has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files
from itertools import product
from typing import Any, NamedTuple

from kb.language.grammar.tokens import Token, marked_alike, tokenise
from kb.language.grammar.wording import WORDS
from kb.language.lexicon import load_lexicon
from kb.language.spelling import is_one_slip_from

EFFECTS = frozenset(
    [
        "deny",
        "free",
        "doubt",
        "likely",
        "affirm",
        "break",
        "cut",
        "void",
        "denied",
        "doubted",
        "copula",
        "show",
        "likened",
        "on",
        "skip",
        "keep",
        "advise",
        "guess",
        "withdrawn",
        "replaced",
        "unseen",
        "obscured",
    ]
)


_POLAR = frozenset(["deny", "free", "doubt", "likely", "denied", "doubted"])
_SPELT_FROM = 6
"""The fewest letters of a word whose slips are seen: of shorter ones too many are other words."""
_SMALL_WORDS = frozenset().union(*WORDS.values())
SPELLINGS = 20_000
"""Words of which it is remembered whether they are slips."""
_IS_CUE = ""
"""What marks that a branch of the tree of cues is a cue, and not only the beginning of one."""


class Segment(NamedTuple):
    """A cue's effect, the cue itself, and the tokens up to the next cue; the first effect is "start"."""

    effect: str
    cue: tuple[Token, ...]
    tokens: list[Token]


class Cues:
    """The table, loaded."""

    def __init__(self, text: str):
        rows = numbered_rows(text)
        unknown = {effect for _, (_, effect) in rows} - EFFECTS
        if unknown:
            raise ValueError(f"cues.tsv: there is no effect {', '.join(sorted(unknown))}")
        self._effects: dict[tuple[str, ...], str] = {}
        self._lines: dict[tuple[str, ...], int] = {}
        for line, phrase, effect in [(line, one, effect) for line, (row, effect) in rows for one in written_out(row)]:
            words = tuple(token.lower for token in tokenise(phrase))
            self._lines.setdefault(words, line)
            if self._effects.setdefault(words, effect) != effect:
                raise ValueError(f"cues.tsv: '{phrase}' is told to {self._effects[words]} and to {effect}")
        self._tree: dict[str, Any] = {}
        for words in self._effects:
            branch = self._tree
            for word in words:
                branch = branch.setdefault(word, {})
            branch[_IS_CUE] = {}
        self._telling = frozenset(
            word
            for phrase, effect in self._effects.items()
            if effect in _POLAR or "evidence" in phrase
            for word in phrase
            if len(word) >= _SPELT_FROM
        )
        self._known = frozenset(word for phrase in self._effects for word in phrase)
        self.spelt = lru_cache(SPELLINGS)(self._spelt)
        self.words = frozenset(word for phrase in self._effects for word in phrase)
        self.fingerprint = blake2b(text.encode(), digest_size=4).hexdigest()

    def segments(self, tokens: Sequence[Token]) -> list[Segment]:
        """The sentence cut at its cues, the longest cue at each place."""
        segments = [Segment("start", (), [])]
        words = [token.lower for token in tokens]
        if any(map(self.spelt, words)):
            words = [self.spelt(word) or word for word in words]
            tokens = [token._replace(lower=word) for token, word in zip(tokens, words, strict=True)]
        at = 0
        while at < len(tokens):
            length = self._cue_length(words, at) if words[at] in self._tree else 0
            if length:
                effect = self._effects[tuple(words[at : at + length])]
                segments.append(Segment(effect, tuple(tokens[at : at + length]), []))
                at += length
            else:
                segments[-1].tokens.append(tokens[at])
                at += 1
        return segments

    def line_of(self, cue: Sequence[Token]) -> int:
        """The line of the table that a cue stands in."""
        return self._lines[tuple(token.lower for token in cue)]

    def _spelt(self, word: str) -> str | None:
        """The cue's word that a word is a slip of ("possilbe", "evidnece"); None if it is none, or of several."""
        if len(word) < _SPELT_FROM or word in self._known or not word.isalpha():
            return None
        if word in _SMALL_WORDS or load_lexicon().knows(word):
            return None
        meant = {near for near in self._telling if near[0] == word[0] and is_one_slip_from(word, near)}
        meant = {one for one in meant if one[-1] == word[-1] or sorted(one) == sorted(word)}
        return meant.pop() if len(meant) == 1 else None

    def _cue_length(self, words: Sequence[str], at: int) -> int:
        """How many words the longest cue at `at` has; 0 where there is none."""
        length, branch, end = 0, self._tree, at
        while end < len(words) and (following := branch.get(words[end])) is not None:
            branch = following
            end += 1
            if _IS_CUE in branch:
                length = end - at
        return length


def written_out(phrase: str) -> list[str]:
    """Every phrase that "{may|might} {also|} be" stands for."""
    return [" ".join(" ".join(chosen).split()) for chosen in product(*_choices(phrase))]


def _choices(phrase: str) -> list[list[str]]:
    return [part.strip("{}").split("|") for part in re.findall(r"\{[^}]*\}|[^{}]+", phrase)]


@cache
def load_cues() -> Cues:
    """The cues of this installation, read once."""
    return Cues(table_text())


def cues_at_sight(text: str) -> list[tuple[str, ...]]:
    """The cues in a text, the longest at each place, as words cut without a tokeniser: so none needs loading.

    The words are cut at least as finely as the tokeniser cuts them, so a text without such cues holds no cue.
    """
    rows = _rows_by_first_word()
    words = _fine_words(text)
    found: list[tuple[str, ...]] = []
    at = 0
    while at < len(words):
        length = 0
        if words[at] in rows:
            cues, longest = _cues_beginning_with(words[at])
            ahead = tuple(words[at : at + longest])
            length = next((n for n in range(len(ahead), 0, -1) if ahead[:n] in cues), 0)
        if length:
            found.append(tuple(words[at : at + length]))
        at += length or 1
    return found


_FINE_WORD = re.compile(r"[^\W_]+|\?+|[^\w\s]")


def _fine_words(text: str) -> list[str]:
    text = marked_alike(text).lower()
    if "not" in text or "n't" in text or "n’t" in text:
        text = text.replace("cannot", "can not").replace("n't", " not").replace("n’t", " not")
    spelt = load_cues().spelt
    return ["?" if word[0] == "?" else spelt(word) or word for word in _FINE_WORD.findall(text)]


@cache
def _rows_by_first_word() -> dict[str, list[str]]:
    """The rows of the table that hold a cue which begins with a word; written out, they are many more."""
    rows: dict[str, list[str]] = {}
    for _, (row, _) in numbered_rows(table_text()):
        firsts: set[str] = set()
        for choices in _choices(row):
            firsts |= {_fine_words(choice)[0] for choice in choices if choice.strip()}
            if all(choice.strip() for choice in choices):
                break
        for first in firsts:
            rows.setdefault(first, []).append(row)
    return rows


@cache
def _cues_beginning_with(word: str) -> tuple[frozenset[tuple[str, ...]], int]:
    """The cues that begin with a word, and how many words the longest of them has."""
    phrases = (tuple(_fine_words(phrase)) for row in _rows_by_first_word()[word] for phrase in written_out(row))
    cues = frozenset(phrase for phrase in phrases if phrase[0] == word)
    return cues, max(map(len, cues))


def numbered_rows(text: str) -> list[tuple[int, list[str]]]:
    """The cells of each row of a table with the row's line, without comments and header."""
    lines = enumerate(text.splitlines(), start=1)
    return [(at, line.split("\t")) for at, line in lines if line.strip() and not line.startswith("#")][1:]


@cache
def table_text() -> str:
    """The text of `cues.tsv`."""
    return (files("kb.language.grammar") / "cues.tsv").read_text(encoding="utf-8")
