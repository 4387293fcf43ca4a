"""A report around the mentions of a concept: its sections, and where in them the concept is mentioned."""

from __future__ import annotations

from dataclasses import dataclass

from kb.errors import UsageError
from kb.store.sqltext import literal
from kb.vocabulary.query import Tables, run_named

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionText:
    """One section of a report.

    Attributes:
        name: "findings", "impression", ...
        text: as it is written; None where report texts are not stored.
        spans: where in it the concept is mentioned.
        mined: whether observations were looked for in it.
    """

    name: str
    text: str | None
    spans: tuple[Span, ...]
    mined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportText:
    """A report as it was written, with the mentions of one concept."""

    report_id: str
    study_id: str | None
    patient_id: str | None
    source: str
    sections: tuple[SectionText, ...]


def read_report(state: Tables, report_id: str, concept_id: str) -> ReportText:
    """A report with the mentions of a concept in it.

    Raises:
        UsageError: there is no such report.
    """
    found = state.dataset("reports").to_table(filter=f"report_id = {literal(report_id)}", limit=1).to_pylist()
    if not found:
        raise UsageError(f"there is no report '{report_id}'")
    row = found[0]
    spans: dict[str, list[Span]] = {}
    for mention in run_named(state, "report_mentions", {"report_id": report_id, "concept_id": concept_id}):
        spans.setdefault(mention["section"], []).extend((one["start"], one["end"]) for one in mention["spans"])
    sections = [
        SectionText(
            name=section["name"],
            text=section["text"],
            spans=tuple(sorted(spans.get(section["name"], ()))),
            mined=section["mined"],
        )
        for section in row["sections"]
    ]
    return ReportText(
        report_id=row["report_id"],
        study_id=row["study_id"],
        patient_id=row["patient_id"],
        source=row["source"],
        sections=tuple(sections),
    )
