"""The tables of the normal form: descriptors, words that say nothing, states of a place, what goes without saying."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kb.language.lexicon import Terms, load_lexicon, read_table, words_of

CLASSES = ("count", "quality", "change", "age", "spread", "form", "nature", "level", "end")
"""The classes of descriptors, in the order in which a concept tells them."""

_SPINE_LEVEL = re.compile(r"[ctls]\d{1,2}(?:-[ctls]?\d{1,2})?")
ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
)
_NORMAL = "normal "


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalFormTables:
    """What the tables say, as it is looked up.

    `descriptors` and `states` find words and name them, `sided` are the descriptors whose name holds a side ("convex to
    the right"). `unsaid` are the folded words that an observation does without; `normal`, `aspects` and
    `needing_a_noun` are told in `word_roles.tsv`. `implied` are the places and descriptors that a finding says by
    itself, `wider` the places that a place lies in, `adjectives` how a place is called before a noun.
    """

    descriptors: Terms
    sided: Terms
    states: Terms
    classes: Mapping[str, str]
    places_in_table: Mapping[str, int]
    state_names: frozenset[str]
    unsaid: frozenset[str]
    normal: frozenset[str]
    aspects: frozenset[str]
    needing_a_noun: frozenset[str]
    implied: Mapping[str, frozenset[str]]
    wider: Mapping[str, frozenset[str]]
    adjectives: Mapping[str, str]


@cache
def load_tables() -> NormalFormTables:
    """The tables of this installation, read once."""
    rows = {name: (kind, _forms(forms)) for name, kind, forms in read_table("descriptors.tsv", 3)}
    states = {name: ("state", _forms(words)) for name, words in read_table("states.tsv", 2)}
    sides = load_lexicon().sides.keys()
    sided = {name: (kind, [one for one in forms if sides & {*one.split()}]) for name, (kind, forms) in rows.items()}
    return NormalFormTables(
        descriptors=Terms(rows, ordered=True),
        sided=Terms({name: row for name, row in sided.items() if row[1]}, ordered=True),
        states=Terms(states, ordered=True),
        classes={name: kind for name, (kind, _) in rows.items()},
        places_in_table={name: at for at, name in enumerate(rows)},
        state_names=frozenset(states),
        unsaid=frozenset(word.folded for (line,) in read_table("unsaid_words.tsv", 1) for word in words_of(line)),
        normal=_of_role("normal"),
        aspects=_of_role("aspect"),
        needing_a_noun=_of_role("adjective"),
        implied=_sets("implied_places.tsv"),
        wider=_sets("wider_places.tsv"),
        adjectives=dict(read_table("adjectives.tsv", 2)),
    )


def kind_of_finding(finding: str) -> str:
    """What a finding is: finding, device, normal; generic where it tells little alone; other where nothing knows it."""
    lexicon = load_lexicon()
    if finding in lexicon.kinds:
        return lexicon.kinds[finding]
    if finding.startswith(_NORMAL) and finding.removeprefix(_NORMAL) in lexicon.places():
        return "normal"
    return "generic" if finding in load_tables().state_names else "other"


def class_of(descriptor: str) -> str | None:
    """The class of a descriptor; None where no table knows it."""
    return "level" if _SPINE_LEVEL.fullmatch(descriptor) else load_tables().classes.get(descriptor)


def rank(descriptor: str) -> tuple[int, int, str]:
    """Where a descriptor stands among others: by its class, then as in the table; levels of the spine from above."""
    tables = load_tables()
    kind = class_of(descriptor)
    at = CLASSES.index(kind) if kind in CLASSES else len(CLASSES)
    number = "".join(filter(str.isdigit, descriptor.split("-")[0]))
    within = tables.places_in_table.get(descriptor, 1_000 + int(number or 0))
    return at, within, descriptor


def ordinal(number: str) -> str | None:
    """The word for a number in the counting of ribs ("6": "sixth"); None where there is no such rib."""
    at = int(number) if number.isdecimal() else 0
    return ORDINALS[at - 1] if 1 <= at <= len(ORDINALS) else None


def _of_role(role: str) -> frozenset[str]:
    rows = read_table("word_roles.tsv", 2)
    return frozenset(word.folded for name, line in rows if name == role for word in words_of(line))


def _sets(name: str) -> Mapping[str, frozenset[str]]:
    return {key: frozenset(_forms(others)) for key, others in read_table(name, 2)}


def _forms(cell: str) -> Sequence[str]:
    return [form.strip() for form in cell.split("|") if form.strip()]
