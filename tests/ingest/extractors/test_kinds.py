"""What small texts state, kind by kind: the table beside this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ingest.extractors.rules import RulesExtractor
from ingest.mention import Mention
from ingest.report import Section

TABLE = Path(__file__).with_name("kinds.tsv")
SIGNS = {"+": "present", "-": "absent", "?": "uncertain"}


class Case(NamedTuple):
    """One row of the table."""

    kind: str
    text: str
    stated: tuple[str, ...]


def cases() -> Iterator[Case]:
    """Every row of the table."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    for kind, text, stated in (line.split("\t") for line in lines[1:]):
        yield Case(kind, text.replace("~n", "\n"), tuple(part.strip() for part in stated.split("|")))


def mentions(text: str) -> list[Mention]:
    """What the rules mine from a text of findings."""
    return RulesExtractor().mentions([Section("findings", text)])


def faults(case: Case) -> list[str]:
    """What is not as the row says: what is missing, what is unwanted, what has another sign too."""
    found = mentions(case.text)
    wrong: list[str] = []
    taken: set[int] = set()
    only = "=" in case.stated
    for stated in case.stated:
        if stated == "=":
            continue
        sign, words, side, time = _taken_apart(stated)
        met = [at for at, mention in enumerate(found) if _says(mention, words)]
        if sign.startswith("!"):
            wrong += [
                f"unwanted: {found[at].text}" for at in met if sign == "!" or SIGNS[sign[1]] == found[at].assertion
            ]
            continue
        right = [
            at
            for at in met
            if found[at].assertion == SIGNS[sign]
            and side in (None, found[at].laterality)
            and time in (None, found[at].temporality)
        ]
        if not right:
            wrong.append(f"missing: {stated}")
        wrong += [f"contradicted: {stated}" for at in met if found[at].assertion not in _signs_of(case, words)]
        taken.update(right)
    if only:
        wrong += [f"unwanted: {mention.text}" for at, mention in enumerate(found) if at not in taken]
    return wrong


def _taken_apart(stated: str) -> tuple[str, str, str | None, str | None]:
    match = re.fullmatch(r"(!?[+\-?]?)\s*(.*?)(?: @(\w+))?(?: #(\w+))?", stated)
    assert match, stated
    return match[1], match[2], match[3], match[4]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def _says(mention: Mention, words: str) -> bool:
    return mention.facets.finding == words or _words(words) <= _words(mention.text) | _words(mention.facets.finding)


def _signs_of(case: Case, words: str) -> set[str]:
    """The signs with which a row states words, or more words than those."""
    stated = [_taken_apart(one) for one in case.stated if one != "="]
    return {SIGNS[sign] for sign, said, _, _ in stated if sign in SIGNS and _words(words) <= _words(said)}


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.kind}: {case.text[:40]!r}")
def test_a_small_text_states_what_its_row_says(case: Case) -> None:
    assert not faults(case), [(mention.text, mention.assertion, mention.temporality) for mention in mentions(case.text)]
