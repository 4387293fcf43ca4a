"""The tables of the language checked: rows that contradict each other, and rows that nothing can reach."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any, Literal

from kb.language.grammar.cues import EFFECTS, numbered_rows, written_out
from kb.language.grammar.tokens import tokenise
from kb.language.lexicon import content_words, fold_phrase, load_lexicon, read_table
from kb.language.wider_check import check_wider

Kind = Literal["conflict", "unreachable"]
GRAMMAR, LEXICON = "kb/language/grammar", "kb/language/lexicon"


@dataclass(frozen=True, slots=True)
class TableFault:
    """A row of a table that cannot do what it says."""

    kind: Kind
    row: str
    phrase: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The fault as plain data."""
        return asdict(self)


def check_tables() -> list[TableFault]:
    """The faults of every table, in the order of the files.

    A conflict is a phrase that two rows tell two things of; a row is unreachable where other rows hold all its phrases
    before it, or where none of its words is ever looked for.
    """
    states = [name for name, _ in read_table("states.tsv", 2)]
    return [
        *check_cues(_text("kb.language.grammar", "cues.tsv")),
        *check_terms("findings.tsv", _text("kb.language.lexicon", "findings.tsv"), ordered=False),
        *check_terms("anatomy.tsv", _text("kb.language.lexicon", "anatomy.tsv"), ordered=True),
        *(
            fault
            for name in ("severity.tsv", "laterality.tsv", "abbreviations.tsv")
            for fault in check_pairs(name, _text("kb.language.lexicon", name))
        ),
        *_check_wider(
            "wider_findings.tsv", {*load_lexicon().kinds, *states}, places=load_lexicon().places(), groups=True
        ),
        *_check_wider("wider_places.tsv", load_lexicon().places()),
    ]


def check_cues(text: str) -> Iterator[TableFault]:
    """The faults of a table of cues."""
    seen: dict[tuple[str, ...], tuple[int, str]] = {}
    for line, cells in numbered_rows(text):
        row = f"{GRAMMAR}/cues.tsv:{line}"
        if len(cells) != 2 or cells[1] not in EFFECTS:
            yield TableFault("conflict", row, cells[0], f"its effect is none of {', '.join(sorted(EFFECTS))}")
            continue
        phrases = [tuple(token.lower for token in tokenise(one)) for one in written_out(cells[0])]
        before = [seen[phrase] for phrase in phrases if phrase in seen]
        for at, effect in dict.fromkeys(before):
            if effect != cells[1]:
                yield TableFault("conflict", row, cells[0], f"line {at} tells a phrase of it to {effect}")
        if phrases and len(before) == len(phrases) and all(effect == cells[1] for _, effect in before):
            yield TableFault("unreachable", row, cells[0], f"line {before[0][0]} and others hold all of it")
        for phrase in phrases:
            if not phrase:
                yield TableFault("unreachable", row, cells[0], "it stands for no words at all")
            seen.setdefault(phrase, (line, cells[1]))


def check_terms(name: str, text: str, *, ordered: bool) -> Iterator[TableFault]:
    """The faults of a table of labels and synonyms; the words of terms that are not `ordered` stand in any order."""
    seen: dict[tuple[str, ...], tuple[int, str]] = {}
    for line, cells in numbered_rows(text):
        label, synonyms = cells[0].strip(), cells[-1].split("|") if len(cells) > 1 else []
        own: set[tuple[str, ...]] = set()
        for term in dict.fromkeys([label, *(synonym.strip() for synonym in synonyms)]):
            words = [word.folded for word in content_words(term)]
            key = tuple(words if ordered else sorted(words))
            row = f"{LEXICON}/{name}:{line}"
            if term and not key:
                yield TableFault("unreachable", row, term, "it has none but stop words")
            elif key in seen:
                at, other = seen[key]
                if other != label:
                    yield TableFault("conflict", row, term, f"line {at} has it as {other}, which holds")
            own.add(key)
        seen |= {key: (line, label) for key in own if key and key not in seen}


def check_pairs(name: str, text: str) -> Iterator[TableFault]:
    """The faults of a table that gives each word one value."""
    seen: dict[str, tuple[int, str]] = {}
    for line, cells in numbered_rows(text):
        row, value = f"{LEXICON}/{name}:{line}", cells[1].strip() if len(cells) > 1 else ""
        key = fold_phrase(cells[0]) if name != "abbreviations.tsv" else cells[0].strip().lower()
        if not value:
            yield TableFault("conflict", row, cells[0], "it has no value")
        elif key in seen and seen[key][1] != value:
            yield TableFault("conflict", row, cells[0], f"line {seen[key][0]} has it as {seen[key][1]}")
        elif key in seen and key == cells[0].strip().lower():
            yield TableFault("unreachable", row, cells[0], f"line {seen[key][0]} says it")
        seen.setdefault(key, (line, value))


def _check_wider(name: str, labels: Collection[str], **options: Any) -> Iterator[TableFault]:
    """The faults of a table of what stands under what; a label that has no line has the table for its row."""
    for line, phrase, reason in check_wider(_text("kb.language.lexicon", name), labels=labels, **options):
        yield TableFault("conflict", f"{LEXICON}/{name}:{line}" if line else f"{LEXICON}/{name}", phrase, reason)


def faults_by_kind(faults: Sequence[TableFault], kind: Kind) -> int:
    """How many faults are of a kind."""
    return sum(fault.kind == kind for fault in faults)


def _text(package: str, name: str) -> str:
    return (files(package) / name).read_text(encoding="utf-8")
