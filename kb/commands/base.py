"""Commands on the knowledge base as a whole: init, status, log, tag, embed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kb.commands.changes import print_changes
from kb.commands.options import (
    DEFAULT_KB,
    At,
    BatchSize,
    By,
    Device,
    DryRun,
    Dtype,
    Format,
    KbUri,
    OnBranch,
    OutputFormat,
    Prompt,
    QueryPrompt,
    Quiet,
    Revision,
    StorageOptions,
    Store,
    Why,
    open_kb,
    parse_pairs,
)
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.store.commits import check_name

if TYPE_CHECKING:
    from kb.store.commits import Commit
    from kb.vocabulary.embed_concepts import EmbedResult


def init_command(
    kb: KbUri = DEFAULT_KB,
    storage_option: StorageOptions = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
) -> None:
    """Create an empty knowledge base; `ingest reports` creates one too."""
    from kb.knowledge_base import KnowledgeBase

    options = parse_pairs(storage_option, "--storage-option") or None
    if dry_run:
        exists = KnowledgeBase.exists(kb, options)
        say(f"{kb} is a knowledge base already" if exists else f"would create a knowledge base at {kb}")
        return
    created = KnowledgeBase.create(kb, options, by=by, why=why)
    say(f"created {escape(kb)} at commit {created.commit.commit_id}")


def status_command(
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    rejects: Annotated[bool, typer.Option("--rejects", help="List the inputs that could not be taken.")] = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Show what a knowledge base holds, or with --rejects what it could not take."""
    opened = open_kb(kb, at, storage_option)
    if rejects:
        columns = ["source", "position", "report_id", "reason"]
        print_rows(opened.rejects(), columns, output, empty="nothing was rejected")
        return
    status = opened.status()
    if output is Format.json:
        print_json(status.to_dict())
    elif output is Format.csv:
        print_rows([status.to_dict()], list(status.to_dict()), output)
    else:
        print_facts([(name, escape(value)) for name, value in status.facts()])


def log_command(
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    concept: Annotated[
        str | None, typer.Option("--concept", metavar="ID", help="The acts of curation on this concept instead.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """List the commits, newest first: what was done, by whom, when and why."""
    opened = open_kb(kb, at, storage_option)
    if concept is not None:
        print_changes(opened.vocabulary, concept, limit, output)
        return
    names = opened.tags()
    chain = opened.log()[:limit]
    there = {commit.commit_id for commit in opened.commits.readable(chain)}
    rows = [
        _log_row(commit, [name for name, commit_id in names.items() if commit_id == commit.commit_id], output)
        | {"readable": commit.commit_id in there}
        for commit in chain
    ]
    columns = ["commit", "time", "by", "operation", "summary", "tags", "why"]
    print_rows(rows, columns if output is Format.table else [*columns, "readable"], output)
    if gone := len(chain) - len(there):
        say(f"{gone:,} of these were dropped by `clear-kb gc`: they are history, and can no longer be read")


def tag_command(
    name: Annotated[str | None, typer.Argument(help="The name to give; without it, the tags are listed.")] = None,
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Name a commit for good (the newest, or --at), or list the tags. Tagged data is never cleaned up."""
    opened = open_kb(kb, at, storage_option)
    if name is None:
        rows = [{"tag": tag, "commit": commit_id} for tag, commit_id in sorted(opened.tags().items())]
        print_rows(rows, ["tag", "commit"], output, empty="there are no tags")
        return
    check_name(name, "tag")
    if not dry_run:
        opened.tag(name, by=by, why=why)
    say(f"{'would tag' if dry_run else 'tagged'} commit {opened.commit.commit_id} as {escape(name)}")


def restore_command(
    ref: Annotated[str, typer.Argument(metavar="COMMIT|TAG", help="The state to go back to.")],
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
) -> None:
    """Make an earlier state the newest one, by a new commit: what came between stays in the log."""
    opened = open_kb(kb, None, storage_option)
    target = opened.at(ref).commit
    if dry_run:
        say(f"would restore commit {target.commit_id} ({escape(target.operation)})")
        return
    commit = opened.restore(ref, by=by, why=why)
    done = (
        f"restored {target.commit_id} as commit {commit.commit_id}" if commit else f"{target.commit_id} is the newest"
    )
    say(done)


def gc_command(
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Newest commits that stay readable beside tagged ones; all.")
    ] = None,
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Give storage back: what no commit names, and with --keep what older, untagged commits name."""
    result = open_kb(kb, None, storage_option).gc(keep=keep, dry_run=dry_run, by=by, why=why)
    if output is Format.json:
        print_json(result.to_dict())
        return
    would = "would drop" if dry_run else "dropped"
    freed = "" if dry_run else f", gave {result.bytes_removed / 1e6:,.1f} MB back"
    say(f"kept {result.kept:,} commits, {would} {result.dropped:,}{freed}")


def embed_command(
    kb: KbUri = DEFAULT_KB,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "--embedder",
            metavar="NAME|PATH|openai:MODEL@URL",
            help="The embedder; default: the one in use, else the bundled all-MiniLM-L6-v2.",
        ),
    ] = None,
    revision: Revision = None,
    dtype: Dtype = None,
    prompt: Prompt = None,
    query_prompt: QueryPrompt = None,
    device: Device = None,
    batch_size: BatchSize = 64,
    store: Store = None,
    branch: OnBranch = None,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Embed the concepts that have no vector yet; another model replaces all vectors, as a new commit."""
    from kb.commands.progress import Progress
    from kb.vectors.embedding import EmbedderOptions, choose_embedder
    from kb.vectors.vector_storage import store_vectors
    from kb.vocabulary.embed_concepts import embed_concepts

    opened = open_kb(kb, None, storage_option, branch)
    options = EmbedderOptions(model, revision, dtype, prompt, query_prompt, device, batch_size)
    embedder = choose_embedder(opened.embedder, options)
    with Progress("concepts", hidden=quiet) as progress:
        done = 0

        def on_done(count: int) -> None:
            nonlocal done
            done += count
            progress.advance(done, done)

        result = embed_concepts(
            opened,
            embedder,
            by=by,
            why=why,
            dry_run=dry_run,
            on_start=lambda total: progress.stage("embedding", total),
            on_done=on_done,
        )
    if output is Format.json:
        print_json({**result.to_dict(), "dry_run": dry_run})
    else:
        say(_embed_told(result, dry_run), quiet=quiet)
    if store is not None and not dry_run:
        index = opened.vector_index
        stored = store_vectors(opened, store, by=by, why=why)
        lost = "" if stored.recall is None else f": recall@10 {stored.recall:.3f} against float32"
        gone = "; their index went with the old ones: clear-kb index" if index and not opened.vector_index else ""
        say(f"the vectors are stored as {stored.stored_as}{lost}{gone}", quiet=quiet)


def _embed_told(result: EmbedResult, dry_run: bool) -> str:
    name = escape(result.embedder.name)
    if dry_run:
        return f"would embed {result.embedded:,} concepts with {name}"
    if not result.embedded:
        return f"every concept has its {name} vector already"
    commit = f" at commit {result.commit.commit_id}" if result.commit else ""
    computed = f"{result.computed:,} computed, {result.embedded - result.computed:,} known from before"
    return f"embedded {result.embedded:,} concepts with {name} ({computed}){commit}"


def _log_row(commit: Commit, tags: list[str], output: Format) -> dict[str, Any]:
    told = {name: value for name, value in commit.summary.items() if name != "run" and value != 0}
    return {
        "commit": commit.commit_id,
        "time": commit.time.isoformat(timespec="seconds" if output is not Format.table else "minutes"),
        "by": commit.author,
        "operation": commit.operation,
        "summary": told if output is Format.json else ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in told.items()),
        "tags": tags,
        "why": commit.reason,
    }
