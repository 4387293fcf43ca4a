"""`clear-kb vocab add | accept | reject | ...`: the acts that change the vocabulary."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from kb.commands.changes import print_change, print_changes
from kb.commands.options import parse_pairs
from kb.commands.output import say
from kb.commands.shared import Reading, Writing, reads, writes
from kb.errors import UsageError
from kb.vocabulary.vocabulary import Vocabulary

ConceptId = Annotated[str, typer.Argument(help="The id of a concept, or its first letters.")]
ConceptIds = Annotated[list[str], typer.Argument(help="The ids of concepts, or their first letters.")]


@writes(branch=True)
def add_command(
    writing: Writing,
    text: Annotated[str, typer.Argument(help='The concept in words: "small left pleural effusion", "no mass".')],
    synonym: Annotated[list[str] | None, typer.Option("--synonym", help="Another name; repeatable.")] = None,
) -> None:
    """Add an accepted concept."""
    print_change(writing, writing.base.curate.add(text, synonym or (), **writing.act))


@writes(branch=True)
def accept_command(writing: Writing, concept_ids: ConceptIds) -> None:
    """Accept concepts."""
    ids = _ids(writing.base.vocabulary, concept_ids)
    print_change(writing, writing.base.curate.accept(*ids, **writing.act))


@writes(branch=True)
def reject_command(writing: Writing, concept_ids: ConceptIds) -> None:
    """Reject concepts: mined again, they stay rejected."""
    ids = _ids(writing.base.vocabulary, concept_ids)
    print_change(writing, writing.base.curate.reject(*ids, **writing.act))


@writes(branch=True)
def rename_command(
    writing: Writing,
    concept_id: ConceptId,
    text: Annotated[str, typer.Argument(help="The new text.")],
) -> None:
    """Give a concept another text. Its id stays; `clear-kb embed` computes its new vector."""
    concept = writing.base.vocabulary.get(concept_id)
    change = writing.base.curate.rename(concept.concept_id, text, **writing.act)
    if change is not None and concept.embedder is not None and not writing.dry_run:
        say("its vector was of the old text: clear-kb embed computes the new one")
    print_change(writing, change)


@writes(branch=True)
def merge_command(
    writing: Writing,
    concept_ids: ConceptIds,
    into: Annotated[str, typer.Option("--into", metavar="ID", help="The concept that stays.")],
) -> None:
    """Merge concepts into another: it takes their names and evidence, and their ids still resolve."""
    vocabulary = writing.base.vocabulary
    ids, survivor = _ids(vocabulary, concept_ids), _id(vocabulary, into)
    print_change(writing, writing.base.curate.merge(*ids, into=survivor, **writing.act))


@writes(branch=True)
def split_command(
    writing: Writing,
    concept_id: ConceptId,
    into: Annotated[str, typer.Option("--into", metavar="ID|TEXT", help="A concept, or the text of a new one.")],
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="FIELD=VALUE",
            help="Which mentions go: laterality=left, section=impression, text=REGEX, ...; all have to hold, values "
            "of one field are alternatives; repeatable.",
        ),
    ] = None,
    mentions: Annotated[
        Path | None, typer.Option("--mentions", help="A file of mentions, a line each: REPORT/SECTION/START.")
    ] = None,
) -> None:
    """Give some of a concept's mentions to another, by a rule that later mentions follow too, or by a list."""
    rule = _rule(where, mentions)
    base = writing.base
    source = _id(base.vocabulary, concept_id)
    target = _id(base.vocabulary, into) if _is_id(into) else into
    count = base.curate.split_count(source, rule)
    change = base.curate.split(source, target, rule, **writing.act)
    say(f"{count:,} mentions {'would go' if writing.dry_run else 'went'} over")
    print_change(writing, change)


@writes(branch=True)
def retire_command(
    writing: Writing,
    concept_id: ConceptId,
    replacement: Annotated[
        str | None, typer.Option("--replacement", metavar="ID", help="What takes its place.")
    ] = None,
) -> None:
    """Retire a concept; its history and evidence stay."""
    vocabulary = writing.base.vocabulary
    other = _id(vocabulary, replacement) if replacement else None
    print_change(writing, writing.base.curate.retire(_id(vocabulary, concept_id), other, **writing.act))


@writes(branch=True)
def synonym_command(
    writing: Writing,
    concept_id: ConceptId,
    add: Annotated[list[str] | None, typer.Option("--add", help="A name to add; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A name to take away; repeatable.")] = None,
) -> None:
    """Add other names of a concept, or take some away."""
    if bool(add) == bool(remove):
        raise UsageError("name what to --add or what to --remove, one of the two")
    concept, curate = _id(writing.base.vocabulary, concept_id), writing.base.curate
    if add:
        print_change(writing, curate.add_synonyms(concept, *add, **writing.act))
    else:
        print_change(writing, curate.remove_synonyms(concept, *(remove or ()), **writing.act))


@writes(branch=True)
def facet_command(
    writing: Writing,
    concept_id: ConceptId,
    facet: Annotated[str, typer.Argument(help="finding, anatomy, laterality, severity or descriptors.")],
    value: Annotated[str, typer.Argument(help='The value; "none" takes it away.')],
) -> None:
    """Set a facet of a concept; its id stays."""
    concept = _id(writing.base.vocabulary, concept_id)
    print_change(writing, writing.base.curate.set_facet(concept, facet, value, **writing.act))


@writes(branch=True)
def distinct_command(
    writing: Writing,
    concept_id: ConceptId,
    others: Annotated[list[str], typer.Argument(help="The concepts that it is not.")],
) -> None:
    """Say that concepts are not the same: they are not suggested as duplicates again."""
    vocabulary = writing.base.vocabulary
    concept, apart = _id(vocabulary, concept_id), _ids(vocabulary, others)
    print_change(writing, writing.base.curate.keep_apart(concept, *apart, **writing.act))


@writes(branch=True)
def map_command(
    writing: Writing,
    concept_id: ConceptId,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PREFIX:ID", help="The outside concept: RADLEX:RID34539.")
    ] = None,
    predicate: Annotated[
        str, typer.Option("--predicate", help="exactMatch, closeMatch, broadMatch, narrowMatch or relatedMatch.")
    ] = "exactMatch",
    label: Annotated[str, typer.Option("--label", help="What it is called there.")] = "",
    denied: Annotated[bool, typer.Option("--not", help="It is not so: a negative mapping, kept and exported.")] = False,
    prefix: Annotated[
        list[str] | None, typer.Option("--prefix", metavar="PREFIX=IRI", help="What the id's prefix stands for.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="PREFIX:ID", help="Take the mapping to this one away.")
    ] = None,
) -> None:
    """Map a concept to one of an outside terminology (`vocab link` finds many), or take such a mapping away."""
    if (to is None) == (remove is None):
        raise UsageError("name what to map it --to or which mapping to --remove, one of the two")
    concept, curate = _id(writing.base.vocabulary, concept_id), writing.base.curate
    if to is not None:
        said = f"skos:{predicate.removeprefix('skos:')}"
        told = parse_pairs(prefix, "--prefix")
        change = curate.map_to(concept, to, said, label, denied=denied, prefixes=told, **writing.act)
        print_change(writing, change)
    else:
        print_change(writing, curate.unmap(concept, str(remove), **writing.act))


@writes(branch=True)
def note_command(
    writing: Writing,
    concept_id: ConceptId,
    note: Annotated[str, typer.Argument(help="The note; an empty one takes it away.")],
) -> None:
    """Put a note on a concept."""
    print_change(writing, writing.base.curate.set_note(_id(writing.base.vocabulary, concept_id), note, **writing.act))


@writes(branch=True)
def revert_command(
    writing: Writing,
    change_id: Annotated[str, typer.Argument(help="The id of a change, or its first letters.")],
) -> None:
    """Undo a change, by a new change: the history stays."""
    print_change(writing, writing.base.curate.revert(change_id, **writing.act))


@reads
def changes_command(
    reading: Reading,
    concept_id: Annotated[str | None, typer.Argument(help="Only those of this concept.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
) -> None:
    """List the acts of curation, newest first: of all concepts, or of one (who did what to it, and why)."""
    print_changes(reading, concept_id, limit)


def _rule(where: list[str] | None, mentions: Path | None) -> dict[str, list[str]]:
    """Fields of mentions with the values that each may have, as --where and --mentions say them."""
    rule: dict[str, list[str]] = {}
    for pair in where or []:
        field, equals, value = pair.partition("=")
        if not equals or not value:
            raise UsageError(f"--where {pair}: FIELD=VALUE was expected")
        rule.setdefault(field, []).append(value)
    if mentions is not None:
        if not mentions.is_file():
            raise UsageError(f"there is no file {mentions}")
        rule["mention"] = [line.strip() for line in mentions.read_text(encoding="utf-8").splitlines() if line.strip()]
    return rule


def _ids(vocabulary: Vocabulary, refs: list[str]) -> list[str]:
    return [_id(vocabulary, ref) for ref in refs]


def _is_id(ref: str) -> bool:
    """Whether a word is written as ids are; everything else is the text of a concept."""
    return re.fullmatch(r"C[0-9a-f]{4,16}", ref) is not None


def _id(vocabulary: Vocabulary, ref: str) -> str:
    """The full id that first letters name."""
    return vocabulary.get(ref).concept_id
