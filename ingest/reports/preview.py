"""What mining would make of some reports, shown in their own text; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.extractors.load import make_extractor
from ingest.grammar.sentences import split_sentences
from ingest.mention import Mention
from ingest.report import LeftOut, Reject, Report
from ingest.reports.ingest import open_sources
from ingest.reports.options import IngestOptions
from ingest.reports.rows import mined_sections
from ingest.scope.asked import Asked
from ingest.scope.left_out import Tally
from ingest.sources import Source
from kb.language.grammar.why import Why, why


@dataclass(frozen=True, slots=True)
class PreviewedReport:
    """One report with what was mined from it, or the reason why it could not be taken.

    `refused` says what an extractor stated of it that could not be taken.
    """

    report: Report | Reject | LeftOut
    mentions: tuple[Mention, ...] = ()
    mined: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON; each mention with its concept."""
        if isinstance(self.report, Reject | LeftOut):
            return asdict(self.report)
        return {
            "report_id": self.report.report_id,
            "sections": {section.name: section.text for section in self.report.sections},
            "mined": list(self.mined),
            "observations": [_as_row(mention) for mention in self.mentions],
            "refused": list(self.refused),
        }

    def whys(self) -> Iterator[tuple[str, Why]]:
        """Every sentence that was mined, with its section's name: its clauses, its cues and the rows behind them."""
        sections = self.report.sections if isinstance(self.report, Report) else ()
        for section in sections:
            if section.name in self.mined:
                for start, end in split_sentences(section.text):
                    yield section.name, why(section.text[start:end])


def preview(
    paths: Sequence[str | Path | Source],
    options: IngestOptions | None = None,
    *,
    count: int = 5,
    ids: Sequence[str] = (),
    left_out: Tally | None = None,
) -> Iterator[PreviewedReport]:
    """The first reports of some sources, mined.

    Args:
        paths: files or folders, or what `open_sources` made of them.
        options: how to read and mine.
        count: how many.
        ids: these reports instead of the first ones.
        left_out: counts what is passed over because nobody asked for it; what `ids` name is shown all the same.

    Raises:
        UsageError: a source, column, section or extractor is not there.
    """
    options = options or IngestOptions()
    extractor = make_extractor(options.extractor)
    wanted, left = set(ids), len(set(ids)) or count
    asked, left_out = Asked.of(options.scope, options.where), left_out if left_out is not None else Tally()
    for source in open_sources(paths, options):
        for item in map(asked.judge, source):
            if left <= 0:
                return
            if wanted and item.report_id not in wanted:
                continue
            if isinstance(item, LeftOut) and not wanted:
                left_out.add(item)
                continue
            left -= 1
            if isinstance(item, Reject | LeftOut):
                yield PreviewedReport(item)
                continue
            sections = mined_sections(item, options.sections)
            mined = tuple(section.name for section in sections)
            (found,) = extractor.extract([sections])
            refused = found.refused if found.failure is None else (*found.refused, found.failure)
            yield PreviewedReport(item, tuple(found.mentions), mined, refused)


def _as_row(mention: Mention) -> dict[str, Any]:
    fields = {name: getattr(mention, name) for name in _TOLD}
    fields["measurements"] = [asdict(measurement) for measurement in mention.measurements]
    return {**fields, "finding": mention.facets.finding, "concept": mention.facets.text, "spans": list(mention.spans)}


_TOLD = ("section", "text", "assertion", "certainty", "temporality", "laterality", "severity")
