"""A query, or the text of a concept, as facets: read as a sentence of a report is, by the same cues and grammar.

Of a report, each statement is an observation of its own; a query is one concept:

- One statement is the concept: what is denied is absent, what is doubted is what is doubted ("possible effusion").
- Several that are all denied are one denial that keeps all their words: "no effusion or pneumothorax".
- Of affirmed and denied ones, each denial is tied into a word of what is there: "effusion, no-pneumothorax".
- Several that are affirmed, or none, are read as the words stand.

A text without a cue, or with none but the "no" that it begins with, is read as its words stand too: so are the
canonical texts of concepts. That takes no tokeniser, which costs seconds to load.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.language.facets import NEGATORS, Facets, read_facets
from kb.language.grammar.cues import cues_at_sight
from kb.language.grammar.reading import Reading, read_sentence
from kb.language.grammar.wording import without_closing_fillers

_NO = re.compile(r"\s*no\s+(?=\S)", re.IGNORECASE)
_FIRST_WORD = re.compile(r"\W*(\w+)(?![\w-])")
_TIED = re.compile(r"(?<![\w-])(?:no|not|without)-\w", re.IGNORECASE)
"""A denial that an earlier reading tied to its word."""

READINGS = 10
"""Readings after which a text that does not settle is left as it was read last."""


def read_query(text: str) -> Facets:
    """The facets of a query or a concept's text ("no mass", "there is no mass", "heart is not enlarged").

    The canonical text of what is returned reads as itself.

    Raises:
        ValueError: the text has no word that says anything.
    """
    try:
        facets = _read(text)
        for _ in range(READINGS):
            again = facets if stands_as_it_is(facets.text) else _read(facets.text)
            if again == facets:
                break
            facets = again
    except ValueError as error:
        raise ValueError(f"'{text}' says nothing that could be observed") from error
    return facets


def query_or_none(text: str) -> Facets | None:
    """The facets of a query or a concept's text; None if it has no word that says anything."""
    try:
        return read_query(text)
    except ValueError:
        return None


def stands_as_it_is(text: str) -> bool:
    """Whether a text is read as its words stand: it has no cue but a "no" at its beginning, or was read before."""
    cues = cues_at_sight(text)
    return not cues or (cues == [("no",)] and _NO.match(text) is not None) or _TIED.search(text) is not None


def _read(text: str) -> Facets:
    if not stands_as_it_is(text):
        readings = read_sentence(text)
        denied = [reading for reading in readings if reading.statement.assertion == "absent"]
        if len(readings) == 1 or (denied and len(denied) == len(readings)):
            return read_facets(_words(readings), "absent" if denied else "present")
        if denied:
            return read_facets(" ".join(_tied(one) if one in denied else one.text for one in readings))
    return _as_it_stands(text)


def _as_it_stands(text: str) -> Facets:
    first = _FIRST_WORD.match(text)
    denied = first is not None and first[1].lower() in NEGATORS
    return read_facets(without_closing_fillers(text), "absent" if denied else "present")


def _words(readings: Sequence[Reading]) -> str:
    return " ".join(reading.text for reading in readings)


def _tied(reading: Reading) -> str:
    """A denial as one word, which stays with what is affirmed: "no-pleural-effusion"."""
    return "-".join(["no", *re.findall(r"[^\W_]+", reading.text)])
