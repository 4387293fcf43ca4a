"""A source whose reports come with hashed ids: what is plain stays behind here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ingest.report import LeftOut, Reject, Report
from ingest.sources.source import Source
from kb.privacy.id_key import IdKey


class HashedSource:
    """Another source, with the hashes of its ids and of the names of its files; see `Source`."""

    def __init__(self, source: Source, key: IdKey):
        self._source, self._key = source, key
        self.name = key.hash(source.name)
        self.format, self.size, self.unused_columns = source.format, source.size, source.unused_columns

    @property
    def done(self) -> int:
        """How far the other source is."""
        return self._source.done

    @done.setter
    def done(self, done: int) -> None:
        self._source.done = done

    def __iter__(self) -> Iterator[Report | Reject | LeftOut]:
        return map(self._hashed, self._source)

    def _hashed(self, item: Report | Reject | LeftOut) -> Report | Reject | LeftOut:
        key, position = self._key, self._key.position(item.position)
        if isinstance(item, Report):
            study, patient = key.of(item.study_id), key.of(item.patient_id)
            report = key.hash(item.report_id)
            return replace(item, report_id=report, position=position, study_id=study, patient_id=patient)
        if isinstance(item, Reject):
            reason = key.reason(item.reason)
            return replace(item, position=position, reason=reason, report_id=key.of(item.report_id))
        return replace(item, position=position, report_id=key.of(item.report_id))
