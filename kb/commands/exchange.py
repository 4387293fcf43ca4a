"""`clear-kb vocab export`, `import` and `link`: vocabularies out, in, and tied to outside terminologies."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from kb.commands.aside import say_aside
from kb.commands.import_result import print_import
from kb.commands.options import (
    Format,
    StatusChoice,
    Store,
    parse_pairs,
)
from kb.commands.output import print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, Writing, reads, writes
from kb.commands.target import Overwrite, check_target
from kb.curation.linking import find_links, shared_terms, store_links
from kb.curation.terminology import read_terminology
from kb.errors import UsageError
from kb.exchange.clear_bank import clear_bank
from kb.exchange.formats import ExportOptions, export_vocabulary, file_to_import, format_of, held_back
from kb.exchange.importing import import_records
from kb.exchange.incoming import Incoming
from kb.exchange.prefixes import Prefixes
from kb.exchange.sssom import LICENSE
from kb.privacy.sharing import LEAST_PATIENTS

FileFormat = Annotated[
    Literal["csv", "jsonl", "parquet", "skos", "sssom"] | None,
    typer.Option("--as", help="The file's format; default: what its ending says (.ttl .nt .rdf: skos, .tsv: sssom)."),
]
Base = Annotated[
    str | None, typer.Option("--base", metavar="IRI", help="What concepts' IRIs begin with in SKOS and SSSOM.")
]
PrefixOptions = Annotated[
    list[str] | None,
    typer.Option("--prefix", metavar="PREFIX=IRI", help="What a prefix of outside ids stands for; repeatable."),
]

LINK_COLUMNS = ("confidence", "concept_id", "text", "predicate", "object_id", "object_label", "matched", "score")


@reads(output=False, quiet=True)
def export_command(
    reading: Reading,
    file: Annotated[Path | None, typer.Argument(help="Where to; the ending says the format.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The same, as an option.")] = None,
    named: FileFormat = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="With the embeddings (Parquet).")] = False,
    status: Annotated[StatusChoice | None, typer.Option("--status", help="Only concepts of this status.")] = None,
    base: Base = None,
    prefix: PrefixOptions = None,
    license_iri: Annotated[
        str | None, typer.Option("--license", metavar="IRI", help="Under which SSSOM mappings are given away.")
    ] = None,
    share: Annotated[
        bool,
        typer.Option(
            "--share",
            help="To give away: without notes, sources and names, and without concepts that few patients have.",
        ),
    ] = False,
    least_patients: Annotated[
        int, typer.Option("--least-patients", min=1, metavar="N", help="With --share: fewer patients are few.")
    ] = LEAST_PATIENTS,
    overwrite: Overwrite = False,
) -> None:
    """Write the vocabulary to a file: CSV, JSON lines, Parquet, SKOS (RDF), or its mappings as SSSOM."""
    path = out or file
    if path is None or (out and file):
        raise UsageError("name one file to export to")
    check_target(path, overwrite=overwrite)
    opened = reading.base
    prefixes = Prefixes.given(base, parse_pairs(prefix, "--prefix"))
    options = ExportOptions(
        vectors,
        status.value if status else None,
        prefixes,
        license_iri or LICENSE,
        share=least_patients if share else None,
    )
    written = export_vocabulary(opened, path, named, options=options)
    reading.note_export("vocab export", written, path, status=options.status, vectors=vectors, share=options.share)
    what = "mappings" if format_of(path, named) == "sssom" else "concepts"
    say(f"wrote {written:,} {what} of commit {opened.commit.commit_id} to {escape(str(path))}", quiet=reading.quiet)
    if share:
        say(
            f"held back {held_back(opened, options):,} concepts seen in fewer than {least_patients} patients "
            "(reports, where no patient is known)",
            quiet=reading.quiet,
        )
    if status is None:
        say_aside(opened, "written", quiet=reading.quiet)


@writes(branch=True, quiet=True)
def import_command(
    writing: Writing,
    files: Annotated[list[Path], typer.Argument(help="The file; with --clear: the CSV and the tensor.")],
    clear: Annotated[
        bool, typer.Option("--clear", help="The published bank: mimic_concepts.csv and concept_embeddings.pt.")
    ] = False,
    verbatim: Annotated[
        bool,
        typer.Option("--verbatim", help="With --clear: every text a concept of its own, so that each one counts."),
    ] = False,
    named: FileFormat = None,
    no_vectors: Annotated[bool, typer.Option("--no-vectors", help="Leave a file's vectors out.")] = False,
    delete_missing: Annotated[
        bool, typer.Option("--delete-missing", help="Retire the concepts in use that the file no longer has.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take it without asking; only a terminal is asked.")] = False,
    store: Store = None,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", metavar="NAME", help="With --clear: the model that the tensor is of."),
    ] = None,
    query_prompt: Annotated[
        str | None, typer.Option("--query-prompt", help="With --clear: what stands before a query to that model.")
    ] = None,
    base: Base = None,
    prefix: PrefixOptions = None,
) -> None:
    """Take concepts (or SSSOM mappings) in from a file, as one commit; a knowledge base is made if there is none.

    New concepts are added; what a file says otherwise of known ones is one change that `vocab revert` undoes. At a
    terminal what would change is shown first, and you are asked. CSV may come from a spreadsheet in any locale. Rows
    that cannot be taken are told, and listed by `clear-kb status --rejects`; rows that are gone change nothing, unless
    --delete-missing.
    """
    if not clear and (verbatim or embedder or query_prompt is not None):
        raise UsageError("--verbatim, --embedder and --query-prompt go with --clear")
    if clear:
        incoming = _published(files, embedder, query_prompt, no_vectors=no_vectors, verbatim=verbatim)
    elif len(files) != 1:
        raise UsageError("name one file to import (two with --clear)")
    else:
        prefixes = Prefixes.given(base, parse_pairs(prefix, "--prefix"))
        incoming = file_to_import(files[0], named, prefixes=prefixes, vectors=not no_vectors)
    if clear and delete_missing:
        raise UsageError("--delete-missing goes with a file that `vocab export` wrote, not with --clear")
    opened = writing.base_or_new
    take = partial(import_records, opened, incoming, stored_as=store, delete_missing=delete_missing)
    asks = sys.stdin.isatty() and not (yes or writing.dry_run or clear)
    if asks:
        print_import(take(**{**writing.act, "dry_run": True}), writing, of_bank=clear, asking=True)
        if not typer.confirm("Take it?", err=True):
            say("nothing was taken")
            return
    with Progress("concepts", hidden=writing.quiet) as progress:
        on_read, on_written = _steps(progress)
        result = take(**writing.act, on_read=on_read, on_written=on_written)
    print_import(result, writing, of_bank=clear, told_before=asks)
    if result.rejected and result.rejected == result.read:
        raise typer.Exit(1)  # the log has what was wrong with each row, and nothing was taken


def _steps(progress: Progress) -> tuple[Callable[[int], None], Callable[[int, int], None]]:
    """What an import reports to, as it reads and as it writes."""
    progress.stage("reading", None)
    done = 0

    def on_read(count: int) -> None:
        nonlocal done
        done += count
        progress.advance(done, done)

    def on_written(written: int, total: int) -> None:
        if written == 0:
            progress.stage("writing", total)
        progress.advance(written, written)

    return on_read, on_written


@writes(branch=True, quiet=True)
def link_command(
    writing: Writing,
    file: Annotated[Path, typer.Argument(help="The terminology as CSV or TSV: id, label, synonyms, parent.")],
    terminology: Annotated[
        str | None,
        typer.Option("--terminology", metavar="PREFIX", help="What ids without a prefix are of: RADLEX, UMLS."),
    ] = None,
    threshold: Annotated[float, typer.Option("--threshold", help="From which likeness on, 0 to 1.")] = 0.85,
    status: Annotated[StatusChoice | None, typer.Option("--status", help="Only concepts of this status.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many links to show at most.")] = 25,
) -> None:
    """Link concepts to an outside terminology by their names; --dry-run only shows what would be linked.

    A whole text that is a name there is an exactMatch, one that says more, or whose finding is one, a broadMatch; where
    words differ on both sides it is a closeMatch. Links become mappings, in the place of earlier ones to that
    terminology; `vocab export x.sssom.tsv` writes them. Several that are exactly one outside term are told.
    """
    terms = read_terminology(file, terminology)
    opened = writing.base
    statuses = [status.value] if status else []
    links = find_links(opened, terms, threshold=threshold, statuses=statuses)
    change = store_links(
        opened,
        links,
        terms,
        statuses=statuses,
        by=writing.by,
        why=writing.why or f"linked to {file.name}",
        dry_run=writing.dry_run,
    )
    shown = [{**link.to_dict(), "match": link.predicate.removeprefix("skos:")} for link in links[:limit]]
    narrow = ["confidence", "text", "match", "object_label", "object_id"]
    columns = narrow if writing.output is Format.table else [*LINK_COLUMNS]
    print_rows(shown, columns, writing.output, empty="no concept is named there")
    done = "would link" if writing.dry_run else "linked"
    change_id = f" (change {change.change_id})" if change and not writing.dry_run else ""
    touched = set(change.concept_ids) if change else set()
    new = len(touched & {link.concept_id for link in links})
    gone = f", took {len(touched) - new:,} earlier links away" if len(touched) > new else ""
    say(f"{len(links):,} concepts are named there; {done} {new:,} anew{gone}{change_id}", quiet=writing.quiet)
    if shared := shared_terms(links):
        told = "\n".join(f"  {term.in_words()}" for term in shared[:limit])
        say(f"possible duplicates, {len(shared):,}:\n{escape(told)}", quiet=writing.quiet)


def _published(
    files: list[Path], embedder: str | None, query_prompt: str | None, *, no_vectors: bool, verbatim: bool
) -> Incoming:
    if len(files) != 2 and not (no_vectors and len(files) == 1):
        raise UsageError(
            "--clear takes two files, mimic_concepts.csv concept_embeddings.pt; with --no-vectors the first is enough"
        )
    tensor = None if no_vectors else files[1]
    return clear_bank(files[0], tensor, embedder, query_prompt=query_prompt, verbatim=verbatim)
