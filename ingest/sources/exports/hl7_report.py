"""One order of an HL7 message as a report: its fields by plain names, and its observations as sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

from ingest.report import Section
from ingest.sources.exports.hl7_messages import Segment
from ingest.sources.exports.markup import document_text, from_base64, is_readable
from ingest.sources.sections import BODY, HEADINGS, number_repeats, section_name, split_sections

FIELDS = (
    *("id", "study", "patient", "accession", "placer_order", "filler_order", "placer_field", "study_uid"),
    *("modality", "procedure", "body_part", "status", "observed", "reported", "facility", "application"),
    *("patient_class", "location", "sex", "birth_date", "reason"),
)
"""What is told of every report, for a condition or in place of its id, study and patient."""

WITHDRAWN = {"X": "cancelled", "D": "deleted", "W": "entered-in-error"}
NOT_YET = {"O": "registered", "I": "registered", "S": "registered", "Y": "registered", "Z": "registered"}
TEXTS, NARRATIVES = frozenset(["TX", "FT", "ST", "ED"]), frozenset(["TX", "FT", "ED"])

_SUFFIXES = {"GDT": "findings", "IMP": "impression", "ADT": "addendum", "REC": "recommendation", "TCM": "notification"}
_LOINC = {
    "59776-5": "findings",
    "18782-3": "findings",
    "19005-8": "impression",
    "55110-1": "impression",
    "18783-0": "recommendation",
    "55115-0": "indication",
    "11329-0": "indication",
    "18834-2": "comparison",
    "55111-9": "technique",
    "55107-7": "addendum",
}
_UID = re.compile(r"[0-2](?:\.\d+){3,}")
_UID_CODES = frozenset(["113014", "110180"])


@dataclass(frozen=True)
class Group:
    """One order (OBR, or several of one number) with its observations, and what stands above it."""

    header: Segment
    patient: Segment | None
    visit: Segment | None
    common: Segment | None
    order: Segment
    observations: list[Segment] = field(default_factory=list)
    notes: list[Segment] = field(default_factory=list)
    study_uid: str = ""

    @property
    def report_id(self) -> str:
        """The filler's number of the order, else the placer's."""
        numbers = (self.order.part(3), self.common.part(3) if self.common else "", self.order.part(2))
        return next((number for number in numbers if number), self.common.part(2) if self.common else "")

    @property
    def time(self) -> str:
        """When this version was written."""
        return self.order.part(22) or self.header.part(7)

    def withdrawn(self) -> str | None:
        """What makes it no report: the status of the order, or of all its observations."""
        status = self.order.part(25).upper()
        if status in WITHDRAWN or (status in NOT_YET and not self.observations):
            return (WITHDRAWN | NOT_YET)[status]
        statuses = {observation.part(11).upper() for observation in self.observations}
        return WITHDRAWN[min(statuses)] if statuses and statuses <= WITHDRAWN.keys() else None


def groups_of(segments: list[Segment]) -> list[Group]:
    """The orders of a message; those of one number are one report."""
    above: dict[str, Segment | None] = dict.fromkeys(["PID", "PV1", "ORC"])
    groups: list[Group] = []
    uid = ""
    for segment in segments:
        if segment.name in above:
            above[segment.name] = segment
        elif segment.name == "ZDS":
            uid = segment.part(1)
        elif segment.name == "OBR":
            group = Group(segments[0], above["PID"], above["PV1"], above["ORC"], segment)
            above["ORC"] = None
            same = next((one for one in groups if one.report_id and one.report_id == group.report_id), None)
            groups.append(replace(group, observations=same.observations, notes=same.notes) if same else group)
        elif groups and segment.name == "OBX":
            groups[-1].observations.append(segment)
        elif groups and segment.name == "NTE":
            groups[-1].notes.append(segment)
    # Of orders with one number the last tells the status, and all share their observations.
    last = {group.report_id or str(at): group for at, group in enumerate(groups)}
    return [replace(group, study_uid=uid) for group in last.values()]


def row_of(group: Group, encoding: str) -> tuple[dict[str, object], tuple[Section, ...] | str]:
    """The fields of a report by `FIELDS`, and its sections, or why it has none."""
    order, patient, visit, header = group.order, group.patient, group.visit, group.header
    uid = group.study_uid or _study_uid(group.observations)
    accession = group.report_id
    row: dict[str, object] = {
        "id": group.report_id,
        "study": uid or accession,
        "patient": _patient_id(patient) if patient else "",
        "accession": accession,
        "placer_order": order.part(2) or (group.common.part(2) if group.common else ""),
        "filler_order": order.part(3) or (group.common.part(3) if group.common else ""),
        "placer_field": order.part(18),
        "study_uid": uid,
        "modality": order.part(24),
        "procedure": _coded(order, 4) or _coded(order, 44),
        "body_part": order.component(order.repetitions(15)[0], 4),
        "status": order.part(25),
        "observed": order.part(7),
        "reported": group.time,
        "facility": header.part(4),
        "application": header.part(3),
        "patient_class": visit.part(2) if visit else "",
        "location": visit.part(3) if visit else "",
        "sex": patient.part(8) if patient else "",
        "birth_date": patient.part(7) if patient else "",
        "reason": _coded(order, 31) or order.part(13),
    }
    return row, _sections(group, encoding)


def _patient_id(patient: Segment) -> str:
    """The medical record number where one is marked, else the first number."""
    numbers = patient.repetitions(3)
    marked = next((one for one in numbers if patient.component(one, 5).upper() == "MR"), numbers[0])
    return patient.component(marked, 1) or patient.part(2)


def _coded(segment: Segment, number: int) -> str:
    """A coded field in words: its texts, or its code where it has none."""
    texts = dict.fromkeys(segment.part(number, component) for component in (2, 5))
    return "; ".join(text for text in texts if text) or segment.part(number, 1)


def _study_uid(observations: list[Segment]) -> str:
    for one in observations:
        names = {one.part(3, 1), one.part(3, 1, 2), one.part(3, 2).lower()}
        if (names & _UID_CODES or "study instance uid" in names) and _UID.fullmatch(one.part(5)):
            return one.part(5)
    return ""


def _sections(group: Group, encoding: str) -> tuple[Section, ...] | str:
    """The report's sections: observations of one code are lines of one text, and a heading in it begins another."""
    taken = [one for one in group.observations if one.part(11).upper() not in WITHDRAWN]
    narrative = any(one.part(2).upper() in NARRATIVES for one in taken)
    lines: list[tuple[str, str]] = []
    refused: list[str] = []
    for one in taken:
        kind, name = one.part(2).upper(), _section_of(one)
        # Beside a narrative a short text without the code of a section is a dose, a name, a number.
        if kind not in TEXTS or (kind == "ST" and narrative and name == BODY) or _study_uid([one]):
            continue
        try:
            lines += [(name, text) for text in _values(one, kind, encoding)]
        except ValueError as error:
            refused.append(str(error))
    if not any(text.strip() for _, text in lines):
        lines = [(BODY, note.plain(line)) for note in group.notes for line in note.repetitions(3)]
    if not any(text.strip() for _, text in lines):
        kinds = sorted({one.part(2) or "(none)" for one in taken})
        why = refused[0] if refused else f"its observations are of type {', '.join(kinds)}" if kinds else "no OBX"
        return f"no text: {why}"
    return _joined(lines)


def _joined(lines: list[tuple[str, str]]) -> tuple[Section, ...]:
    sections: list[Section] = []
    for name, part in groupby(lines, key=lambda line: line[0]):
        found = split_sections("\n".join(text for _, text in part))
        sections += [Section(name, one.text) if one.name == BODY else one for one in found]
    names = number_repeats([section.name.split("#")[0] for section in sections])
    return tuple(Section(name, section.text) for name, section in zip(names, sections, strict=True))


def _section_of(observation: Segment) -> str:
    """The section that OBX-3 names, by a suffix, LOINC's code or a word; else the body."""
    code, suffix, text = observation.part(3, 1), observation.part(3, 1, 2).upper(), observation.part(3, 2)
    if suffix in _SUFFIXES or code.upper() in _SUFFIXES:
        return _SUFFIXES.get(suffix) or _SUFFIXES[code.upper()]
    if code in _LOINC:
        return _LOINC[code]
    return next((name for word in (text, code) if (name := section_name(word)) in HEADINGS), BODY)


def _values(observation: Segment, kind: str, encoding: str) -> Iterator[str]:
    """The lines that an observation tells; ValueError if it is a document that is not read."""
    for value in observation.repetitions(5):
        if kind == "ED":
            yield _document(observation, value, encoding)
        elif value != '""':
            yield observation.plain(value)


def _document(observation: Segment, value: str, encoding: str) -> str:
    """An encapsulated document: source, type, subtype, encoding, data."""
    kind, subtype = observation.component(value, 2).lower(), observation.component(value, 3).lower()
    types = (f"{kind}/{subtype}", subtype, kind) if subtype else (kind,)
    content_type = next((one for one in types if is_readable(one)), types[0])
    how = observation.component(value, 4).lower()
    data = value.split(observation.signs.component, 4)[-1]
    if how == "base64":
        return document_text(from_base64(data), content_type, encoding)
    if how == "hex":
        return document_text(bytes.fromhex(data), content_type, encoding)
    return document_text(observation.plain(data).encode(), content_type)
