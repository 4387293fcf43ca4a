"""Which column holds what: found by its usual names, or mapped by the user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ingest.report import Reject, Report, Section
from ingest.sections import split_sections
from kb.errors import UsageError

ID_NAMES = ("report_id", "reportid", "uid", "id", "accession", "accession_number", "study_id", "dicom_id", "note_id")
TEXT_NAMES = ("text", "report", "report_text", "reporttext", "full_report", "note", "note_text", "narrative", "content")
STUDY_NAMES = ("study_id", "studyid", "study", "study_instance_uid")
PATIENT_NAMES = ("patient_id", "patientid", "patient", "subject_id", "subjectid", "subject", "mrn")
SECTION_NAMES = {
    "findings": ("findings", "finding", "section_findings"),
    "impression": (
        "impression",
        "impressions",
        "conclusion",
        "conclusions",
        "opinion",
        "summary",
        "section_impression",
    ),
    "indication": (
        "indication",
        "indications",
        "history",
        "clinical_history",
        "clinical_information",
        "reason_for_exam",
    ),
    "comparison": ("comparison", "comparisons"),
    "technique": ("technique", "procedure"),
    "examination": ("examination", "exam", "study_description"),
    "recommendation": ("recommendation", "recommendations"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a table's reports are read from; `sections` maps a section's name to its column."""

    report_id: str
    text: str | None = None
    study: str | None = None
    patient: str | None = None
    sections: Mapping[str, str] = field(default_factory=dict)

    def used(self) -> set[str]:
        """The names of the columns that are read."""
        named = {self.report_id, self.text, self.study, self.patient, *self.sections.values()}
        return {name for name in named if name is not None}


def find_columns(names: Iterable[str], mapping: Mapping[str, str], where: str) -> Columns:
    """The columns of a table whose header is `names`.

    Args:
        names: the header.
        mapping: what the user mapped: "id", "text", "study", "patient" or a section's name, to a column.
        where: the table, for the message.

    Raises:
        UsageError: a mapped column is not there, or there is no id, or neither text nor sections.
    """
    names = list(names)
    by_norm = {_norm(name): name for name in reversed(names)}
    _check_mapping(names, mapping, where)

    def find(what: str, usual: Iterable[str]) -> str | None:
        return mapping.get(what) or next((by_norm[_norm(name)] for name in usual if _norm(name) in by_norm), None)

    text = find("text", TEXT_NAMES)
    asked = {what: column for what, column in mapping.items() if what not in ("id", "text", "study", "patient")}
    found = {section: find(section, usual) for section, usual in SECTION_NAMES.items()}
    sections = {**{section: column for section, column in found.items() if column}, **asked}
    report_id = find("id", ID_NAMES)
    listed = f"{where} has the columns {', '.join(names) or '(none)'}"
    if report_id is None:
        raise UsageError(f"no column of report ids: {listed}; name it with --map id=COLUMN")
    if text is None and not sections:
        raise UsageError(f"no column of report text: {listed}; name it with --map text=COLUMN")
    if "text" in mapping or not {"findings", "impression"} & set(sections):
        sections = {s: c for s, c in sections.items() if s in asked} if text else sections
    else:
        text = None
    study = find("study", STUDY_NAMES)
    return Columns(report_id, text, study, find("patient", PATIENT_NAMES), sections)


def report_from_row(row: Mapping[str, object], columns: Columns, position: str, max_chars: int) -> Report | Reject:
    """The report that a row holds, or why there is none; texts are taken exactly as they stand."""
    report_id = _text(row.get(columns.report_id)).strip()
    if not report_id:
        return Reject(position, f"no report id in column '{columns.report_id}'")
    sections = split_sections(_text(row.get(columns.text))) if columns.text is not None else ()
    sections += tuple(Section(name, _text(row.get(column))) for name, column in columns.sections.items())
    sections = tuple(section for section in sections if section.text.strip())
    reason = refusal(sections, max_chars)
    if reason is None and "\0" in report_id:
        reason = "NUL byte in the report id"
    if reason:
        return Reject(position, reason, report_id.replace("\0", "\\0"))
    study = _text(row.get(columns.study)).strip() if columns.study else ""
    patient = _text(row.get(columns.patient)).strip() if columns.patient else ""
    return Report(report_id, sections, position, study or None, patient or None)


def refusal(sections: tuple[Section, ...], max_chars: int) -> str | None:
    """Why a report of these sections cannot be taken; None where it can."""
    if not sections:
        return "no text"
    if any("\0" in section.text for section in sections):
        return "NUL byte in the text"
    length = sum(len(section.text) for section in sections)
    if length > max_chars:
        return f"{length:,} characters, over the limit of {max_chars:,} (--max-chars)"
    return None


def _check_mapping(names: list[str], mapping: Mapping[str, str], where: str) -> None:
    for what, column in mapping.items():
        if column not in names:
            raise UsageError(f"--map {what}={column}: {where} has no such column, but {', '.join(names) or '(none)'}")
        if not re.fullmatch(r"[a-z][a-z0-9 _-]*", what):
            raise UsageError(f"--map {what}={column}: map id, text, study, patient or a section's name in lower case")


def _norm(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).lower()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float) and value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
