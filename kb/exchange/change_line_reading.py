"""Lines of KGCL carried out: each has to fit the vocabulary as the lines before it left it, or nothing is applied.

Read are the lines that `kb.exchange.change_lines` writes, and what other tools write alike: ids as CURIEs, IRIs or
bare, concepts by their texts in quotation marks, languages behind them (passed over), "->" and "as" for "to".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from kb.curation import acts
from kb.curation.apply import ActOptions, Concepts, Plan, Row, curate
from kb.curation.change import Change
from kb.curation.renaming import rename
from kb.errors import UsageError
from kb.exchange.change_lines import ANNOTATIONS, APART
from kb.exchange.tabular import as_cell, from_cell
from kb.language.query_reading import read_query
from kb.store.commits import default_author
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vocabulary.records import id_in, read_record
from schemas.terms import IN_USE

Edits = Mapping[str, Mapping[str, Any] | None]
Does = Callable[[Concepts, Mapping[str, str]], Edits]

_TEXT = r"'(?:[^'\\]|\\.)*'"
_VALUE = r'"(?:[^"\\]|\\.)*"'
_TAG = r"(?:@[A-Za-z]+(?:-[A-Za-z0-9]+)*)?"
_TO = r"(?:to|as|->)"


def _of(name: str) -> str:
    return rf"(?P<{name}>{_TEXT}|[^\s'\"]+)"


def _text(name: str) -> str:
    return rf"(?P<{name}>{_TEXT}){_TAG}"


def _value(name: str) -> str:
    return rf"(?P<{name}>{_VALUE}|{_TEXT}){_TAG}"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: its number, and what it does to the concepts as they stand."""

    number: int
    does: Does
    said: Mapping[str, str]


def apply_change_lines(state: State, text: str, **options: Unpack[ActOptions]) -> Change | None:
    """Carry lines of KGCL out as one change: all of them, or nothing; see `read_change_lines`."""
    author = options.get("by") or default_author()
    return curate(state, "apply", read_change_lines(text, author), **options)


def read_change_lines(text: str, author: str) -> Plan:
    """The act that carries lines of KGCL out, in their order: all of them, or nothing. Comments begin with "#".

    `author` is whose judgement mappings are.

    Raises (some only when planned):
        UsageError: lines cannot be read, or do not fit; the message names every such line and says why.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the lines hold half a letter (a lone surrogate), after {error.start:,} letters") from error
    lines: list[_Line] = []
    wrong: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if (said := line.strip()) and not said.startswith("#"):
            found = next(((does, match) for form, does in _FORMS if (match := form.fullmatch(said))), None)
            if found is None:
                wrong.append(f"line {number}: '{said[:60]}' is none of the changes that are known")
            else:
                told = {name: value for name, value in found[1].groupdict().items() if value is not None}
                lines.append(_Line(number, found[0], {**told, "author": author}))
    _refuse(wrong)
    if not lines:
        raise UsageError("there is no line of change: rename ID from 'a' to 'b', obsolete ID with replacement ID, ...")
    return lambda concepts: _carried_out(lines, concepts.fresh())


def _carried_out(lines: list[_Line], concepts: Concepts) -> Edits:
    edits: dict[str, Mapping[str, Any] | None] = {}
    wrong: list[str] = []
    for line in lines:
        try:
            made = line.does(concepts, line.said)
        except UsageError as error:
            wrong.append(f"line {line.number}: {error}")
            continue
        concepts.take(made)
        for of, fields in made.items():
            earlier = edits.get(of)
            edits[of] = fields if fields is None or earlier is None else {**earlier, **fields}
    _refuse(wrong)
    return edits


def _refuse(wrong: list[str]) -> None:
    if wrong:
        many = f"{len(wrong)} lines do" if len(wrong) > 1 else "a line does"
        raise UsageError(f"{many} not fit, nothing was applied: {'; '.join(wrong)}")


def _rename(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row = _row(concepts, said.get("of") or said["old"])
    if row["text"] != _plain(said["old"]):
        raise UsageError(f"the text of {row['concept_id']} is '{row['text']}', not {said['old']}")
    return rename(row["concept_id"], _plain(said["new"]), keep_facets=True)(concepts)  # facets have lines of their own


def _create(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    of, text = id_in(said["of"]), _plain(said["new"])
    try:
        reads_as = read_query(text).concept_id
    except ValueError as error:
        raise UsageError(str(error)) from error
    if of is not None and of != reads_as:
        raise UsageError(f"'{text}' reads as {reads_as}, not as {of}: a concept's id is that of what it says")
    if (known := concepts.find(reads_as)) is not None:
        raise UsageError(f"{reads_as} '{known['text']}' is there already")
    return acts.add(text)(concepts)


def _delete(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    return {_row(concepts, said["of"])["concept_id"]: None}


def _obsolete(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row = _row(concepts, said["of"])
    other = _row(concepts, said["other"])["concept_id"] if "other" in said else None
    if row["status"] == "rejected":  # a merge may leave what was rejected before it behind
        return {row["concept_id"]: {"status": "retired", "replaced_by": other}}
    return acts.retire([row["concept_id"]], other)(concepts)


def _unobsolete(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row = _row(concepts, said["of"])
    if row["status"] != "retired":
        raise UsageError(f"{row['concept_id']} '{row['text']}' is {row['status']}, not retired")
    return {row["concept_id"]: {"status": "candidate", "replaced_by": None}}


def _add_synonym(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row, name = _row(concepts, said["of"]), _plain(said["new"])
    if said.get("kind", "exact") != "exact":
        raise UsageError(f"a {said['kind']} synonym is another concept here: only exact ones are names")
    if name in row["synonyms"]:
        raise UsageError(f"'{name}' is a name of {row['concept_id']} already")
    return acts.set_synonyms(row["concept_id"], added=[name])(concepts)


def _remove_synonym(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    return acts.set_synonyms(_row(concepts, said["of"])["concept_id"], removed=[_plain(said["old"])])(concepts)


def _annotate(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row, name = _row(concepts, said["of"]), said["field"].rpartition(":")[2]
    if name not in ANNOTATIONS:
        raise UsageError(f"'{name}' is none of what can be changed: {', '.join(ANNOTATIONS)}")
    old, new = _plain(said["old"]), _plain(said["new"])
    if (as_cell(name, row[name]) or "") != old:
        raise UsageError(f"{name} of {row['concept_id']} is '{as_cell(name, row[name]) or ''}', not '{old}'")
    try:
        fields = read_record({name: from_cell(name, new)})
    except ValueError as error:
        raise UsageError(str(error)) from error
    return {row["concept_id"]: fields}


def _connect(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row = _row(concepts, said["of"])
    of = row["concept_id"]
    if said["predicate"] == APART:
        return acts.keep_apart(of, [_row(concepts, said["other"])["concept_id"]])(concepts)
    return acts.map_to(of, said["other"], said["predicate"], author=said["author"])(concepts)


def _disconnect(concepts: Concepts, said: Mapping[str, str]) -> Edits:
    row = _row(concepts, said["of"])
    of, predicate = row["concept_id"], said["predicate"]
    other = id_in(said["other"]) if predicate == APART else said["other"]
    if predicate == APART:
        kept: dict[str, list[Any]] = {"distinct_from": [one for one in row["distinct_from"] if one != other]}
    else:
        gone = (predicate, other)
        kept = {"mappings": [one for one in row["mappings"] if (one["predicate"], one["object_id"]) != gone]}
    ((name, values),) = kept.items()
    if len(values) == len(row[name]):
        raise UsageError(f"{of} '{row['text']}' has no edge {predicate} {said['other']}")
    return {of: kept}


def _row(concepts: Concepts, entity: str) -> Row:
    """The concept that an entity names: by its id, or by its text."""
    if not entity.startswith("'"):
        return concepts.get(id_in(entity.strip("<>")) or entity)
    text = _plain(entity)
    found = concepts.where(f"text = {literals([text])[1:-1]} AND status IN {literals(IN_USE)}")
    if len(found) != 1:
        raise UsageError(f"{len(found) or 'no'} concepts in use have the text '{text}': name one by its id")
    return concepts.get(found[0])


def _plain(quoted: str) -> str:
    """A text without its quotation marks."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], quoted[1:-1])


_FORMS: tuple[tuple[re.Pattern[str], Does], ...] = tuple(
    (re.compile(re.sub(r" +", r"[ \\t]+", form)), does)
    for form, does in (
        (rf"rename (?:{_of('of')} from )?{_text('old')} {_TO} {_text('new')}", _rename),
        (rf"create node {_of('of')} {_text('new')}", _create),
        (rf"delete {_of('of')}", _delete),
        (rf"obsolete {_of('of')}(?: with replacement {_of('other')})?", _obsolete),
        (rf"unobsolete {_of('of')}", _unobsolete),
        (rf"create (?:(?P<kind>exact|narrow|broad|related) )?synonym {_text('new')} for {_of('of')}", _add_synonym),
        (rf"remove synonym {_text('old')} for {_of('of')}", _remove_synonym),
        (
            rf"change annotation of {_of('of')} with (?P<field>\S+) from {_value('old')} {_TO} {_value('new')}",
            _annotate,
        ),
        (rf"create edge {_of('of')} (?P<predicate>\S+) {_of('other')}", _connect),
        (rf"delete edge {_of('of')} (?P<predicate>\S+) {_of('other')}", _disconnect),
    )
)
"""What a line may look like, and what it does."""
