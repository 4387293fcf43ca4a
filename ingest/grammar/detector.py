"""The library that names a language (lingua) and the one that knows English words (simplemma): asked only in doubt.

Neither decides alone: on terse reports of the field they take "Pneumonia" or "Clear lungs" for another language.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import Any

ENGLISH = "English"
SURE = 0.75
"""The share of a detector's belief from which a language is named that no table speaks for."""

SHORT = 5
"""Letters of an abbreviation at most; in a text that is all capitals, one less."""

_LANGUAGES = tuple(
    name
    for line in (
        "ENGLISH GERMAN FRENCH SPANISH PORTUGUESE ITALIAN CATALAN ROMANIAN DUTCH SWEDISH DANISH BOKMAL FINNISH",
        "ESTONIAN LATVIAN LITHUANIAN POLISH CZECH CROATIAN HUNGARIAN TURKISH INDONESIAN VIETNAMESE GREEK RUSSIAN",
        "UKRAINIAN BULGARIAN ARABIC PERSIAN URDU HEBREW HINDI THAI JAPANESE CHINESE KOREAN",
    )
    for name in line.split()
)
"""A few dozen of the languages that reports are written in: each of them costs memory and mistakes."""

_NAMES = {"Bokmal": "Norwegian"}
_REMOVED = re.compile("x{3,}", re.IGNORECASE)
_PREFIX = re.compile(
    "^(?:bi|sub|non|hemi|peri|para|retro|supra|infra|inter|intra|trans|post|pre|hyper|hypo|pneumo|micro|un|re)"
)
"""Words of the field are built with these: "bibasilar", "subsegmental"."""

_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{2,}(?![^\W_])")


def languages_of(text: str) -> dict[str, float]:
    """How much a text is of each language that is looked for, the likeliest first; 1 in all."""
    values = _detector().compute_language_confidence_values(text)
    named = ((one.language.name.title(), float(one.value)) for one in values)
    return {_NAMES.get(name, name): value for name, value in named}


def unknown_words(text: str, known: frozenset[str]) -> tuple[int, int]:
    """How many words of a text are neither English nor `known`, and how many there are; abbreviations are none."""
    short = SHORT - text.isupper()
    unknown = words = 0
    for word in _WORD.findall(text):
        if _is_known(word.lower(), known):
            words += 1
        elif not (word.isupper() and len(word) <= short) and not _REMOVED.fullmatch(word):
            unknown += 1
    return unknown, words + unknown


def _is_known(word: str, known: frozenset[str]) -> bool:
    rest = _PREFIX.sub("", word)
    return word in known or rest in known or _is_english(word) or (len(rest) > 3 and _is_english(rest))


def fingerprint() -> str:
    """Changes with the releases of both libraries."""
    return f"lingua {version('lingua-language-detector')} simplemma {version('simplemma')}"


@cache
def _is_english(word: str) -> bool:
    from simplemma import is_known

    return bool(is_known(word, lang="en"))


@cache
def _detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    languages = [getattr(Language, name) for name in _LANGUAGES]
    # All models of high accuracy take 600 MB and 16 seconds a process; these 50 MB and one second.
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()
