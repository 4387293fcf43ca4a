"""What the reports of one study state, as they state it: its sections, and every mention in them with its concept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kb.store.sqltext import literals
from kb.vocabulary.query import Tables, run_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One mention of a report of the study.

    Attributes:
        report_id: of which report.
        section: where it stands.
        sentence: the sentence, as it is written; None where texts are not stored.
        spans: where the mention's words are in that sentence.
        within: the same places in the text of the section.
        text: its words.
        assertion: present, absent or uncertain.
        certainty: how sure the reader was.
        temporality: how it stands against earlier studies.
        laterality: left, right, bilateral or none.
        severity: its word of size, or "".
        concept_id: of what; with its `concept` (text), `finding` and `status`.
        denied: whether the concept says that its finding is not there.
    """

    report_id: str
    section: str
    sentence: str | None
    spans: tuple[tuple[int, int], ...]
    within: tuple[tuple[int, int], ...]
    text: str
    assertion: str
    certainty: str
    temporality: str
    laterality: str
    severity: str
    concept_id: str
    concept: str
    finding: str
    status: str
    denied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """One report of a study: its sections in order (their text is None where texts are not stored)."""

    report_id: str
    source: str
    sections: tuple[tuple[str, str | None], ...]
    statements: tuple[Statement, ...]


def read_study_reports(state: Tables, study_id: str | None, patient_id: str | None = None) -> tuple[StudyReport, ...]:
    """The reports of one study with what they state; none where the study is not known.

    Args:
        state: where.
        study_id: of which study; None: of none.
        patient_id: of which patient, if anybody knows it: "study1" of two patients is two studies.
    """
    if study_id is None:
        return ()
    known = "" if patient_id is None else f" AND (patient_id IS NULL OR patient_id IN {literals([patient_id])})"
    reports = state.dataset("reports").to_table(filter=f"study_id IN {literals([study_id])}{known}")
    ids = sorted(reports["report_id"].to_pylist())
    if not ids:
        return ()
    mentions = state.dataset("observations").to_table(filter=f"report_id IN {literals(ids)}")
    rows = run_named(state, "study_statements", tables={"reports": reports, "observations": mentions})
    said = [_statement(row) for row in rows]
    return tuple(
        StudyReport(
            report_id=row["report_id"],
            source=row["source"],
            sections=tuple((section["name"], section["text"]) for section in row["sections"]),
            statements=tuple(one for one in said if one.report_id == row["report_id"]),
        )
        for row in sorted(reports.to_pylist(), key=lambda row: row["report_id"])
    )


def _statement(row: dict[str, Any]) -> Statement:
    start, end = row["sentence_span"]["start"], row["sentence_span"]["end"]
    text = row["section_text"]
    within = tuple((span["start"], span["end"]) for span in row["spans"])
    alike = ("report_id", "section", "text", "assertion", "certainty", "temporality", "laterality", "severity")
    return Statement(
        **{name: row[name] for name in (*alike, "concept_id", "concept", "finding", "status")},
        sentence=None if text is None else text[start:end],
        spans=tuple((first - start, last - start) for first, last in within),
        within=within,
        denied=row["concept_assertion"] == "absent",
    )
