"""Mined reports as rows of the `reports`, `observations` and `concepts` tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import pyarrow as pa

from ingest.mention import Mention
from ingest.report import Report, Section
from ingest.sources.sections import BODY
from kb.language.grammar.tokens import Span
from kb.language.measurements import Measurement
from schemas.tables import MEASUREMENT, OBSERVATIONS, SPAN

DEFAULT_SECTIONS = ("findings", "impression", "addendum")
"""What is mined unless the user names other sections."""


def content_hash(report: Report) -> str:
    """A hash of all that the source says of the report: where it differs, the report has changed."""
    digest = blake2b(digest_size=16)
    for part in (report.study_id or "", report.patient_id or ""):
        digest.update(part.encode() + b"\0")
    for section in report.sections:
        digest.update(section.name.encode() + b"\1" + section.text.encode(errors="surrogatepass") + b"\0")
    return digest.hexdigest()


def mined_sections(report: Report, wanted: Sequence[str]) -> list[Section]:
    """The sections of `report` that are to be mined, in order.

    A repeated one ("findings#2") counts as its name says. Text under no heading stands for findings that have
    no heading, and for everything where a report has none of the wanted sections.
    """
    named = {base_name(section) for section in report.sections} & set(wanted)
    with_body = not named or ("findings" in wanted and "findings" not in named)
    chosen = named | {BODY} if with_body else named
    return [section for section in report.sections if base_name(section) in chosen]


def base_name(section: Section) -> str:
    """The name of a section without the number of its repetition."""
    return section.name.split("#")[0]


def report_row(
    report: Report, source: str, digest: str, *, fingerprint: str, wanted: Sequence[str], store_text: bool
) -> dict[str, Any]:
    """One row of the `reports` table."""
    mined = {section.name for section in mined_sections(report, wanted)}
    return {
        "report_id": report.report_id,
        "study_id": report.study_id,
        "patient_id": report.patient_id,
        "source": source,
        "position": report.position,
        "content_hash": digest,
        "extractor": fingerprint,
        "sections": [
            {"name": s.name, "text": s.text if store_text else None, "mined": s.name in mined} for s in report.sections
        ],
    }


def observation_batch(mined: Iterable[tuple[str, Sequence[Mention]]], fingerprint: str) -> pa.RecordBatch:
    """The mentions of (report id, mentions) pairs as a batch of the `observations` table."""
    pairs = [(report_id, mention) for report_id, mentions in mined for mention in mentions]
    mentions = [mention for _, mention in pairs]
    derived = {
        "report_id": lambda: pa.array([report_id for report_id, _ in pairs], pa.string()),
        "sentence_span": lambda: _span_array([mention.sentence_span for mention in mentions]),
        "spans": lambda: _span_lists([mention.spans for mention in mentions]),
        "measurements": lambda: _measurement_lists([mention.measurements for mention in mentions]),
        "concept_id": lambda: pa.array([mention.facets.concept_id for mention in mentions], pa.string()),
        "extractor": lambda: pa.array([fingerprint] * len(pairs), pa.string()),
    }

    def column(field: pa.Field) -> pa.Array:
        if field.name in derived:
            return derived[field.name]()
        return pa.array([getattr(mention, field.name) for mention in mentions], field.type)

    schema = OBSERVATIONS.schema
    return pa.RecordBatch.from_arrays([column(field) for field in schema], schema=schema)


def _span_array(spans: Sequence[Span]) -> pa.StructArray:
    """Spans as an array of structs: column by column, for rows as dictionaries cost most of the mining's time."""
    starts, ends = [span[0] for span in spans], [span[1] for span in spans]
    return pa.StructArray.from_arrays([pa.array(starts, pa.int32()), pa.array(ends, pa.int32())], fields=list(SPAN))


def _span_lists(lists: Sequence[Sequence[Span]]) -> pa.ListArray:
    offsets = pa.array([0, *accumulate(map(len, lists))], pa.int32())
    return pa.ListArray.from_arrays(offsets, _span_array([span for spans in lists for span in spans]))


def _measurement_lists(lists: Sequence[Sequence[Measurement]]) -> pa.ListArray:
    flat = [measurement for measurements in lists for measurement in measurements]
    columns = [pa.array([one.value for one in flat], pa.float64()), pa.array([one.unit for one in flat], pa.string())]
    offsets = pa.array([0, *accumulate(map(len, lists))], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(columns, fields=list(MEASUREMENT)))
