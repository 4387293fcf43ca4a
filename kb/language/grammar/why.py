"""Why a sentence reads as it does: its clauses, the cues in each, and the table's line behind each cue and finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kb.language.grammar.answers import Part, parts_of
from kb.language.grammar.clauses import clauses
from kb.language.grammar.cues import load_cues
from kb.language.grammar.parentheses import unbracketed
from kb.language.grammar.plain import plain_text
from kb.language.grammar.reading import Reading, read_sentence, telling_tokens
from kb.language.grammar.tokens import Token, tokenise
from kb.language.grammar.wording import found_in
from kb.language.lexicon import load_lexicon
from schemas.terms import Assertion

CUES = "kb/language/grammar/cues.tsv"
FINDINGS = "kb/language/lexicon/findings.tsv"


@dataclass(frozen=True, slots=True)
class FiredCue:
    """A cue that stands in a clause, what it does, and where the table has it."""

    words: str
    effect: str
    row: str


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of a clause, how it is meant, and the rows of the findings that it names."""

    text: str
    assertion: Assertion
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadClause:
    """A clause: its words, the answer of the form that it stands in, its cues and its statements."""

    text: str
    answer: Assertion | None
    cues: tuple[FiredCue, ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """A sentence taken apart, and the stretches of it that say nothing of the image."""

    sentence: str
    clauses: tuple[ReadClause, ...]
    left_out: tuple[str, ...]


def why(sentence: str) -> Why:
    """How a sentence is read."""
    plain = plain_text(sentence)
    tokens = tokenise(plain)
    readings = read_sentence(sentence)
    found: list[ReadClause] = []
    kept: set[int] = set()
    for part in parts_of(plain):
        telling = telling_tokens(plain, part, tokens)
        kept.update(token.start for token in telling)
        found += [_clause(plain, part, clause, readings) for piece in unbracketed(telling) for clause in clauses(piece)]
    return Why(plain, tuple(one for one in found if one.text), tuple(_left_out(plain, tokens, kept)))


def _clause(plain: str, part: Part, clause: list[Token], readings: list[Reading]) -> ReadClause:
    if not clause:
        return ReadClause("", None, (), ())
    start, end = clause[0].start, clause[-1].end
    segments = [segment for segment in load_cues().segments(clause) if segment.cue]
    cues = tuple(
        FiredCue(
            plain[segment.cue[0].start : segment.cue[-1].end],
            segment.effect,
            f"{CUES}:{load_cues().line_of(segment.cue)}",
        )
        for segment in segments
    )
    told = tuple(
        Told(reading.text, reading.statement.assertion, _rows_of(reading.text))
        for reading in readings
        if start <= reading.spans[0][0] < end
    )
    return ReadClause(plain[start:end], part.answer, cues, told)


def _rows_of(text: str) -> tuple[str, ...]:
    lines = _lines_of_findings()
    found = found_in(load_lexicon().written_out(text).lower())
    return tuple(f"{FINDINGS}:{lines[match.label]} {match.label}" for match in found)


@cache
def _lines_of_findings() -> dict[str, int]:
    text = (files("kb.language.lexicon") / "findings.tsv").read_text(encoding="utf-8")
    return {line.split("\t")[0].strip(): at for at, line in enumerate(text.splitlines(), start=1) if "\t" in line}


def _left_out(plain: str, tokens: list[Token], kept: set[int]) -> list[str]:
    """The stretches of words that no clause holds, but for the signs of a form."""
    stretches: list[list[Token]] = [[]]
    for token in tokens:
        if token.start in kept:
            stretches.append([])
        else:
            stretches[-1].append(token)
    return [plain[one[0].start : one[-1].end] for one in stretches if any(token.is_word for token in one)]
