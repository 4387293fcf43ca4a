"""Statements on which two extractors differ, as rows of the `disputes` table."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from ingest.extractors.protocol import Differing
from ingest.mention import Mention
from kb.vocabulary.concept_rows import new_concept

OTHER_ASSERTION = "other assertion"

_SAID = ("sentence", "text", "assertion", "certainty", "temporality", "laterality", "severity")


def dispute_row(report_id: str, one: Differing, fingerprint: str) -> dict[str, Any]:
    """One row of the table, not decided on; the same statement read the same ways has the same id.

    Args:
        report_id: the report.
        one: how each of the two extractors reads the statement.
        fingerprint: of both, as it is stored with the report.
    """
    (section,) = {mention.section for mention in one.readings.values()}
    said = [report_id, section, *((name, m.spans, m.text, m.assertion) for name, m in one.readings.items())]
    return {
        "dispute_id": "D" + blake2b(json.dumps(said).encode(), digest_size=8).hexdigest(),
        "report_id": report_id,
        "section": section,
        "kind": OTHER_ASSERTION if len(one.readings) == 2 else f"only {next(iter(one.readings))}",
        "readings": [_reading(name, mention) for name, mention in one.readings.items()],
        "extractor": fingerprint,
    }


def _reading(name: str, mention: Mention) -> dict[str, Any]:
    return {
        "by": name,
        **{field: getattr(mention, field) for field in _SAID},
        "sentence_span": _span(mention.sentence_span),
        "spans": [_span(span) for span in mention.spans],
        "measurements": [asdict(measurement) for measurement in mention.measurements],
        "concept": json.dumps(new_concept(mention.facets, name.split("#")[0])),
    }


def _span(span: tuple[int, int]) -> dict[str, int]:
    return {"start": span[0], "end": span[1]}
