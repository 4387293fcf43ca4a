"""The formats by name and by file ending, and the two functions that use them: export and import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kb.errors import UsageError
from kb.exchange import skos, sssom, tabular
from kb.exchange.importing import ImportResult, import_records
from kb.exchange.incoming import Incoming
from kb.exchange.prefixes import KNOWN, Prefixes
from kb.exchange.vectors import StreamedVectors
from kb.privacy.sharing import patients_of_concepts, shared
from kb.store.state import State
from kb.vectors.embedding.in_use import read_embedder, require_embedder
from kb.vocabulary.concept_hierarchy import ConceptHierarchy
from kb.vocabulary.mappings import holds
from kb.vocabulary.records import FIELDS, NO_RECORD, Record, iter_records
from kb.vocabulary.vocabulary import Vocabulary
from kb.whole_file import written_whole
from schemas.terms import IN_USE

FORMATS: Mapping[str, tuple[str, ...]] = {
    "sssom": (".sssom.tsv", ".tsv"),
    "skos": tuple(skos.FORMATS),
    "parquet": (".parquet",),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv", ".txt"),
}
"""The formats, and how the names of their files end."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export may be told beside where it goes.

    `vectors` puts the embeddings into Parquet; `status` takes only the concepts of one status, None all but those
    that were put aside; `prefixes` say what ids stand for in RDF and SSSOM, `license_iri` under which the mappings of
    an SSSOM file are given away. `share` holds back the concepts seen in fewer patients than that, and of the others
    notes, sources and whatever names who curated them.
    """

    vectors: bool = False
    status: str | None = None
    prefixes: Prefixes = KNOWN
    license_iri: str = sssom.LICENSE
    share: int | None = None


def format_of(path: Path, named: str | None = None) -> str:
    """The format that is named, or that the file's ending says; UsageError if neither does."""
    if named is not None:
        if named not in FORMATS:
            raise UsageError(f"format '{named}': choose one of {', '.join(sorted(FORMATS))}")
        return named
    for name, endings in FORMATS.items():
        if path.name.endswith(endings):
            return name
    known = ", ".join(ending for endings in FORMATS.values() for ending in endings)
    raise UsageError(f"{path}: the ending says no format ({known}); name one")


def export_vocabulary(
    state: State, path: Path, named: str | None = None, *, options: ExportOptions = ExportOptions()
) -> int:
    """Write the vocabulary of the commit to `path`; says how many concepts (for SSSOM: mappings) went out.

    The file appears whole or not at all.

    Raises:
        UsageError: the format is unknown, vectors are asked of one that has none, or a prefix is not known.
    """
    kind = format_of(path, named)
    if options.vectors and kind != "parquet":
        raise UsageError(f"{kind} carries no vectors: export as parquet")
    if options.vectors:
        require_embedder(state)
    path = path.resolve()
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}")
    with written_whole(path) as partial:
        return _WRITERS[kind](state, partial, options)


def import_vocabulary(
    state: State,
    path: Path,
    named: str | None = None,
    *,
    prefixes: Prefixes = KNOWN,
    vectors: bool = True,
    **options: Any,
) -> ImportResult:
    """Take a vocabulary file in, as one commit; the other options are those of `import_records`.

    Raises:
        UsageError: the file is not there, is not of its format, or does not fit the vocabulary.
    """
    return import_records(state, file_to_import(path, named, prefixes=prefixes, vectors=vectors), **options)


def file_to_import(
    path: Path, named: str | None = None, *, prefixes: Prefixes = KNOWN, vectors: bool = True
) -> Incoming:
    """A vocabulary file as something to import; without `vectors`, those of a Parquet file are left out."""
    kind = format_of(path, named)
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    if kind == "sssom" and named is None and tabular.tells_of_concepts(path):
        kind = "csv"
    _check_columns(path, kind, prefixes)
    info = tabular.parquet_embedder(path) if kind == "parquet" and vectors else None
    return Incoming(
        path.name,
        lambda: _readable(path, _READERS[kind](path, prefixes)),
        info,
        None if info is None else lambda: StreamedVectors(info, tabular.parquet_vectors(path)),
        mappings_only=kind == "sssom",
        prefixes=prefixes,
        notes=tabular.csv_notes(path) if kind == "csv" else (),
    )


def _check_columns(path: Path, kind: str, prefixes: Prefixes) -> None:
    """Refuse a file whose first record tells nothing of a concept: it is another kind of table."""
    told = (record for record in _readable(path, _READERS[kind](path, prefixes)) if record is not NO_RECORD)
    first = next(told, None)
    if first is not None and "unreadable" not in first and not set(first) & set(FIELDS):
        known = ", ".join(FIELDS[:6])
        raise UsageError(f"{path} tells of no concepts: it has none of {known}, ..., but {', '.join(first)}")


def _readable(path: Path, records: Iterable[Record]) -> Iterator[Record]:
    try:
        yield from records
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error}") from error


def _counted(state: State, options: ExportOptions) -> Iterator[Record]:
    counts = Vocabulary(state).counts()
    for record in _chosen(state, options):
        found = counts.get(record["concept_id"])
        yield {**record, "mentions": found.mentions if found else 0}


def _chosen(state: State, options: ExportOptions) -> Iterator[Record]:
    records: Iterator[Record] = iter_records(state, vectors=options.vectors)
    wanted = (record for record in records if _is_wanted(record["status"], options.status))
    return wanted if options.share is None else shared(wanted, state.remember(patients_of_concepts), options.share)


def _is_wanted(status: str, asked: str | None) -> bool:
    return status != "aside" if asked is None else status == asked


def held_back(state: State, options: ExportOptions) -> int:
    """How many concepts an export for sharing leaves out of those that it would write else."""
    everything = replace(options, vectors=False, share=None)
    chosen = (_chosen(state, one) for one in (everything, replace(everything, share=options.share)))
    whole, given = (sum(1 for _ in records) for records in chosen)
    return whole - given


def _hierarchy(state: State, options: ExportOptions) -> ConceptHierarchy:
    """That of the concepts that are written and in use."""
    chosen = _chosen(state, replace(options, vectors=False))
    return ConceptHierarchy(record for record in chosen if record["status"] in IN_USE)


def _broad(state: State, options: ExportOptions) -> skos.BroadMatches:
    """The outside concepts that those which are written are narrower than."""
    mapped = ((record["concept_id"], record["mappings"]) for record in _chosen(state, replace(options, vectors=False)))
    return {
        of: frozenset(one["object_id"] for one in mappings if holds(one) and one["predicate"] == skos.BROADER)
        for of, mappings in mapped
        if mappings
    }


def _prefixes(state: State, options: ExportOptions) -> Prefixes:
    """What ids stand for, those too that the mappings bring along; UsageError names all that nobody knows."""
    chosen = _chosen(state, replace(options, vectors=False))
    return options.prefixes.with_those_of(mapping for record in chosen for mapping in record["mappings"])


def _mapping_set(state: State, options: ExportOptions) -> sssom.MappingSet:
    commit = state.commit
    title, of = f"mappings of {Path(state.uri).name}", commit.commit_id
    return sssom.MappingSet(title=title, version=of, published=commit.time, license_iri=options.license_iri)


_WRITERS: Mapping[str, Callable[[State, Path, ExportOptions], int]] = {
    "csv": lambda state, path, options: tabular.write_csv(_counted(state, options), path),
    "jsonl": lambda state, path, options: tabular.write_jsonl(_counted(state, options), path),
    "parquet": lambda state, path, options: tabular.write_parquet(
        _counted(state, options), path, read_embedder(state) if options.vectors else None
    ),
    "skos": lambda state, path, options: skos.write_skos(
        _chosen(state, options),
        path,
        _prefixes(state, options),
        title=_title(state),
        hierarchy=_hierarchy(state, options),
        broad=_broad(state, options),
    ),
    "sssom": lambda state, path, options: sssom.write_sssom(
        _chosen(state, options), path, _prefixes(state, options), _mapping_set(state, options)
    ),
}

_READERS: Mapping[str, Callable[[Path, Prefixes], Iterable[Record]]] = {
    "csv": lambda path, _: tabular.read_csv(path),
    "jsonl": lambda path, _: tabular.read_jsonl(path),
    "parquet": lambda path, _: tabular.read_parquet(path),
    "skos": skos.read_skos,
    "sssom": sssom.read_sssom,
}


def _title(state: State) -> str:
    return f"{Path(state.uri).name} at commit {state.commit.commit_id}"
