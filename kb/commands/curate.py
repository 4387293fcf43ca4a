"""`clear-kb vocab add | accept | reject | ...`: the acts that change the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kb.commands.changes import print_changes
from kb.commands.options import (
    DEFAULT_KB,
    At,
    By,
    DryRun,
    Format,
    KbUri,
    OnBranch,
    OutputFormat,
    StorageOptions,
    Why,
    open_kb,
)
from kb.commands.output import print_json, say
from kb.commands.vocab import app
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.curation.change import Change
    from kb.vocabulary.vocabulary import Vocabulary

ConceptId = Annotated[str, typer.Argument(help="The id of a concept, or its first letters.")]
ConceptIds = Annotated[list[str], typer.Argument(help="The ids of concepts, or their first letters.")]


@app.command("add")
def add_command(
    text: Annotated[str, typer.Argument(help='The concept in words: "small left pleural effusion", "no mass".')],
    synonym: Annotated[list[str] | None, typer.Option("--synonym", help="Another name; repeatable.")] = None,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Add an accepted concept."""
    act_and_print(kb, branch, storage_option, output, by, why, dry_run, lambda v, o: v.add(text, synonym or (), **o))


@app.command("accept")
def accept_command(
    concept_ids: ConceptIds,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Accept concepts."""
    act_and_print(
        kb, branch, storage_option, output, by, why, dry_run, lambda v, o: v.accept(*_ids(v, concept_ids), **o)
    )


@app.command("reject")
def reject_command(
    concept_ids: ConceptIds,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Reject concepts: mined again, they stay rejected."""
    act_and_print(
        kb, branch, storage_option, output, by, why, dry_run, lambda v, o: v.reject(*_ids(v, concept_ids), **o)
    )


@app.command("rename")
def rename_command(
    concept_id: ConceptId,
    text: Annotated[str, typer.Argument(help="The new text.")],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Give a concept another text. Its id stays; `clear-kb embed` computes its new vector."""

    def act(vocabulary: Vocabulary, options: Any) -> Change | None:
        found = vocabulary.get(concept_id)
        change = vocabulary.rename(found.concept_id, text, **options)
        if change is not None and found.embedder is not None and not dry_run:
            say("its vector was of the old text: clear-kb embed computes the new one")
        return change

    act_and_print(kb, branch, storage_option, output, by, why, dry_run, act)


@app.command("merge")
def merge_command(
    concept_ids: ConceptIds,
    into: Annotated[str, typer.Option("--into", metavar="ID", help="The concept that stays.")],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Merge concepts into another: it takes their names and evidence, and their ids still resolve."""
    act_and_print(
        kb,
        branch,
        storage_option,
        output,
        by,
        why,
        dry_run,
        lambda v, o: v.merge(*_ids(v, concept_ids), into=_id(v, into), **o),
    )


@app.command("split")
def split_command(
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
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Give some of a concept's mentions to another, by a rule that later mentions follow too, or by a list."""
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

    def act(vocabulary: Vocabulary, options: Any) -> Change | None:
        source = _id(vocabulary, concept_id)
        count = vocabulary.split_count(source, rule)
        change = vocabulary.split(source, _id(vocabulary, into) if _is_id(into) else into, rule, **options)
        say(f"{count:,} mentions {'would go' if dry_run else 'went'} over")
        return change

    act_and_print(kb, branch, storage_option, output, by, why, dry_run, act)


@app.command("retire")
def retire_command(
    concept_id: ConceptId,
    replacement: Annotated[
        str | None, typer.Option("--replacement", metavar="ID", help="What takes its place.")
    ] = None,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Retire a concept; its history and evidence stay."""

    def act(vocabulary: Vocabulary, options: Any) -> Change | None:
        other = _id(vocabulary, replacement) if replacement else None
        return vocabulary.retire(_id(vocabulary, concept_id), other, **options)

    act_and_print(kb, branch, storage_option, output, by, why, dry_run, act)


@app.command("synonym")
def synonym_command(
    concept_id: ConceptId,
    add: Annotated[list[str] | None, typer.Option("--add", help="A name to add; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A name to take away; repeatable.")] = None,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Add other names of a concept, or take some away."""
    if bool(add) == bool(remove):
        raise UsageError("name what to --add or what to --remove, one of the two")

    def act(vocabulary: Vocabulary, options: Any) -> Change | None:
        found = _id(vocabulary, concept_id)
        if add:
            return vocabulary.add_synonyms(found, *add, **options)
        return vocabulary.remove_synonyms(found, *(remove or ()), **options)

    act_and_print(kb, branch, storage_option, output, by, why, dry_run, act)


@app.command("facet")
def facet_command(
    concept_id: ConceptId,
    facet: Annotated[str, typer.Argument(help="finding, anatomy, laterality, severity or descriptors.")],
    value: Annotated[str, typer.Argument(help='The value; "none" takes it away.')],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Set a facet of a concept; its id stays."""
    act_and_print(
        kb,
        branch,
        storage_option,
        output,
        by,
        why,
        dry_run,
        lambda v, o: v.set_facet(_id(v, concept_id), facet, value, **o),
    )


@app.command("distinct")
def distinct_command(
    concept_id: ConceptId,
    others: Annotated[list[str], typer.Argument(help="The concepts that it is not.")],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Say that concepts are not the same: they are not suggested as duplicates again."""
    act_and_print(
        kb,
        branch,
        storage_option,
        output,
        by,
        why,
        dry_run,
        lambda v, o: v.keep_apart(_id(v, concept_id), *_ids(v, others), **o),
    )


@app.command("map")
def map_command(
    concept_id: ConceptId,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PREFIX:ID", help="The outside concept: RADLEX:RID34539.")
    ] = None,
    predicate: Annotated[
        str, typer.Option("--predicate", help="exactMatch, closeMatch, broadMatch, narrowMatch or relatedMatch.")
    ] = "exactMatch",
    label: Annotated[str, typer.Option("--label", help="What it is called there.")] = "",
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="PREFIX:ID", help="Take the mapping to this one away.")
    ] = None,
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Map a concept to one of an outside terminology (`vocab link` finds many), or take such a mapping away."""
    if (to is None) == (remove is None):
        raise UsageError("name what to map it --to or which mapping to --remove, one of the two")

    def act(vocabulary: Vocabulary, options: Any) -> Change | None:
        found = _id(vocabulary, concept_id)
        if to is not None:
            return vocabulary.map_to(found, to, f"skos:{predicate.removeprefix('skos:')}", label, **options)
        return vocabulary.unmap(found, str(remove), **options)

    act_and_print(kb, branch, storage_option, output, by, why, dry_run, act)


@app.command("note")
def note_command(
    concept_id: ConceptId,
    note: Annotated[str, typer.Argument(help="The note; an empty one takes it away.")],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Put a note on a concept."""
    act_and_print(
        kb, branch, storage_option, output, by, why, dry_run, lambda v, o: v.set_note(_id(v, concept_id), note, **o)
    )


@app.command("revert")
def revert_command(
    change_id: Annotated[str, typer.Argument(help="The id of a change, or its first letters.")],
    kb: KbUri = DEFAULT_KB,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Undo a change, by a new change: the history stays."""
    act_and_print(kb, branch, storage_option, output, by, why, dry_run, lambda v, o: v.revert(change_id, **o))


@app.command("changes")
def changes_command(
    concept_id: Annotated[str | None, typer.Argument(help="Only those of this concept.")] = None,
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """List the acts of curation, newest first: of all concepts, or of one (who did what to it, and why)."""
    print_changes(open_kb(kb, at, storage_option).vocabulary, concept_id, limit, output)


def act_and_print(
    uri: str,
    branch: str | None,
    storage_option: list[str] | None,
    output: Format,
    by: str | None,
    why: str | None,
    dry_run: bool,
    act: Callable[[Vocabulary, Any], Change | None],
) -> None:
    """Carry out an act and print the change that it made."""
    kb = open_kb(uri, None, storage_option, branch)
    change = act(kb.vocabulary, {"by": by, "why": why, "dry_run": dry_run})
    if output is Format.json:
        print_json({**change.to_dict(), "dry_run": dry_run} if change else None)
    elif change is None:
        say("nothing to change: it is so already")
    else:
        say(f"{'would make' if dry_run else change.change_id} {escape(change.line())}")


def _ids(vocabulary: Vocabulary, refs: list[str]) -> list[str]:
    return [_id(vocabulary, ref) for ref in refs]


def _is_id(ref: str) -> bool:
    """Whether a word is written as ids are; everything else is the text of a concept."""
    return re.fullmatch(r"C[0-9a-f]{4,16}", ref) is not None


def _id(vocabulary: Vocabulary, ref: str) -> str:
    """The full id that first letters name."""
    return vocabulary.get(ref).concept_id
