"""The words of a text, and which of them may name somebody."""

from __future__ import annotations

import re
from functools import cache

from ingest.identifiers.tables import eponyms, is_known, is_name, marker, spelt
from ingest.identifiers.unknown_words import LONGEST_ABBREVIATION, nobody_knows

WORD = r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
GAP = re.compile(r"[ \t]*\n?[ \t]*|[ \t]*-[ \t]*")
"""What stands between the words of a name."""

_WORDS = re.compile(WORD)
_POINT = re.compile(r"\.[ \t]*")
_POINTED = frozenset(["st", "dr", "jr", "mr", "mrs", "ms"])


def may_name(text: str) -> bool:
    """Whether a text has a word that names somebody, or could: most texts have none, and need no closer look."""
    return any(_is_loud(word) for word in set(_WORDS.findall(text)))


@cache
def _is_loud(word: str) -> bool:
    return not is_known(word) or spelt(word) in marker("title") or spelt(word) in eponyms()


class Words:
    """The words of a text, and how its capitals are to be read."""

    def __init__(self, text: str):
        self.text = text
        self.spans = [match.span() for match in _WORDS.finditer(text)]
        self.words = [text[start:end] for start, end in self.spans]
        self.at = {start: index for index, (start, _) in enumerate(self.spans)}
        self.until = {end: index for index, (_, end) in enumerate(self.spans)}
        letters = [word for word in self.words if len(word) > 2]
        capitals = sum(word.isupper() for word in letters)
        self.mixed = capitals < 0.5 * len(letters) and any(word[0].isupper() for word in letters)
        self.english = 2 * sum(map(nobody_knows, letters)) <= len(letters)

    def is_capital(self, index: int) -> bool:
        """Whether a word begins with a capital that the case of the text does not explain."""
        return self.words[index][0].isupper() and (self.mixed or not self.words[index].isupper())

    def nobody_knows(self, index: int) -> bool:
        """Whether nobody knows a word of a text in English; one in capitals among small letters is an abbreviation."""
        word = self.words[index]
        shortened = self.mixed and word.isupper() and len(word) <= LONGEST_ABBREVIATION
        return self.english and not shortened and nobody_knows(word)

    def is_a_name(self, index: int) -> bool:
        """Whether a word is a name whatever stands around it: one of the table, or one that nobody knows."""
        return self.nobody_knows(index) or is_name(self.words[index])

    def is_initial(self, index: int) -> bool:
        """Whether a word is one capital with a name behind it."""
        word = self.words[index]
        return len(word) == 1 and word.isupper() and self.follows(index + 1) and self.words[index + 1][0].isupper()

    def may_name(self, index: int) -> bool:
        """Whether a word could name somebody where the words around say that somebody is named."""
        word = self.words[index]
        return is_name(word) or not is_known(word) or spelt(word) in eponyms()

    def follows(self, index: int) -> bool:
        """Whether a word stands right behind the one before it, the point of an initial between."""
        if index >= len(self.words):
            return False
        between = self.text[self.spans[index - 1][1] : self.spans[index][0]]
        pointed = len(self.words[index - 1]) == 1 or spelt(self.words[index - 1]) in _POINTED
        return GAP.fullmatch(between) is not None or (pointed and _POINT.fullmatch(between) is not None)

    def goes_on(self, index: int) -> bool:
        """Whether a word behind a name has a capital that only a name explains: "Jane Rose", not "Jane PICC"."""
        between = self.text[self.spans[index - 1][1] : self.spans[index][0]]
        return self.mixed and self.words[index].istitle() and self.is_capital(index - 1) and "\n" not in between

    def name_from(self, index: int, *, most: int = 4, sure: bool = False) -> int:
        """The word behind the name that begins at a word; the word itself if none does.

        Args:
            index: where it would begin.
            most: the words that it has at most, particles not counted.
            sure: the first word is of the name whatever it is.
        """
        begin, taken = index, 0
        while index < len(self.words) and taken < most and (index == begin or self.follows(index)):
            word = self.words[index]
            if spelt(word) in marker("particle") and index + 1 < len(self.words) and self.follows(index + 1):
                if not self.may_name(index + 1) and not (index + 1 < len(self.words) and self.is_capital(index + 1)):
                    break
                index += 1
                continue
            pointed = self.text[self.spans[index][1] :][:1] == "."
            initial = len(word) == 1 and word.isupper() and (pointed or taken > 0 or self.is_initial(index))
            named = (sure and taken == 0) or initial or self.may_name(index)
            named = named or (taken > 0 and self.goes_on(index))
            if not named or (taken > 0 and self.mixed and not self.is_capital(index) and not is_name(word)):
                break
            taken += 1
            index += 1
        return index if taken else begin
