"""The cues: what words do to the words around them, as `cues.tsv` has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from itertools import product

from ingest.grammar.tokens import Token, tokenise

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
    ]
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A cue's effect, the cue itself, and the tokens up to the next cue; the first effect is "start"."""

    effect: str
    cue: tuple[Token, ...]
    tokens: list[Token]


class Cues:
    """The table, loaded."""

    def __init__(self, text: str):
        rows = [line.split("\t") for line in text.splitlines() if line.strip() and not line.startswith("#")][1:]
        unknown = {effect for _, effect in rows} - EFFECTS
        if unknown:
            raise ValueError(f"cues.tsv: there is no effect {', '.join(sorted(unknown))}")
        self._effects: dict[tuple[str, ...], str] = {}
        for phrase, effect in [(one, effect) for row, effect in rows for one in written_out(row)]:
            words = tuple(token.lower for token in tokenise(phrase))
            if self._effects.setdefault(words, effect) != effect:
                raise ValueError(f"cues.tsv: '{phrase}' is told to {self._effects[words]} and to {effect}")
        self._longest = max(map(len, self._effects))
        self._first = {phrase[0] for phrase in self._effects}
        self.words = frozenset(word for phrase in self._effects for word in phrase)
        self.fingerprint = blake2b(text.encode(), digest_size=4).hexdigest()

    def segments(self, tokens: Sequence[Token]) -> list[Segment]:
        """The sentence cut at its cues, the longest cue at each place."""
        segments = [Segment("start", (), [])]
        at = 0
        while at < len(tokens):
            length = self._cue_length(tokens, at) if tokens[at].lower in self._first else 0
            if length:
                cue = tuple(tokens[at : at + length])
                segments.append(Segment(self._effects[tuple(token.lower for token in cue)], cue, []))
                at += length
            else:
                segments[-1].tokens.append(tokens[at])
                at += 1
        return segments

    def _cue_length(self, tokens: Sequence[Token], at: int) -> int:
        words = tuple(token.lower for token in tokens[at : at + self._longest])
        return next((length for length in range(len(words), 0, -1) if words[:length] in self._effects), 0)


def written_out(phrase: str) -> list[str]:
    """Every phrase that "{may|might} {also|} be" stands for."""
    parts = [part.strip("{}").split("|") for part in re.findall(r"\{[^}]*\}|[^{}]+", phrase)]
    return [" ".join(" ".join(chosen).split()) for chosen in product(*parts)]


@cache
def load_cues() -> Cues:
    """The cues of this installation, read once."""
    return Cues((files("ingest.grammar") / "cues.tsv").read_text(encoding="utf-8"))
