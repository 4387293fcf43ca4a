"""Whether a report is in English: the rules read nothing else, and would take "kein Pneumothorax" for a finding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from unicodedata import name, normalize

from ingest.report import Section
from kb.language.grammar.cues import load_cues
from kb.language.grammar.wording import WORDS
from kb.language.lexicon import load_lexicon

_WORD = re.compile(r"[^\W\d_]{2,}")
_SMALL_LETTERS = bytes(byte if chr(byte).isalpha() else 32 for byte in bytes(range(128)).lower()) + b" " * 128
"""Every letter of ASCII as a small one, and a blank for everything else."""
_REMOVED = re.compile(r"x{3,}", re.IGNORECASE)
_ASCII = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "đ": "d"})
_ENGLISH_ENDINGS = ("ly", "ness", "ght", "ied", "ated", "ized", "ised", "ened", "aced", "ected")
_SCRIPTS = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese",
    "HANGUL": "Korean",
    "THAI": "Thai",
    "GREEK": "Greek",
    "HEBREW": "Hebrew",
    "CYRILLIC": "in Cyrillic letters",
    "ARABIC": "in Arabic letters",
    "DEVANAGARI": "in Devanagari letters",
}
_WITHOUT_BLANKS = frozenset(["Japanese", "Chinese", "Thai"])
_OTHER_LETTERS = "in letters that English does not use"

MANY_WORDS = 8
"""Words of which some must be known: fewer may all be terms that no table has."""

LANGUAGES_TOLD = 3
"""Languages between which a few words may leave open; of more, none is named."""


@dataclass(frozen=True, slots=True)
class _Tables:
    english: frozenset[str]
    foreign: dict[str, tuple[str, ...]]
    english_bytes: frozenset[bytes]
    foreign_bytes: frozenset[bytes]
    borrowed: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Words:
    """How many words of a text tell that it is English, and those that tell that it is not, by language."""

    english: int
    foreign: int
    languages: Counter[str]


def not_english(sections: Sequence[Section]) -> str | None:
    """Why a report cannot be read by rules for English; None if it can, or where its words do not tell.

    It cannot where more words of a section are foreign than are surely English. Terms ("edema", "pneumothorax") belong
    to every language, so they tell nothing; nor do words that no table has, unless all of many are such. A name with
    an accent ("Sjögren") is foreign only where nothing else is English.
    """
    texts = [section.text for section in sections]
    if all(map(_is_plainly_english, texts)):
        return None
    counted = [_counted(text) for text in texts]
    english = sum(one.english for one in counted)
    foreign = [one for one in counted if one.foreign > one.english and (one.languages or not english)]
    if foreign:
        return _reason(sum((one.languages for one in foreign), Counter()))
    return _reason(Counter()) if not english and _unknown(" ".join(texts)) else None


def _is_plainly_english(text: str) -> bool:
    """Whether nothing in a text is foreign and something is English: so nearly every report is known at once.

    Its words are taken as bytes: a regular expression would cost a tenth of mining reports that repeat themselves.
    """
    if not text.isascii():
        return False
    words = text.encode("ascii").translate(_SMALL_LETTERS).split()
    tables = _tables()
    return tables.foreign_bytes.isdisjoint(words) and (not words or not tables.english_bytes.isdisjoint(words))


def _counted(text: str) -> _Words:
    tables = _tables()
    english = foreign = 0
    languages: Counter[str] = Counter()
    text = normalize("NFKC", text)
    capitals = text.isupper()
    for word in _WORD.findall(tables.borrowed.sub(" ", text)):
        if len(word) <= 3 and word.isupper() and word.isascii() and not capitals:
            continue  # "ET", "LA", "DES": abbreviations
        weight, known = _foreignness(word.lower())
        if weight:
            foreign += weight
            languages.update(dict.fromkeys(known, weight))
        elif word.lower() in tables.english or word.lower().endswith(_ENGLISH_ENDINGS):
            english += 1
    return _Words(english, foreign, languages)


def _foreignness(word: str) -> tuple[int, tuple[str, ...]]:
    """How many foreign words a word counts as (a run of Chinese characters is several), and in which languages."""
    if word.isascii():
        known = _tables().foreign.get(word, ())
        return len(known) and 1, known
    scripts = list(_scripts(word))
    if 2 * len(scripts) <= len(word):
        return int(not scripts), () if scripts else _tables().foreign.get(_without_accents(word), ())
    script = "Japanese" if "Japanese" in scripts else scripts[0]
    return (len(word) + 1) // 2 if script in _WITHOUT_BLANKS else 1, (script,)


def _scripts(word: str) -> Iterator[str]:
    for letter in word:
        script = name(letter, "LATIN").split()[0].split("-")[0]
        if script not in ("LATIN", "MICRO", "MASCULINE", "FEMININE", "MODIFIER"):
            yield _SCRIPTS.get(script, _OTHER_LETTERS)


def _without_accents(word: str) -> str:
    return "".join(letter for letter in normalize("NFKD", word.translate(_ASCII)) if letter.isascii())


def _unknown(text: str) -> bool:
    """Whether next to no word of a text is a term of the lexicon or of the tables."""
    words = [word for word in _WORD.findall(text.lower()) if not _REMOVED.fullmatch(word)]
    return len(words) >= MANY_WORDS and 3 * sum(word in _terms() for word in words) < len(words)


def _reason(languages: Counter[str]) -> str:
    most = max(languages.values(), default=0)
    likely = [language for language, count in languages.items() if count == most]
    sentence = f"mostly {' or '.join(sorted(likely))}" if 0 < len(likely) <= LANGUAGES_TOLD else "in another language"
    return f"not in English: {sentence}; give a translated text, or an extractor that reads it (llm)"


def fingerprint() -> str:
    """Changes with the table of languages."""
    return blake2b(_text().encode(), digest_size=4).hexdigest()


@cache
def _text() -> str:
    return (files("ingest.grammar") / "languages.tsv").read_text(encoding="utf-8")


@cache
def _tables() -> _Tables:
    """The words by what they tell; a word that two sides claim tells nothing."""
    lists: dict[str, list[str]] = {}
    for line in _text().splitlines():
        if line.strip() and not line.startswith("#"):
            language, words = line.split("\t")
            lists.setdefault(language, []).append(words)
    borrowed = "|".join(lists.pop("borrowed"))
    by_language = {language: set(" ".join(lines).split()) for language, lines in lists.items()}
    shared = by_language.pop("shared")
    english = by_language.pop("English") | _small_words()
    foreign: dict[str, list[str]] = {}
    for language, own_words in by_language.items():
        for word in own_words - english - shared:
            foreign.setdefault(word, []).append(language)
    others = set().union(*by_language.values())
    own = frozenset(word for word in english - shared - others if len(word) > 1)
    known_in = {word: tuple(known) for word, known in foreign.items()}
    pattern = re.compile(rf"\b(?:{borrowed})\b", re.IGNORECASE)
    return _Tables(own, known_in, _as_bytes(own), _as_bytes(known_in), pattern)


def _as_bytes(words: Iterable[str]) -> frozenset[bytes]:
    return frozenset(word.encode() for word in words)


@cache
def _terms() -> frozenset[str]:
    terms = [*load_lexicon().terms(), *load_lexicon().places()]
    return frozenset(word for term in terms for word in _WORD.findall(term.lower())).union(_small_words())


def _small_words() -> set[str]:
    """The small words of English, and those of the cues."""
    from spacy.lang.en.stop_words import STOP_WORDS

    return {word for name in _SMALL_WORDS for word in WORDS[name]} | STOP_WORDS | load_cues().words


_SMALL_WORDS = ("articles", "prepositions", "conjunctions", "fillers", "changes", "changes_at_end", "comparing")
