"""The knowledge base as a person uses it: one state, and what can be asked of it and done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kb.curation.apply import read_changes
from kb.curation.change import Change
from kb.curation.curator import Curator
from kb.curation.diff import VocabularyDiff, diff_vocabularies
from kb.curation.disputes import Decided, Dispute, decide, read_disputes
from kb.curation.review.group_session import GroupSession
from kb.curation.review.groups import review_groups
from kb.curation.review.queue import Queue
from kb.curation.suggest.suggest import suggest
from kb.curation.suggest.suggestion import Suggestions
from kb.display import Listing, html_table
from kb.exchange.clear_bank import clear_bank
from kb.exchange.formats import ExportOptions, export_vocabulary, import_vocabulary
from kb.exchange.importing import ImportResult, import_records
from kb.exchange.prefixes import KNOWN, Prefixes
from kb.exchange.sssom import LICENSE
from kb.store.gc import GcResult, collect_garbage
from kb.store.keeping import set_retention
from kb.store.rejects import read_rejects
from kb.store.retention import Retention, read_retention
from kb.store.state import State
from kb.vectors.embedding.embedder import Embedder, EmbedderInfo
from kb.vectors.embedding.in_use import read_embedder, require_embedder
from kb.vectors.vector_index import VectorIndex, build_index, read_index
from kb.vectors.vector_storage import Stored, store_vectors
from kb.vocabulary.check import Problem, check
from kb.vocabulary.filters import Filters
from kb.vocabulary.search.hit import NEAR, SearchHits
from kb.vocabulary.search.search import search
from kb.vocabulary.status import Status, read_status
from kb.vocabulary.vocabulary import Vocabulary


class KnowledgeBase(State):
    """One consistent state of a knowledge base; reading it never sees a writer at work.

    Example:
        >>> import kb
        >>> base = kb.open("openi.kb")
        >>> base.vocabulary.get("Cd3f066a").text
        'small left pleural effusion'
        >>> base.status().reports
        10
    """

    @property
    def vocabulary(self) -> Vocabulary:
        """The concepts of this commit, to read."""
        return Vocabulary(self)

    @property
    def curate(self) -> Curator:
        """The acts of curation, on the newest commit: every one is a commit of its own."""
        return Curator(self)

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        assertion: str | None = None,
        status: str | None = None,
        laterality: str | None = None,
        findings: Sequence[str] | None = None,
        anatomy: str | None = None,
        severity: str | None = None,
        kind: str | None = None,
        source: str | None = None,
        min_count: int = 0,
        embedder: Embedder | None = None,
        words_only: bool = False,
        names: str | Path | None = None,
        least: float = NEAR,
    ) -> SearchHits:
        """The concepts that `query` means, best first; what is not near it is no hit.

        Args:
            query: an observation in plain words, lay or Latin ones too; a denied one ("no effusion") asks for the
                absent concept, and "not" leaves out ("left effusion, not loculated").
            k: how many at most.
            assertion: only "present" or only "absent" ones.
            status: only those of this status; default: the ones in use.
            laterality: only those of this side: "left", "right", "bilateral" or "none".
            findings: only those of these findings.
            anatomy: only those at a place that has these words ("lower lobe").
            severity: only those of this severity ("mild"); "none": of none.
            kind: only "finding", "device", "normal" or "other", as the lexicon says.
            source: only those that came from this source.
            min_count: only those mentioned at least so often.
            embedder: what embeds the query; default: the stored one, loaded for this call.
            words_only: leave the vectors out; needs no embedder, and is fast enough to type against.
            names: a table of other names of one's own, read after the one of this installation.
            least: the similarity from which a concept is a hit, 0 to 1.

        Raises:
            UsageError: the query is empty, k is below 1, a word is none of its field's, the embedder is another one, or
                the table of names cannot be read.

        Example:
            >>> [hit.text for hit in base.search("no fluid around the lungs", k=1, words_only=True)]
            ['no pleural effusion']
        """
        filters = Filters(
            assertion=assertion,
            status=status,
            laterality=laterality,
            findings=findings,
            anatomy=anatomy,
            severity=severity,
            kind=kind,
            source=source,
            min_count=min_count,
        )
        own = None if names is None else Path(names)
        return search(
            self, query, k=k, filters=filters, embedder=embedder, words_only=words_only, names=own, least=least
        )

    def suggest(
        self,
        kind: str = "duplicates",
        *,
        limit: int | None = None,
        min_score: float | None = None,
        max_mentions: int | None = None,
        candidates_only: bool = False,
        on_stage: Callable[[str], object] = lambda _: None,
    ) -> Suggestions:
        """What to curate: duplicates, synonyms, outliers or rare concepts, what matters most first.

        Args:
            kind: "duplicates", "synonyms", "outliers" or "rare".
            limit: how many at most; default: all, and of the rare ones 50.
            min_score: duplicates only: from which likeness on, 0 to 1; default 0.9.
            max_mentions: rare ones only: mentioned so often at most; default 1.
            candidates_only: outliers only: leave out what was accepted.
            on_stage: hears what is being done.

        Raises:
            UsageError: there is no such kind, an option is of another kind, or nothing is embedded that has to be.
        """
        return suggest(
            self,
            kind,
            limit=limit,
            min_score=min_score,
            max_mentions=max_mentions,
            candidates_only=candidates_only,
            on_stage=on_stage,
        )

    def review(
        self,
        queue: Queue = "unreviewed",
        *,
        filters: Filters | None = None,
        limit: int | None = None,
        since: str | None = None,
        by: str | None = None,
    ) -> GroupSession:
        """A review under way over a queue, group by group.

        Args:
            queue: "duplicates", "synonyms", "outliers", "rare", "new", "unreviewed" or "aside".
            filters: only groups with a concept that passes.
            limit: how many groups at most.
            since: the tag or commit that "new" counts from.
            by: who reviews; default: the login name.

        Raises:
            UsageError: there is no such queue, or "new" is not told since when.
        """
        groups = review_groups(self, queue, filters=filters, since=since, limit=limit)
        return GroupSession(state=self, groups=groups, by=by)

    def disputed(self, *, report_id: str | None = None, all_of_them: bool = False) -> Listing[Dispute]:
        """The statements that two extractors read differently, with both readings, and wait for a decision.

        Args:
            report_id: only those of this report.
            all_of_them: also those that were decided.
        """
        found = read_disputes(self, report_id=report_id, all_of_them=all_of_them)
        return Listing(found, ("dispute_id", "report_id", "kind", "sentence", "decision"))

    def decide(
        self, decisions: Mapping[str, str], *, by: str | None = None, why: str | None = None, dry_run: bool = False
    ) -> Decided:
        """Decide disputed statements, as one commit: the reading that is kept becomes an observation.

        Args:
            decisions: by the id of a statement, the name of the reading that is kept, "none", or "open", which takes a
                decision back.
            by: who.
            why: the reason.
            dry_run: say what would change, and write nothing.

        Raises:
            UsageError: there is no such statement, or no such reading of it; nothing is written.
        """
        return decide(self, decisions, by=by, why=why, dry_run=dry_run)

    def changes(self, concept_id: str | None = None) -> Listing[Change]:
        """The acts of curation up to this commit, oldest first.

        Args:
            concept_id: only those that touched this concept.
        """
        return Listing(read_changes(self, concept_id), ("change_id", "time", "line"))

    def diff(self, old: str, new: str = "HEAD") -> VocabularyDiff:
        """What differs in the vocabulary between two commits or tags.

        Args:
            old: the earlier one: a commit, a tag or a branch.
            new: the later one; default: the newest of this branch.

        Raises:
            UsageError: one of them names no commit.
        """
        return diff_vocabularies(self.at(old), self.at(new))

    def export_vocabulary(
        self,
        path: str | Path,
        named: str | None = None,
        *,
        vectors: bool = False,
        status: str | None = None,
        prefixes: Prefixes = KNOWN,
        license_iri: str = LICENSE,
    ) -> int:
        """Write the vocabulary to a file; says how many concepts (SSSOM: mappings) went out.

        Args:
            path: where to; its ending says the format.
            named: the format, if the ending does not say it: csv, jsonl, parquet, skos or sssom.
            vectors: put the embeddings into Parquet.
            status: only the concepts of one status; default: all but those that were put aside.
            prefixes: what ids stand for in RDF and SSSOM.
            license_iri: under which SSSOM mappings are given away.

        Raises:
            UsageError: the format is unknown, vectors are asked of one that has none, or a prefix is not known.
        """
        return export_vocabulary(self, Path(path), named, options=ExportOptions(vectors, status, prefixes, license_iri))

    def import_vocabulary(
        self,
        path: str | Path,
        named: str | None = None,
        *,
        prefixes: Prefixes = KNOWN,
        vectors: bool = True,
        stored_as: str | None = None,
        by: str | None = None,
        why: str | None = None,
        dry_run: bool = False,
        delete_missing: bool = False,
    ) -> ImportResult:
        """Take a vocabulary file in, as one commit, and one change that tells what became of known concepts.

        Args:
            path: the file; its ending says the format.
            named: the format, if the ending does not say it: csv, jsonl, parquet, skos or sssom.
            prefixes: what ids stand for in RDF and SSSOM.
            vectors: take the embeddings of a Parquet file in.
            stored_as: how vectors are stored: "float32" or "float16"; None keeps what the vocabulary has.
            by: who.
            why: the reason.
            dry_run: sort the records out, say what would happen, and write nothing.
            delete_missing: retire the concepts in use that the file no longer has.

        Raises:
            UsageError: the file or format is not there, the vectors are of another embedder, or a replacement leads
                nowhere.
        """
        return import_vocabulary(
            self,
            Path(path),
            named,
            prefixes=prefixes,
            vectors=vectors,
            stored_as=stored_as,
            by=by,
            why=why,
            dry_run=dry_run,
            delete_missing=delete_missing,
        )

    def import_clear(
        self,
        concepts: str | Path,
        embeddings: str | Path | None,
        *,
        embedder: str | None = None,
        query_prompt: str | None = None,
        verbatim: bool = False,
        stored_as: str | None = None,
        by: str | None = None,
        why: str | None = None,
        dry_run: bool = False,
    ) -> ImportResult:
        """Take the published bank in, as one commit: facets are read from its texts, vectors from its tensor.

        Args:
            concepts: the CSV file, of columns `concept_idx` and `concept`.
            embeddings: the file of the tensor, (rows, dimension); no code in it is run, and it is mapped into memory.
                None: the concepts come without vectors.
            embedder: the model that the tensor is of; default: the published one, if the dimension is its own.
            query_prompt: what stands before a query to that model; default: that of the published one.
            verbatim: each text is a concept of its own, as it stands; else texts that say the same are one, and only
                the first of them counts in projections.
            stored_as: how vectors are stored: "float32" or "float16".
            by: who.
            why: the reason.
            dry_run: say what would happen, and write nothing.

        Raises:
            UsageError: a file is not there or not what it should be, or the two do not fit together.
        """
        tensor = None if embeddings is None else Path(embeddings)
        incoming = clear_bank(Path(concepts), tensor, embedder, query_prompt=query_prompt, verbatim=verbatim)
        return import_records(self, incoming, stored_as=stored_as, by=by, why=why, dry_run=dry_run)

    def status(self) -> Status:
        """What this commit holds, in numbers."""
        return read_status(self)

    def check(self) -> Listing[Problem]:
        """Every breach of the rules that a sound knowledge base keeps, errors first."""
        return Listing(check(self), ("severity", "rule", "concept_id", "text", "detail"))

    def rejects(self) -> list[dict[str, Any]]:
        """The inputs that could not be taken: source, position, report_id, reason."""
        return read_rejects(self)

    @property
    def embedder(self) -> EmbedderInfo | None:
        """What the concepts of this commit were embedded with, or None if they were not yet."""
        return read_embedder(self)

    def require_embedder(self) -> EmbedderInfo:
        """What the concepts of this commit were embedded with; NotEmbeddedError if they were not yet."""
        return require_embedder(self)

    @property
    def vector_index(self) -> VectorIndex | None:
        """The index over the embeddings of this commit, with what was measured when it was built."""
        return read_index(self)

    def build_index(self, *, by: str | None = None, why: str | None = None) -> VectorIndex:
        """Build the vector index in place of any there is, and measure its recall, as one commit.

        Args:
            by: who.
            why: the reason.

        Raises:
            NotEmbeddedError: no concept has a vector yet.
        """
        return build_index(self, by=by, why=why)

    def store_vectors(self, stored_as: str, *, by: str | None = None, why: str | None = None) -> Stored:
        """Store the vectors in another type, as one commit; nothing is computed anew, earlier commits keep theirs.

        Args:
            stored_as: "float32" or "float16"; going to float16, the recall of the rounded vectors is measured.
            by: who.
            why: the reason.

        Raises:
            UsageError: the type is unknown, or nothing is embedded yet.
        """
        return store_vectors(self, stored_as, by=by, why=why)

    @property
    def retention(self) -> Retention:
        """How many commits stay readable beside those that always do."""
        return read_retention(self.commits.history())

    def keep(
        self,
        *,
        newest: int | None = None,
        days: int | None = None,
        by: str | None = None,
        why: str | None = None,
        dry_run: bool = False,
    ) -> Retention:
        """Settle which commits stay readable from now on, for all who write; what is not given stays as it was.

        Tagged commits, the newest of every branch, what a branch would be merged against, what runs and encoders were
        made of and what a reader at work holds stay always.

        Args:
            newest: how many of the newest commits.
            days: of how many days before today (UTC) the last commit of main.
            by: who.
            why: the reason.
            dry_run: write nothing.

        Raises:
            UsageError: `newest` is below 4, or `days` below 0.
        """
        return set_retention(self, newest=newest, days=days, by=by, why=why, dry_run=dry_run)

    def gc(
        self, *, keep: int | None = None, by: str | None = None, why: str | None = None, dry_run: bool = False
    ) -> GcResult:
        """Give back the storage that nothing names any more: files are gathered, unnamed versions dropped.

        Writers tidy up after themselves, so this is for what they leave: large files whose rows are mostly dead, and
        commits that could stay. A commit that is dropped stays in the log, but can no longer be read. In an object
        store nobody can see who reads and writes: what is younger than a day stays there.

        Args:
            keep: how many of the newest commits stay readable beside those that always do; default: what `retention`
                says.
            by: who, for the commit that gathers the files.
            why: the reason.
            dry_run: count what would be dropped, and touch nothing.

        Raises:
            ClearKbError: `keep` is below 1.
        """
        return collect_garbage(self, keep=keep, by=by, why=why, dry_run=dry_run)

    def _repr_html_(self) -> str:
        rows = [{"": name, "value": value} for name, value in self.status().facts()]
        return html_table(rows, ("", "value"))


def open(uri: str | Path, at: str | None = None, *, storage_options: Mapping[str, str] | None = None) -> KnowledgeBase:
    """Open the knowledge base at `uri`, at its newest commit or at the commit, tag or branch `at`.

    Args:
        uri: a folder, or an object-store address (`s3://bucket/path`).
        at: a commit's id or its first letters, a tag, a branch, or `HEAD~2`.
        storage_options: settings of the object store: endpoint, region, keys.

    Raises:
        NoKnowledgeBaseError: there is none.
        UsageError: `at` names no commit.

    Example:
        >>> import kb
        >>> kb.open("openi.kb", at="v1").commit.operation
        'ingest reports'
    """
    return KnowledgeBase.open(uri, at, storage_options)


def create(
    uri: str | Path,
    *,
    storage_options: Mapping[str, str] | None = None,
    by: str | None = None,
    why: str | None = None,
) -> KnowledgeBase:
    """Create an empty knowledge base at `uri`: a new folder, or an object-store address.

    Args:
        uri: a folder that is not there yet or empty, or an object-store address (`s3://bucket/path`).
        storage_options: settings of the object store: endpoint, region, keys.
        by: who; default: the login name.
        why: the reason, for the log.

    Raises:
        UsageError: one stands there already, or the folder holds other files.
    """
    return KnowledgeBase.create(uri, storage_options, by=by, why=why)
