"""Whether a report is in English: the rules read nothing else, and would take "kein Pneumothorax" for a finding.

Tables of words know nearly every report at once; what they leave in doubt is asked of libraries (`detector`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from unicodedata import name, normalize

from ingest.grammar import detector
from ingest.grammar.sentences import split_sentences
from ingest.report import Section
from kb.language.grammar.cues import load_cues
from kb.language.grammar.wording import WORDS
from kb.language.lexicon import load_lexicon

_WORD = re.compile(r"[^\W\d_]{2,}")
_SMALL_LETTERS = bytes(byte if chr(byte).isalpha() else 32 for byte in bytes(range(128)).lower()) + b" " * 128
"""Every letter of ASCII as a small one, and a blank for everything else."""
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

NOT_ENGLISH = "not in English: "
LEFT_OUT = "language: "
"""What the reason begins with by which a report, or single sentences of one, are not mined."""

UNNAMED = "in another language"

FEW_WORDS = 2
"""Words that nobody knows, from which a detector is asked: one may be a name."""

MANY_WORDS = 8
"""Words of which some must be known, whatever a detector says: fewer may all be terms that no table has."""

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


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a report is English: all, where nothing is said; none, where there is a `failure`; else by sentence.

    `foreign` holds the sentences in other languages as (section, index of the sentence), `told` says them in words.
    """

    failure: str | None = None
    foreign: frozenset[tuple[str, int]] = frozenset()
    told: tuple[str, ...] = ()


_ALL = Reading()


def read_language(sections: Sequence[Section]) -> Reading:
    """What of a report rules for English can read.

    A sentence is foreign where more of its words are than are surely English. Terms ("edema", "pneumothorax") belong to
    every language, so they tell nothing. A name with an accent ("Sjögren") is foreign only where nothing else is
    English. Where half of a report is foreign or more, none of it is read: what is left would not say what it says.
    """
    if all(_is_plainly_english(section.text) for section in sections):
        return _ALL
    sentences = [
        (section.name, index, section.text[start:end])
        for section in sections
        for index, (start, end) in enumerate(split_sentences(section.text))
    ]
    counted = [_counted(text) for _, _, text in sentences]
    english = sum(one.english for one in counted)
    foreign = [at for at, one in enumerate(counted) if one.foreign > one.english and (one.languages or not english)]
    if not foreign:
        return _read_in_doubt(" ".join(text for _, _, text in sentences), english)
    languages = [_named(counted[at].languages, sentences[at][2]) for at in foreign]
    letters = [sum(map(str.isalpha, text)) for _, _, text in sentences]
    if not english or 2 * sum(letters[at] for at in foreign) >= sum(letters):
        together = sum((counted[at].languages for at in foreign), Counter[str]())
        return Reading(failure=_reason(_named(together, " ".join(sentences[at][2] for at in foreign))))
    where = frozenset((sentences[at][0], sentences[at][1]) for at in foreign)
    return Reading(foreign=where, told=tuple(_told(languages, [sentences[at] for at in foreign])))


def _read_in_doubt(text: str, english: int) -> Reading:
    """What the libraries make of a text that the tables find nothing foreign in."""
    text = _tables().borrowed.sub(" ", normalize("NFKC", text))
    unknown, words = detector.unknown_words(text, _known())
    if unknown < FEW_WORDS or 2 * unknown <= words or unknown <= english:
        return _ALL
    language, sure = next(iter(detector.languages_of(text).items()))
    if language == detector.ENGLISH:
        return Reading(failure=_reason("")) if words >= MANY_WORDS and 3 * unknown > 2 * words else _ALL
    return Reading(failure=_reason(language if sure >= detector.SURE else "", "perhaps"))


def _told(languages: Sequence[str], sentences: Sequence[tuple[str, int, str]]) -> Iterator[str]:
    """One line for each language of the sentences that are left out: which they are, never what they say."""
    for language in dict.fromkeys(languages):
        own = (one for found, one in zip(languages, sentences, strict=True) if found == language)
        places = [f"{name} {index + 1}" for name, index, _ in own]
        what = "sentence was" if len(places) == 1 else "sentences were"
        yield f"{LEFT_OUT}{len(places)} {what} not mined, mostly {language or UNNAMED} ({', '.join(places)})"


def count_languages(reasons: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """The languages that reports were rejected for, and those of single sentences, by the reasons that were given."""
    reports: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    for reason in reasons:
        if match := re.match(rf"{NOT_ENGLISH}(?:mostly |perhaps )?([^;]+);", reason):
            reports[match[1]] += 1
        elif match := re.match(rf"{LEFT_OUT}(\d+) \w+ \w+ not mined, mostly ([^(]+) \(", reason):
            sentences[match[2]] += int(match[1])
    return reports, sentences


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


def _named(languages: Counter[str], text: str) -> str:
    """The language that words speak for, or those; a detector names what only its letters tell."""
    most = max(languages.values(), default=0)
    likely = sorted(language for language, count in languages.items() if count == most)
    if len(likely) == 1 and not likely[0].startswith("in "):
        return likely[0]
    if all(name.startswith("in ") for name in likely):
        named, sure = next(one for one in detector.languages_of(text).items() if one[0] != detector.ENGLISH)
        return named if likely or sure >= detector.SURE else ""
    return " or ".join(likely) if 0 < len(likely) <= LANGUAGES_TOLD else ""


def _reason(language: str, how: str = "mostly") -> str:
    sentence = f"{how} {language}" if language else UNNAMED
    return f"{NOT_ENGLISH}{sentence}; give a translated text, or an extractor that reads it (llm)"


def fingerprint() -> str:
    """Changes with the table of languages."""
    return blake2b((_text() + detector.fingerprint()).encode(), digest_size=4).hexdigest()


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


@cache
def _known() -> frozenset[str]:
    """Every word that is no sign of another language."""
    return _terms() | _tables().english


def _small_words() -> set[str]:
    """The small words of English, and those of the cues."""
    return {word for name in _SMALL_WORDS for word in WORDS[name]} | _stop_words() | load_cues().words


def _stop_words() -> set[str]:
    """The list of English that spaCy has, run as a file of its own: to import spaCy takes seconds of every process."""
    spacy = find_spec("spacy")
    if spacy is None or spacy.origin is None:
        raise ModuleNotFoundError("spaCy is not installed: its list of small English words is wanted")
    found: set[str] = run_path(str(Path(spacy.origin).parent / "lang" / "en" / "stop_words.py"))["STOP_WORDS"]
    return found


_SMALL_WORDS = ("articles", "prepositions", "conjunctions", "fillers", "changes", "changes_at_end", "comparing")
