"""`clear-kb ingest`: what comes into the knowledge base."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ingest.commands.counts import by_kind
from ingest.commands.extractor_options import (
    Batch,
    Concurrency,
    Dialect,
    Endpoint,
    ExtractorName,
    KeepIdentifiers,
    MaxTokens,
    Model,
    Price,
    PromptFile,
    Retries,
    Second,
    SecondModel,
    Seed,
    Timeout,
    extractor_options,
)
from ingest.commands.mining_facts import estimate_facts, opinions_in_words, usage_facts
from ingest.commands.scope_options import Scope, SourceFormat, Where, left_out_facts
from ingest.extractors.load import make_extractor
from ingest.reports.ingest import ingest_reports, open_sources
from ingest.reports.options import IngestOptions, IngestResult
from ingest.reports.rows import DEFAULT_SECTIONS
from kb.commands.engine import EngineAddressOption, EngineOption, WorkersOption, asked_engine
from kb.commands.options import (
    BatchSize,
    Device,
    Dtype,
    Format,
    HashIds,
    Prompt,
    QueryPrompt,
    Revision,
    id_key,
    parse_pairs,
)
from kb.commands.output import print_result, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.cores import share_cores
from kb.errors import UsageError
from kb.vectors.embedding import Embedder, EmbedderOptions, choose_embedder


@writes(quiet=True)
def reports_command(
    writing: Writing,
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SRC...", help="Files or folders of reports.")],
    source_format: SourceFormat = None,
    column_map: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="WHAT=COLUMN",
            help="id, text, study, patient, modality, procedure, body_part or a section; repeatable.",
            rich_help_panel="Source",
        ),
    ] = None,
    sections: Annotated[
        str, typer.Option("--sections", help="The sections to mine, with commas between.", rich_help_panel="Source")
    ] = ",".join(DEFAULT_SECTIONS),
    encoding: Annotated[str, typer.Option(help="The encoding of text files.", rich_help_panel="Source")] = "utf-8",
    max_chars: Annotated[
        int, typer.Option(min=1, help="Longer reports are rejected.", rich_help_panel="Source")
    ] = 1_000_000,
    scope: Scope = "chest",
    where: Where = None,
    extractor: ExtractorName = "rules",
    model: Model = None,
    second: Second = None,
    second_model: SecondModel = None,
    remine: Annotated[
        bool,
        typer.Option("--remine", help="Mine again what another extractor or version mined.", rich_help_panel="Mining"),
    ] = False,
    allow_unjoined: Annotated[
        bool,
        typer.Option(
            "--allow-unjoined",
            help="Store them also where no image that is here has any of them.",
            rich_help_panel="Source",
        ),
    ] = False,
    no_store_text: Annotated[
        bool,
        typer.Option(
            "--no-store-text",
            help="Keep the texts out: of each mention its concept's words and its place stay, and ids and file names.",
            rich_help_panel="Mining",
        ),
    ] = False,
    keep_identifiers: KeepIdentifiers = False,
    hash_ids: HashIds = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder",
            envvar="CLEAR_KB_EMBEDDER",
            metavar="NAME|PATH|openai:MODEL@URL",
            help="What embeds; default: the one in use, else the bundled all-MiniLM-L6-v2.",
            rich_help_panel="Embedding",
        ),
    ] = None,
    no_embed: Annotated[
        bool,
        typer.Option("--no-embed", help="Mine alone; `clear-kb embed` fills in later.", rich_help_panel="Embedding"),
    ] = False,
    prompt: Prompt = None,
    query_prompt: QueryPrompt = None,
    dtype: Dtype = None,
    revision: Revision = None,
    device: Device = None,
    batch_size: BatchSize = 64,
    engine: EngineOption = "local",
    engine_address: EngineAddressOption = None,
    workers: WorkersOption = None,
    llm_endpoint: Endpoint = None,
    llm_dialect: Dialect = "auto",
    llm_batch: Batch = 1,
    llm_concurrency: Concurrency = 8,
    llm_timeout: Timeout = 120.0,
    llm_retries: Retries = 6,
    llm_max_tokens: MaxTokens = 4_096,
    llm_seed: Seed = 0,
    llm_prompt: PromptFile = None,
    llm_price: Price = None,
) -> None:
    """Mine reports into the vocabulary: observations, concepts and their embeddings, as one commit.

    The same file twice adds nothing; a changed report replaces its own observations; what cannot be taken is
    listed by `clear-kb status --rejects`. Interrupted, the same command goes on where it was. --dry-run asks no
    language model, and estimates what asking would cost.
    """
    asked = EmbedderOptions(
        name=embedder,
        revision=revision,
        dtype=dtype,
        prompt=prompt,
        query_prompt=query_prompt,
        device=device,
        batch_size=batch_size,
    )
    options = IngestOptions(
        source_format=source_format,
        mapping=parse_pairs(column_map, "--map"),
        encoding=encoding,
        max_chars=max_chars,
        sections=section_names(sections),
        extractor=extractor_options(
            context,
            extractor,
            model,
            llm_endpoint,
            second=second,
            second_model=second_model,
            price=llm_price,
            keep_identifiers=keep_identifiers,
            dialect=llm_dialect,
            batch=llm_batch,
            concurrency=llm_concurrency,
            timeout_s=llm_timeout,
            max_retries=llm_retries,
            max_tokens=llm_max_tokens,
            seed=llm_seed,
            prompt=llm_prompt,
        ),
        remine=remine,
        store_text=not no_store_text,
        scope=scope,
        where=where,
        key=id_key(hash_ids),
    )
    # Before a knowledge base is made: a mistyped name should leave nothing behind.
    opened_sources = open_sources(sources, options)
    made = make_extractor(options.extractor)
    opened = writing.base_or_new

    def embedding() -> Embedder:
        share_cores()
        return choose_embedder(opened.embedder, asked)

    work = asked_engine(engine, engine_address, workers)
    with work as does_it, Progress("reports", hidden=writing.quiet) as progress:
        result = ingest_reports(
            opened,
            opened_sources,
            options,
            embedder=None if no_embed else embedding,
            **writing.act,
            watcher=progress,
            extractor=made,
            allow_unjoined=allow_unjoined,
            engine=does_it,
        )
    _print_result(result, writing.uri, writing.quiet, writing.output, scope=scope)
    nothing_mined = result.usage is not None and result.usage.failed and not result.usage.aligned
    nothing_taken = not (result.new or result.changed or result.unchanged or result.other_extractor)
    if nothing_taken and result.left_out:
        say("nothing was taken: every report was left out or rejected")
        raise typer.Exit(1)
    if result.rejected and (nothing_taken or nothing_mined):
        raise typer.Exit(1)


def section_names(text: str) -> tuple[str, ...]:
    """The sections that --sections names; UsageError if it names none."""
    names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("--sections names no section: findings,impression is the default")
    return names


def _print_result(result: IngestResult, uri: str, quiet: bool, output: Format, *, scope: str) -> None:
    print_result(result.to_dict(), _facts(result, uri, scope), output, quiet=quiet)
    if result.unused_columns:
        say(f"columns not used: {escape(', '.join(result.unused_columns))} (see --map)", quiet=quiet)


def _facts(result: IngestResult, uri: str, scope: str) -> list[tuple[str, str]]:
    facts = [
        ("read", f"{result.read:,} reports in {result.mining_seconds:,.1f} s, {result.seconds:,.1f} s in all"),
        ("new", f"{result.new:,}"),
        ("changed", f"{result.changed:,}"),
        ("unchanged", f"{result.unchanged:,}"),
    ]
    if result.other_extractor:
        hint = "as stored, but mined by another extractor, version or choice of sections: --remine mines them again"
        facts.append(("mined before", f"{result.other_extractor:,} {hint}"))
    if result.repeated:
        facts.append(("repeated", f"{result.repeated:,} stood twice in the source, word for word"))
    rejects = f": clear-kb status --rejects --kb {uri}" if result.rejected else ""
    facts.append(("rejected", f"{result.rejected:,}{rejects}"))
    facts += left_out_facts(result.left_out, scope)
    if result.languages:
        facts.append(("languages", f"{by_kind(result.languages)}: not read; translate them, or --extractor llm"))
    if result.foreign_sentences:
        facts.append(("sentences", f"{by_kind(result.foreign_sentences)}: left out of mixed reports"))
    if result.dropped:
        facts.append(("dropped", f"{result.dropped:,} stored reports that are in another language now"))
    if result.estimate is not None:
        return [(name, escape(value)) for name, value in [*facts, *estimate_facts(result.estimate)]]
    facts.append(("observations", f"{result.observations:,}"))
    if result.opinions:
        facts.append(("opinions", opinions_in_words(result.opinions, uri)))
    if result.refused:
        facts.append(("refused", f"{result.refused:,} statements: clear-kb status --rejects --kb {uri}"))
    if result.usage is not None:
        facts += usage_facts(result.usage)
    aside = f", {result.put_aside:,} of them put aside: clear-kb vocab list --status aside --kb {uri}"
    facts.append(("new concepts", f"{result.new_concepts:,}{aside if result.put_aside else ''}"))
    if result.taken_in:
        facts.append(("taken in", f"{result.taken_in:,} that stood aside, and are well formed by now"))
    if result.new_concepts and not result.dry_run:
        known = result.embedded - result.embeddings_computed
        done = f"{result.embeddings_computed:,} computed, {known:,} known from before"
        facts.append(("embedded", done if result.embedded else "none: clear-kb embed fills them in"))
    if result.dry_run:
        facts.append(("commit", "none: a dry run"))
    else:
        facts.append(("commit", result.commit.commit_id if result.commit else "none: there was nothing new"))
    return [(name, escape(value)) for name, value in facts]
