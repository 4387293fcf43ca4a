"""What an ingest of reports can be told, and what it tells when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ingest.extractors.estimate import Estimate
from ingest.extractors.usage import Usage
from ingest.reports.rows import DEFAULT_SECTIONS
from ingest.scope.left_out import LeftOutCount
from kb.privacy.id_key import IdKey
from kb.store.commits import Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorOptions:
    """Which extractor mines, and how.

    Args:
        name: rules, scispacy or llm.
        model: for scispacy, a spaCy model by its name or folder; for llm, MODEL@URL of the endpoint.
        concurrency: requests to the endpoint that are under way at once.
        timeout_s: seconds after which a request is given up, and tried again.
        max_retries: how often a request that met 429, 5xx or silence is tried again, each time later.
        max_tokens: the longest answer.
        seed: what the endpoint is asked to draw with.
        prompt: a file with instructions in place of ours.
        price: of a million tokens, in and out: the cost is shown with it.
        dialect: how the endpoint is asked: openai, vllm, ollama, or auto, which finds out.
        batch: reports in one request; what its answer is no use for is asked about by itself.
        second: another extractor, for a second opinion: what both find is kept, what differs waits for a decision.
        keep_identifiers: mine the texts as they are; else names, dates, places and numbers of people are taken out of
            them first, so that they become neither mentions nor concepts, and no model is sent them.
    """

    name: str = "rules"
    model: str | None = None
    concurrency: int = 8
    timeout_s: float = 120.0
    max_retries: int = 6
    max_tokens: int = 4_096
    seed: int = 0
    prompt: str | None = None
    price: tuple[float, float] | None = None
    dialect: str = "auto"
    batch: int = 1
    second: ExtractorOptions | None = None
    keep_identifiers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """How reports are read and mined; the defaults suit most sources.

    `workers` above 1 mines in that many processes. `remine` mines again what another extractor, version or
    choice of sections has mined before. `store_text` False keeps the section texts out of the knowledge
    base: a mention keeps its spans, and of words those of its concept alone. `scope` "chest" leaves out what is no
    chest radiograph or chest CT, "all" nothing; `where` is a condition over the columns of the sources ("modality =
    'CT' AND age > 60"). With a `key` its hashes are stored in the place of ids and names of files.
    """

    source_format: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    max_chars: int = 1_000_000
    sections: tuple[str, ...] = DEFAULT_SECTIONS
    extractor: ExtractorOptions = ExtractorOptions()
    workers: int = 1
    remine: bool = False
    store_text: bool = True
    scope: str = "chest"
    where: str | None = None
    key: IdKey | None = None

    def settings(self) -> str:
        """What decides the stored rows: two runs with equal settings can go on from one another.

        The extractor is left out: its fingerprint says all of it that counts.
        """
        return repr({**asdict(self), "workers": None, "extractor": None, "key": self.key and self.key.tag})


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What an ingest did. `commit` is None if it changed nothing, or only tried (`dry_run`).

    `unchanged` reports are stored as they are; `other_extractor` ones too, but were mined by another
    extractor, version or choice of sections; `repeated` ones stood twice in the sources, word for word.
    `left_out` tells how many of those read were not asked for, by the reason.
    `refused` statements of an extractor were not taken: the rejects say why. Of the rejected, `languages` counts those
    that the extractor cannot read, by language; `foreign_sentences` what was left out of reports that were mined;
    `dropped` reports were stored, and are in another language now. `usage` is what the mining cost. With a second
    opinion `opinions` tells how many statements both extractors find, and how many wait for a decision, by the kind of
    difference; "decided before" of these were decided in an earlier ingest of the same words. A dry run asks no
    language model: `estimate` is what that would come to, and nothing was mined. Of the new
    concepts, `put_aside` are no well-formed observation; `taken_in` stood aside, and are well formed by now.
    """

    sources: tuple[str, ...]
    unused_columns: tuple[str, ...]
    read: int
    new: int
    changed: int
    unchanged: int
    other_extractor: int
    repeated: int
    rejected: int
    left_out: tuple[LeftOutCount, ...]
    observations: int
    refused: int
    new_concepts: int
    embedded: int
    embeddings_computed: int
    mining_seconds: float
    seconds: float
    dry_run: bool
    commit: Commit | None
    languages: Mapping[str, int] = field(default_factory=dict)
    foreign_sentences: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    opinions: Mapping[str, int] = field(default_factory=dict)
    put_aside: int = 0
    taken_in: int = 0
    usage: Usage | None = None
    estimate: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        own = ("commit", "usage", "estimate")
        said = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in own}
        said["left_out"] = [one.to_dict() for one in self.left_out]
        usage = self.usage.to_dict() if self.usage else None
        estimate = self.estimate.to_dict() if self.estimate else None
        commit = self.commit.commit_id if self.commit else None
        return {**said, "commit": commit, "usage": usage, "estimate": estimate}
