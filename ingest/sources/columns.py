"""Which column holds what: found by its usual names, or mapped by the user."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from ingest.identity.normal import patient_id, study_id
from ingest.report import Exam, Reject, Report, Section
from ingest.sources.cells import identifier, text_of, unstorable
from ingest.sources.sections import HEADINGS, number_repeats, split_sections
from kb.errors import UsageError

ID_NAMES = (
    *("report_id", "uid", "id", "accession", "accession_number", "accession_no", "study_id", "dicom_id", "note_id"),
    *("exam_id", "record_id"),
)
TEXT_NAMES = ("text", "report", "report_text", "full_report", "note", "note_text", "narrative", "content")
STUDY_NAMES = ("study_id", "study", "study_instance_uid")
PATIENT_NAMES = ("patient_id", "patient", "subject_id", "subject", "deid_patient_id", "mrn")
SECTION_NAMES = {
    "findings": ("findings", "finding"),
    "impression": ("impression", "impressions", "conclusion", "conclusions", "opinion", "summary"),
    "indication": (
        "indication",
        "indications",
        "history",
        "clinical_history",
        "clinical_information",
        "clinical_indication",
        "reason_for_exam",
    ),
    "comparison": ("comparison", "comparisons"),
    "technique": ("technique", "procedure"),
    "examination": ("examination", "exam", "study_description"),
    "recommendation": ("recommendation", "recommendations"),
}
EXAM_NAMES = {
    "modality": (
        "modality",
        "modality_code",
        "modality_type",
        "modalities_in_study",
        "modality_dicom",
        "imaging_modality",
    ),
    "procedure": (
        "procedure",
        "procedure_name",
        "procedure_description",
        "procedure_desc",
        "proc_desc",
        "procedure_code",
        "requested_procedure",
        "requested_procedure_description",
        "performed_procedure_step_description",
        "study_description",
        "study_name",
        "study_type",
        "exam",
        "exam_name",
        "exam_description",
        "exam_desc",
        "exam_type",
        "examination",
        "examination_type",
        "order_description",
        "order_name",
        "protocol_name",
        "untersuchung",
    ),
    "body_part": (
        "body_part",
        "body_part_examined",
        "body_part_examined_dicom",
        "body_region",
        "body_site",
        "anatomic_region",
        "anatomical_region",
        "region_examined",
    ),
}
"""What tells which examination a report is of; all columns of these names count."""

ROLES = ("id", "text", "study", "patient", *EXAM_NAMES)
SECTION_OF = {name: section for section, usual in SECTION_NAMES.items() for name in usual}
"""The section that a usual name stands for, for columns={'conclusion': ...}."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a table's reports are read from; `sections` maps a section's name to its column.

    `exam` holds the columns that tell of the examination, by what they tell, and `fields` those that a condition asks
    about, by the names that it has for them.
    """

    report_id: str
    text: str | None = None
    study: str | None = None
    patient: str | None = None
    sections: Mapping[str, str] = field(default_factory=dict)
    exam: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def used(self) -> set[str]:
        """The names of the columns that are read."""
        named = {self.report_id, self.text, self.study, self.patient, *self.sections.values(), *self.fields.values()}
        named.update(*self.exam.values())
        return {name for name in named if name is not None}


def find_columns(
    names: Iterable[str], mapping: Mapping[str, str], where: str, asked_about: Sequence[str] = ()
) -> Columns:
    """The columns of a table whose header is `names`.

    Where there are columns of findings or impression, a column of the whole text is left aside, unless it is
    mapped. Two columns of one section (impression and conclusion) are both taken, the second as "impression#2".

    Args:
        names: the header.
        mapping: what the user mapped: one of `ROLES` or a section's name, to a column.
        where: the table, for the message.
        asked_about: the columns that a condition asks about.

    Raises:
        UsageError: a mapped column is not there, a column to read stands there twice, or there is no id, or
            neither text nor sections.
    """
    names = list(names)
    mapped = {what: _mapped(what, column, names, where) for what, column in _known_keys(mapping).items()}
    listed = f"{where} has the columns {', '.join(names) or '(none)'}"
    report_id = mapped.get("id") or _first(names, ID_NAMES)
    if report_id is None:
        raise UsageError(f"no column of report ids: {listed}; name it in columns as 'id'", parameter="columns.id")
    text = mapped.get("text") or _first(names, TEXT_NAMES)
    asked = {what: column for what, column in mapped.items() if what not in ROLES}
    sections = {**_sections(names, exclude=set(asked)), **asked}
    if text is None and not sections:
        raise UsageError(f"no column of report text: {listed}; name it in columns as 'text'", parameter="columns.text")
    if text is not None and ("text" in mapped or not {"findings", "impression"} & set(sections)):
        sections = asked
    else:
        text = None
    study, patient = mapped.get("study") or _first(names, STUDY_NAMES), mapped.get("patient")
    exam = {what: (mapped[what],) if what in mapped else _all(names, usual) for what, usual in EXAM_NAMES.items()}
    exam = {what: columns for what, columns in exam.items() if columns}
    fields = find_fields(names, asked_about, where)
    columns = Columns(
        report_id=report_id,
        text=text,
        study=study,
        patient=patient or _first(names, PATIENT_NAMES),
        sections=sections,
        exam=exam,
        fields=fields,
    )
    twice = sorted(name for name, count in Counter(names).items() if count > 1 and name in columns.used())
    if twice:
        raise UsageError(f"{where} has two columns named {', '.join(twice)}: rename one")
    return columns


def find_fields(names: Sequence[str], asked_about: Sequence[str], where: str) -> dict[str, str]:
    """The column for each name in a condition; UsageError, with the nearest names, where there is none."""
    return {name: _mapped("the condition", name, names, where) for name in asked_about}


def exam_of(row: Mapping[str, object], columns: Mapping[str, Sequence[str]]) -> Exam:
    """What a row tells of the examination."""
    return Exam(**{what: tuple(_told(row.get(column) for column in named)) for what, named in columns.items()})


def _told(values: Iterable[object]) -> Iterator[str]:
    """Cells as words, those of lists one by one; what is no text says nothing."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _told(value)
        elif value is not None and value == value and not isinstance(value, dict | bytes) and str(value).strip():
            yield str(value).strip()


def with_late_sections(columns: Columns, names: Iterable[str]) -> Columns:
    """`columns` and those of `names` that are usual names of sections: JSON objects may bring new keys late."""
    if columns.text is not None:
        return columns
    used = columns.used()
    late = [name for name in names if name not in used and plain_column(name) in _SECTION_BY_NORM]
    if not late:
        return columns
    met = [section.split("#")[0] for section in columns.sections]
    numbered = number_repeats([*met, *(_SECTION_BY_NORM[plain_column(name)] for name in late)])[len(met) :]
    return replace(columns, sections={**columns.sections, **dict(zip(numbered, late, strict=True))})


def report_from_row(
    row: Mapping[str, object],
    columns: Columns,
    position: str,
    *,
    max_chars: int,
    sections: tuple[Section, ...] | None = None,
) -> Report | Reject:
    """The report that a row holds, or why there is none; texts are taken exactly as they stand.

    `sections` are the report's, where they do not stand in columns.
    """
    report_id = None
    try:
        report_id = identifier(row, columns.report_id)
        study, patient = study_id(identifier(row, columns.study)), patient_id(identifier(row, columns.patient))
        whole = text_of(row, columns.text) if columns.text is not None else ""
        parts = [Section(name, text_of(row, column)) for name, column in columns.sections.items()]
    except ValueError as error:
        return Reject(position, str(error), report_id)
    if report_id is None:
        return Reject(position, f"no report id in column '{columns.report_id}'")
    # A text that is too long is refused before any time goes into its headings.
    reason = refusal((Section("text", whole), *parts, *(sections or ())), max_chars)
    if reason:
        return Reject(position, reason, report_id)
    if sections is None:
        told = (section for section in parts if section.text.strip())
        sections = (*(split_sections(whole) if whole else ()), *told)
    exam = exam_of(row, columns.exam) if columns.exam else Exam()
    asked = {name: _scalar(row.get(column)) for name, column in columns.fields.items()}
    return Report(report_id, sections, position, study_id=study, patient_id=patient, exam=exam, fields=asked)


def _scalar(value: object) -> object:
    """A cell that a condition can compare: a list is its elements with semicolons between."""
    return "; ".join(_told([value])) if isinstance(value, list) else value


def refusal(sections: tuple[Section, ...], max_chars: int) -> str | None:
    """Why a report of these sections cannot be taken; None if it can."""
    if not any(section.text.strip() for section in sections):
        return "no text"
    length = sum(len(section.text) for section in sections)
    if length > max_chars:
        return f"{length:,} characters, over the limit of {max_chars:,} (max_chars)"
    return next((reason for section in sections if (reason := unstorable(section.text, "the text"))), None)


def _known_keys(mapping: Mapping[str, str]) -> dict[str, str]:
    for what in mapping:
        if what not in ROLES and what not in SECTION_OF and what not in HEADINGS:
            known = ", ".join([*ROLES, *HEADINGS])
            raise UsageError(f"columns: there is no '{what}'; choose one of {known}")
    return {what if what in ROLES else SECTION_OF.get(what, what): column for what, column in mapping.items()}


def _mapped(what: str, column: str, names: Sequence[str], where: str) -> str:
    """The column that the user means: as it is written, or the only one that differs in case or spaces alone."""
    alike = [name for name in dict.fromkeys(names) if plain_column(name) == plain_column(column)]
    if column in names:
        return column
    if len(alike) == 1:
        return alike[0]
    if what == "the condition":
        by_case = {name.lower(): name for name in names}
        shown = [by_case[name] for name in get_close_matches(column.lower(), by_case, 3)] or names
        raise UsageError(f"the condition asks about '{column}': {where} has no such column, but {', '.join(shown)}")
    raise UsageError(f"columns: '{column}' for '{what}': {where} has no such column, but {', '.join(names) or 'none'}")


def _first(names: list[str], usual: Iterable[str]) -> str | None:
    by_norm = {plain_column(name): name for name in reversed(names)}
    return next((by_norm[plain_column(name)] for name in usual if plain_column(name) in by_norm), None)


def _all(names: list[str], usual: Iterable[str]) -> tuple[str, ...]:
    wanted = {plain_column(name) for name in usual}
    return tuple(name for name in dict.fromkeys(names) if plain_column(name) in wanted)


def _sections(names: list[str], exclude: set[str]) -> dict[str, str]:
    """The columns of sections in the order of the header, by the section's name."""
    # Of the same name twice one is kept here, and refused by the caller.
    columns = [
        name for name in dict.fromkeys(names) if _SECTION_BY_NORM.get(plain_column(name)) not in (None, *exclude)
    ]
    return dict(zip(number_repeats([_SECTION_BY_NORM[plain_column(name)] for name in columns]), columns, strict=True))


def plain_column(name: str) -> str:
    """The name without case, spaces and signs, nor the "section" that some tables put before it."""
    return re.sub(r"[\s_\-.]+", "", name).lower().removeprefix("section")


_SECTION_BY_NORM = {plain_column(name): section for section, usual in SECTION_NAMES.items() for name in usual}
