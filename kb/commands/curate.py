"""`clear-kb vocab add | accept | reject | ...`: the acts that change the vocabulary."""

from __future__ import annotations

from collections.abc import Callable
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
    OutputFormat,
    StorageOptions,
    Why,
    open_kb,
)
from kb.commands.output import print_json, say
from kb.commands.vocab import app
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.changes import Change
    from kb.vocabulary import Vocabulary

ConceptId = Annotated[str, typer.Argument(help="The id of a concept, or its first letters.")]
ConceptIds = Annotated[list[str], typer.Argument(help="The ids of concepts, or their first letters.")]


@app.command("add")
def add_command(
    text: Annotated[str, typer.Argument(help='The concept in words: "small left pleural effusion", "no mass".')],
    synonym: Annotated[list[str] | None, typer.Option("--synonym", help="Another name; repeatable.")] = None,
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Add an accepted concept."""
    act_and_print(kb, storage_option, output, by, why, dry_run, lambda v, o: v.add(text, synonym or (), **o))


@app.command("accept")
def accept_command(
    concept_ids: ConceptIds,
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Accept concepts."""
    act_and_print(kb, storage_option, output, by, why, dry_run, lambda v, o: v.accept(*_ids(v, concept_ids), **o))


@app.command("reject")
def reject_command(
    concept_ids: ConceptIds,
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Reject concepts: mined again, they stay rejected."""
    act_and_print(kb, storage_option, output, by, why, dry_run, lambda v, o: v.reject(*_ids(v, concept_ids), **o))


@app.command("rename")
def rename_command(
    concept_id: ConceptId,
    text: Annotated[str, typer.Argument(help="The new text.")],
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Give a concept another text. Its id stays; `clear-kb embed` computes its new vector."""
    act_and_print(kb, storage_option, output, by, why, dry_run, lambda v, o: v.rename(_id(v, concept_id), text, **o))


@app.command("merge")
def merge_command(
    concept_ids: ConceptIds,
    into: Annotated[str, typer.Option("--into", metavar="ID", help="The concept that stays.")],
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Merge concepts into another: it takes their names and evidence, and their ids still resolve."""
    act_and_print(
        kb,
        storage_option,
        output,
        by,
        why,
        dry_run,
        lambda v, o: v.merge(*_ids(v, concept_ids), into=_id(v, into), **o),
    )


@app.command("retire")
def retire_command(
    concept_id: ConceptId,
    replacement: Annotated[
        str | None, typer.Option("--replacement", metavar="ID", help="What takes its place.")
    ] = None,
    kb: KbUri = DEFAULT_KB,
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

    act_and_print(kb, storage_option, output, by, why, dry_run, act)


@app.command("synonym")
def synonym_command(
    concept_id: ConceptId,
    add: Annotated[list[str] | None, typer.Option("--add", help="A name to add; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A name to take away; repeatable.")] = None,
    kb: KbUri = DEFAULT_KB,
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

    act_and_print(kb, storage_option, output, by, why, dry_run, act)


@app.command("facet")
def facet_command(
    concept_id: ConceptId,
    facet: Annotated[str, typer.Argument(help="finding, anatomy, laterality, severity or descriptors.")],
    value: Annotated[str, typer.Argument(help='The value; "none" takes it away.')],
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Set a facet of a concept; its id stays."""
    act_and_print(
        kb,
        storage_option,
        output,
        by,
        why,
        dry_run,
        lambda v, o: v.set_facet(_id(v, concept_id), facet, value, **o),
    )


@app.command("note")
def note_command(
    concept_id: ConceptId,
    note: Annotated[str, typer.Argument(help="The note; an empty one takes it away.")],
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Put a note on a concept."""
    act_and_print(kb, storage_option, output, by, why, dry_run, lambda v, o: v.set_note(_id(v, concept_id), note, **o))


@app.command("revert")
def revert_command(
    change_id: Annotated[str, typer.Argument(help="The id of a change, or its first letters.")],
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Undo a change, by a new change: the history stays."""
    act_and_print(kb, storage_option, output, by, why, dry_run, lambda v, o: v.revert(change_id, **o))


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
    storage_option: list[str] | None,
    output: Format,
    by: str | None,
    why: str | None,
    dry_run: bool,
    act: Callable[[Vocabulary, Any], Change | None],
) -> None:
    """Carry out an act and print the change that it made."""
    kb = open_kb(uri, None, storage_option)
    change = act(kb.vocabulary, {"by": by, "why": why, "dry_run": dry_run})
    if output is Format.json:
        print_json({**change.to_dict(), "dry_run": dry_run} if change else None)
    elif change is None:
        say("nothing to change: it is so already")
    else:
        say(f"{'would make' if dry_run else change.change_id} {escape(change.line())}")


def _ids(vocabulary: Vocabulary, refs: list[str]) -> list[str]:
    return [_id(vocabulary, ref) for ref in refs]


def _id(vocabulary: Vocabulary, ref: str) -> str:
    """The full id that first letters name."""
    return vocabulary.get(ref).concept_id
