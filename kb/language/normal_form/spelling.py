"""Words as the tables spell them: hyphens as they have them, and slips mended where one word alone is near."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from operator import eq

from kb.language.lexicon import STOP_WORDS, fold, load_lexicon, read_table, words_of
from kb.language.normal_form.reading import NEGATORS
from kb.language.spelling import is_one_slip_from

SHORTEST = 7
"""Letters that a word has at least that is taken for a slip: of shorter ones too many are near each other."""

CACHED_WORDS = 20_000

_WORD = re.compile(r"[^\W\d_][^\W_]*(?:-[^\W_]+)*")


def spelt(phrase: str) -> str:
    """A phrase with the words of the tables as the tables spell them ("cardio-pulmonary", "pnuemothorax")."""
    words = _WORD.findall(phrase)
    if all(map(eq, map(_meant, words), words)):
        return phrase
    return _WORD.sub(lambda match: _meant(match[0]), phrase)


@lru_cache(CACHED_WORDS)
def _meant(word: str) -> str:
    """A word as the tables spell it; itself where they have no such word.

    A denial that was tied to its word ("no-change") stays tied. A slip is mended where one known word alone is a letter
    away, the first letter is the same, and English has no word of the spelling: so no finding becomes another one.
    """
    known = known_words()
    lower = word.lower()
    if fold(lower) in known:
        return word
    if "-" in word:
        parts, whole = lower.split("-"), fold(lower.replace("-", ""))
        apart = parts[0] not in NEGATORS and all(fold(part) in known for part in parts)
        return known.get(whole, " ".join(parts) if apart else word)
    if (hyphenated := _unhyphenated().get(fold(lower))) is not None:
        return hyphenated
    near = _near(fold(lower)) if len(lower) >= SHORTEST else []
    if len(near) != 1 or _is_english(lower):
        return word
    return known[near[0]]


def _is_english(word: str) -> bool:
    from simplemma import is_known  # it takes long to import, and its dictionary longer: it is asked last

    return is_known(word, lang="en")


def _near(word: str) -> list[str]:
    """The folded words of the tables that a folded word is a slip of, but for slips of the first letter."""
    lengths = (len(word) - 1, len(word), len(word) + 1)
    alike = (one for length in lengths for one in _known_by_shape().get((word[0], length), ()))
    return [one for one in alike if is_one_slip_from(word, one)]


@cache
def _known_by_shape() -> Mapping[tuple[str, int], Sequence[str]]:
    """The folded words of the tables by their first letter and length."""
    shapes: dict[tuple[str, int], list[str]] = {}
    for word in known_words():
        shapes.setdefault((word[0], len(word)), []).append(word)
    return shapes


@cache
def known_words() -> Mapping[str, str]:
    """Every word of the tables by its folded form."""
    lexicon = load_lexicon()
    texts = [*lexicon.terms(), *lexicon.place_terms(), *lexicon.severities, *lexicon.sides, *STOP_WORDS, *NEGATORS]
    for name, width in (("descriptors.tsv", 3), ("states.tsv", 2), ("unsaid_words.tsv", 1)):
        texts += [cell for row in read_table(name, width) for cell in row]
    return {word.folded: text[word.start : word.end].lower() for text in texts for word in words_of(text)}


@cache
def _unhyphenated() -> Mapping[str, str]:
    """The words of the tables that have a hyphen, by what they are without it."""
    return {folded.replace("-", ""): word for folded, word in known_words().items() if "-" in folded}
