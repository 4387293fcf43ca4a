"""Abbreviations that a report defines itself ("pulmonary embolism (PE)"), by scispaCy's detector."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

CACHED_PARENTHESES = 20_000
_CANDIDATE = re.compile(r"(?<![^\s()])[^()]{0,240}\((?=[^()]*[A-Za-z][^()]*[A-Za-z0-9])[^()]{2,240}\)")


def defined_abbreviations(text: str) -> dict[str, str]:
    """Short forms that `text` defines in parentheses, with their long forms (Schwartz and Hearst, 2003).

    The detector takes milliseconds, and many times longer where many signs stand together, so it is shown only each
    parenthesis that holds letters, with the words before it.
    """
    found: dict[str, str] = {}
    if "(" not in text:
        return found
    for candidate in _CANDIDATE.finditer(text):
        found |= _defined(candidate[0])
    return found


@lru_cache(CACHED_PARENTHESES)
def _defined(text: str) -> dict[str, str]:
    pipeline = _pipeline()  # before the filter: spaCy sets filters of its own as it is imported
    with warnings.catch_warnings():
        # The detector's matcher for abbreviations that stand elsewhere is empty, and says so every time.
        warnings.filterwarnings("ignore", message=r"\[W036\]")
        document = pipeline(text)
    return {str(short): str(short._.long_form) for short in document._.abbreviations}


def written_out(phrase: str, abbreviations: Mapping[str, str]) -> str:
    """`phrase` with its abbreviations written out."""
    for short, long in abbreviations.items():
        phrase = re.sub(rf"\b{re.escape(short)}\b", long.replace("\\", r"\\"), phrase)
    return phrase


@cache
def _pipeline() -> Any:
    import spacy
    from scispacy.abbreviation import AbbreviationDetector  # noqa: F401 - registers the component

    pipeline = spacy.blank("en")
    pipeline.add_pipe("abbreviation_detector")
    return pipeline
