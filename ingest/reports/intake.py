"""Intake: reads the sources, tells what is new from what is stored, and rejects what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ingest.grammar.language import NOT_ENGLISH
from ingest.report import REPLACED, LeftOut, Reject, Report
from ingest.reports.journal import Journal, Outcome
from ingest.reports.rows import content_hash
from ingest.scope.asked import Asked
from ingest.scope.left_out import Tally
from ingest.sources import Source
from kb.batched import batched
from kb.errors import ClearKbError
from kb.progress import Watcher


@dataclass(frozen=True, slots=True)
class Incoming:
    """A report that is to be mined, with what tells it from what is stored."""

    report: Report
    source: str
    content_hash: str
    outcome: Outcome


class RewrittenError(ClearKbError):
    """What an interrupted run of the same ingest has staged is not what its sources hold by now: it begins anew."""


@dataclass(kw_only=True)
class Intake:
    """Reads `sources` into chunks of reports to be mined, and counts what needs no mining.

    A report is known by its id and its content hash. One that is stored as it is needs nothing; one stored
    with another text replaces it; one that the same ingest has met before with another text is rejected,
    for nobody could say which of the two is right.
    """

    sources: Sequence[Source]
    journal: Journal
    fingerprint: str
    remine: bool
    watcher: Watcher
    asked: Asked = field(default_factory=Asked)
    left_out: Tally = field(default_factory=Tally)
    read: int = 0
    repeated: int = 0
    rejected: int = 0
    resumed: int = 0
    """Reports that an earlier, interrupted run of the same ingest has staged."""

    _met_again: int = 0
    _under_way: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def chunks(self, size: int) -> Iterator[list[Incoming]]:
        """The reports to be mined, `size` at a time."""
        return batched(self._incoming(), size)

    def settle(self, chunk: Sequence[Incoming]) -> None:
        """Forget `chunk`, now that the journal has it."""
        for incoming in chunk:
            self._under_way.pop(incoming.report.report_id, None)

    def give_up(self, incoming: Incoming, reason: str) -> None:
        """Reject a report that could not be mined: it is not stored, and the next ingest tries it again.

        One that is in another language now says nothing any more of what was mined of its older text: that goes.
        """
        self._under_way.pop(incoming.report.report_id, None)
        if reason.startswith(NOT_ENGLISH):
            self.journal.drop(incoming.report.report_id)
        self._reject(incoming.source, Reject(incoming.report.position, reason, incoming.report.report_id))

    def require_as_staged(self) -> None:
        """Refuse to go on with reports that an interrupted run staged and no source holds any more (RewrittenError)."""
        if self._met_again < self.resumed:
            raise RewrittenError(f"{self.resumed - self._met_again:,} reports that were staged are in no source now")

    def _incoming(self) -> Iterator[Incoming]:
        behind = 0
        self.watcher.stage("mining", sum(source.size for source in self.sources))
        for source in self.sources:
            for item in map(self.asked.judge, source):
                if isinstance(item, LeftOut):
                    self.left_out.add(self._told(item), source.name if len(self.sources) > 1 else "")
                elif isinstance(item, Reject):
                    self._reject(source.name, item)
                elif incoming := self._classify(item, source.name):
                    self._under_way[item.report_id] = (incoming.content_hash, source.name, item.position)
                    yield incoming
                self.read += not isinstance(item, Reject)
                self.watcher.advance(behind + source.done, self.read)
            behind += source.size

    def _told(self, item: LeftOut) -> LeftOut:
        """What is left out; that a report of this id is stored all the same is said, for it may have been withdrawn."""
        if item.why == REPLACED or item.report_id is None or self.journal.stored(item.report_id) is None:
            return item
        return replace(item, what=f"{item.what}, but stored by an earlier ingest")

    def _classify(self, report: Report, source: str) -> Incoming | None:
        digest = content_hash(report)
        met = self._under_way.get(report.report_id) or self.journal.seen(report.report_id)
        if met is not None:
            self._meet_again(report, source, digest, met)
            return None
        stored = self.journal.stored(report.report_id)
        if stored is None:
            return Incoming(report, source, digest, "new")
        if stored[0] != digest:
            return Incoming(report, source, digest, "changed")
        if stored[1] != self.fingerprint and self.remine:
            return Incoming(report, source, digest, "changed")
        outcome: Outcome = "unchanged" if stored[1] == self.fingerprint else "other extractor"
        self.journal.note_unchanged(report.report_id, digest, source, report.position, outcome)
        return None

    def _meet_again(self, report: Report, source: str, digest: str, met: tuple[str, str, str]) -> None:
        known_digest, known_source, known_position = met
        if self.resumed and (source, report.position) == (known_source, known_position):
            # Staged by an earlier, interrupted run of the same ingest; a folder is as old when a file in it changes.
            if digest != known_digest:
                raise RewrittenError("a report that was staged has another text now")
            self._met_again += 1
            return
        if digest == known_digest:
            self.repeated += 1
            return
        where = known_position if source == known_source else f"{known_position} of {known_source}"
        reason = f"report id '{report.report_id}' was met with another text at {where}; that one was taken"
        self._reject(source, Reject(report.position, reason, report.report_id))

    def _reject(self, source: str, reject: Reject) -> None:
        self.rejected += 1
        self.journal.reject(source, reject)
