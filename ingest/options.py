"""What an ingest of reports can be told, and what it tells when it is done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ingest.rows import DEFAULT_SECTIONS

if TYPE_CHECKING:
    from kb.commits import Commit


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How reports are read and mined; the defaults suit most sources.

    `workers` above 1 mines in that many processes. `remine` mines again what another extractor, version or
    choice of sections has mined before. `store_text` False keeps the section texts out of the knowledge
    base: the mentions' own words and spans stay.
    """

    source_format: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    max_chars: int = 1_000_000
    sections: tuple[str, ...] = DEFAULT_SECTIONS
    extractor: str = "rules"
    workers: int = 1
    remine: bool = False
    store_text: bool = True

    def settings(self) -> str:
        """What decides the stored rows: two runs with equal settings can go on from one another."""
        return repr({**asdict(self), "workers": None})


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What an ingest did. `commit` is None where it changed nothing, or only tried (`dry_run`).

    `unchanged` reports are stored as they are; `other_extractor` ones too, but were mined by another
    extractor, version or choice of sections; `repeated` ones stood twice in the sources, word for word.
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
    observations: int
    new_concepts: int
    embedded: int
    embeddings_computed: int
    mining_seconds: float
    seconds: float
    dry_run: bool
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "commit"}
        return {**said, "commit": self.commit.commit_id if self.commit else None}
