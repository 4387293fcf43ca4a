"""`clear-kb vocab add | accept | reject | ...`: the acts that change the vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from kb.commands.changes import print_change, print_change_lines, print_changes
from kb.commands.options import Format, parse_pairs
from kb.commands.output import say
from kb.commands.shared import Reading, Writing, reads, writes
from kb.commands.stored_embedder import stored_embedder
from kb.errors import UsageError
from kb.vocabulary.naming import is_id
from kb.vocabulary.vocabulary import Vocabulary

OneConcept = Annotated[
    str, typer.Argument(metavar="CONCEPT", help='A concept: its id or how it begins, or its text ("pleural effusion").')
]
SomeConcepts = Annotated[
    list[str], typer.Argument(metavar="CONCEPT...", help="Concepts: their ids or how these begin, or their texts.")
]


@writes(branch=True)
def add_command(
    writing: Writing,
    text: Annotated[str, typer.Argument(help='The concept in words: "small left pleural effusion", "no mass".')],
    synonym: Annotated[list[str] | None, typer.Option("--synonym", help="Another name; repeatable.")] = None,
) -> None:
    """Add an accepted concept: what curators and trainings count on."""
    print_change(writing, writing.base.curate.add(text, synonym or (), **writing.act))


@writes(branch=True)
def accept_command(writing: Writing, concepts: SomeConcepts) -> None:
    """Accept concepts: they are right as they stand."""
    ids = _ids(writing.base.vocabulary, concepts)
    print_change(writing, writing.base.curate.accept(*ids, **writing.act))


@writes(branch=True)
def reject_command(writing: Writing, concepts: SomeConcepts) -> None:
    """Reject concepts: they are no observations. Mined again, they stay rejected."""
    ids = _ids(writing.base.vocabulary, concepts)
    print_change(writing, writing.base.curate.reject(*ids, **writing.act))


@writes(branch=True)
def keep_command(writing: Writing, concepts: SomeConcepts) -> None:
    """Leave concepts as they are, for good: no review of single concepts asks about them again."""
    ids = _ids(writing.base.vocabulary, concepts)
    print_change(writing, writing.base.curate.dismiss(*ids, **writing.act))


@writes(branch=True)
def rename_command(
    writing: Writing,
    concept: OneConcept,
    text: Annotated[str, typer.Argument(help="The new text.")],
    keep_facets: Annotated[
        bool, typer.Option("--keep-facets", help="Leave finding, place, side, size and descriptors as they are.")
    ] = False,
) -> None:
    """Give a concept another text. Its id stays; its finding, place and the rest are read from it, its vector too."""
    base = writing.base
    known = base.vocabulary.named(concept)
    embedder = stored_embedder(base) if known.embedder is not None and not writing.dry_run else None
    change = base.curate.rename(known.concept_id, text, keep_facets=keep_facets, embedder=embedder, **writing.act)
    print_change(writing, change)
    if change is None or writing.dry_run:
        return
    now = base.vocabulary.get(known.concept_id)
    if not set(change.after[known.concept_id] or ()) - {"text"}:
        say(f"its facets stay: finding '{escape(now.finding)}', place {escape(now.anatomy or 'none')}")
    if known.embedder is not None and now.embedder is None:
        say("its vector was of the old text: clear-kb embed computes the new one")


@writes(branch=True)
def split_command(
    writing: Writing,
    concept: OneConcept,
    into: Annotated[str, typer.Option("--into", metavar="CONCEPT", help="A concept, or the text of a new one.")],
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
    source = _id(base.vocabulary, concept)
    target = _id(base.vocabulary, into) if is_id(into) else into
    count = base.curate.split_count(source, rule)
    change = base.curate.split(source, target, rule, **writing.act)
    say(f"{count:,} mentions {'would go' if writing.dry_run else 'went'} over")
    print_change(writing, change)


@writes(branch=True)
def retire_command(
    writing: Writing,
    concepts: SomeConcepts,
    replacement: Annotated[
        str | None, typer.Option("--replacement", metavar="CONCEPT", help="What takes their place.")
    ] = None,
) -> None:
    """Retire concepts: they are not used any more; their history and evidence stay."""
    vocabulary = writing.base.vocabulary
    other = _id(vocabulary, replacement) if replacement else None
    print_change(writing, writing.base.curate.retire(_ids(vocabulary, concepts), other, **writing.act))


@writes(branch=True)
def synonym_command(
    writing: Writing,
    concept: OneConcept,
    add: Annotated[list[str] | None, typer.Option("--add", help="A name to add; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A name to take away; repeatable.")] = None,
    never: Annotated[
        list[str] | None, typer.Option("--never", help="A wording that is no name, not to be suggested again.")
    ] = None,
) -> None:
    """Add other names of a concept, take some away, or say that a wording is none."""
    if sum(map(bool, (add, remove, never))) != 1:
        raise UsageError("name what to --add, what to --remove or what is --never one: one of the three")
    known, curate = _id(writing.base.vocabulary, concept), writing.base.curate
    if add:
        print_change(writing, curate.add_synonyms(known, *add, **writing.act))
    elif remove:
        print_change(writing, curate.remove_synonyms(known, *remove, **writing.act))
    else:
        print_change(writing, curate.dismiss_names(known, *(never or ()), **writing.act))


@writes(branch=True)
def facet_command(
    writing: Writing,
    concept: OneConcept,
    facets: Annotated[
        list[str],
        typer.Argument(
            metavar="FACET=VALUE...",
            help='finding, anatomy, laterality, severity or descriptors (with commas), each with its value; "none" '
            "takes it away. FACET VALUE does for one.",
        ),
    ],
) -> None:
    """Say what a concept is of: finding, place (anatomy), side (laterality), severity, descriptors; its id stays."""
    known = _id(writing.base.vocabulary, concept)
    print_change(writing, writing.base.curate.set_facets(known, _facets(facets), **writing.act))


@writes(branch=True)
def distinct_command(
    writing: Writing,
    concept: OneConcept,
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="The concepts that it is not.")],
) -> None:
    """Say that concepts are not the same, for good: they are not suggested as duplicates again."""
    vocabulary = writing.base.vocabulary
    known, apart = _id(vocabulary, concept), _ids(vocabulary, others)
    print_change(writing, writing.base.curate.keep_apart(known, *apart, **writing.act))


@writes(branch=True)
def map_command(
    writing: Writing,
    concept: OneConcept,
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
    known, curate = _id(writing.base.vocabulary, concept), writing.base.curate
    if to is not None:
        said = f"skos:{predicate.removeprefix('skos:')}"
        told = parse_pairs(prefix, "--prefix")
        change = curate.map_to(known, to, said, label, denied=denied, prefixes=told, **writing.act)
        print_change(writing, change)
    else:
        print_change(writing, curate.unmap(known, str(remove), **writing.act))


@writes(branch=True)
def note_command(
    writing: Writing,
    concepts: SomeConcepts,
    note: Annotated[str, typer.Argument(help="The note; an empty one takes it away.")],
) -> None:
    """Put a note on concepts."""
    print_change(writing, writing.base.curate.set_note(_ids(writing.base.vocabulary, concepts), note, **writing.act))


@writes(branch=True)
def revert_command(
    writing: Writing,
    change_id: Annotated[str, typer.Argument(help="The id of a change, or its first letters.")],
) -> None:
    """Undo a change, by a new change: the history stays."""
    print_change(writing, writing.base.curate.revert(change_id, **writing.act))


@reads(output=False)
def changes_command(
    reading: Reading,
    concept: Annotated[
        str | None, typer.Argument(metavar="CONCEPT", help="Only those of this concept: its id or its text.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
    output: Annotated[
        Literal["table", "json", "csv", "kgcl"],
        typer.Option("--format", help="How to print; kgcl: lines that `vocab apply` takes, oldest first."),
    ] = "table",
) -> None:
    """List the acts of curation, newest first: of all concepts, or of one (who did what to it, and why)."""
    if output == "kgcl":
        print_change_lines(reading, concept, limit)
    else:
        reading.output = Format(output)
        print_changes(reading, concept, limit)


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


def _facets(told: list[str]) -> dict[str, str]:
    """Facets and their values, told as FACET=VALUE, or as FACET VALUE where it is one."""
    if len(told) == 2 and "=" not in told[0]:
        return {told[0]: told[1]}
    return parse_pairs(told, "facet")


def _id(vocabulary: Vocabulary, ref: str) -> str:
    """The id of the concept that a person means."""
    return vocabulary.named(ref).concept_id
