"""One DiagnosticReport of FHIR (R4, R5) as a report: its fields by plain names, and its text as sections.

fhir.resources was tried: of nine resources with the slight faults that exports have (a date with a blank, a field of
one's own, an id with an underscore, R4's and R5's name of the study side by side) it refuses seven. So the JSON is read
as it is, and each value that is used is looked at for what it should be.
"""

from __future__ import annotations

from typing import Any

from ingest.report import Section
from ingest.sources.exports.fhir_files import DELETED
from ingest.sources.exports.fhir_references import References, as_list, codes, identifiers_of, text_at, words
from ingest.sources.exports.markup import LARGEST, READABLE, document_text, from_base64, is_readable, markup_text
from ingest.sources.sections import BODY, number_repeats, split_sections

FIELDS = (
    *("id", "study", "patient", "identifier", "accession", "study_uid", "status", "category", "modality", "procedure"),
    *("body_part", "effective", "issued", "performer", "subject"),
)
"""What is told of every report, for a condition or in place of its id, study and patient."""

WITHDRAWN = frozenset(["entered-in-error", "cancelled", "registered", DELETED])
"""States in which a report says nothing, or nothing any more."""


def row_of(report: dict[str, Any], references: References) -> dict[str, object]:
    """The fields of a report, by `FIELDS`."""
    studies = [*references.of(report.get("imagingStudy"), report), *references.of(report.get("study"), report)]
    orders = list(references.of(report.get("basedOn"), report))
    patients = list(references.of(report.get("subject"), report))
    own = identifiers_of(report)
    uid = _first(_ids(studies, "UID"))
    accession = _first([*_of_kind(own, "ACSN"), *_ids(studies, "ACSN"), *_ids(orders, "ACSN")])
    category = report.get("category")
    return {
        "id": text_at(report, "id") or _first([value for _, value in own]),
        "study": uid or accession or _first([one.get("local", "") for one in studies]),
        "patient": _first([*_ids(patients, "MR"), *_ids(patients, ""), *(one.get("local", "") for one in patients)]),
        "identifier": _first([value for _, value in own]),
        "accession": accession,
        "study_uid": uid,
        "status": text_at(report, "status"),
        "category": words(category),
        "modality": [*codes(category), *words(category), *_all(studies, "modality")],
        "procedure": _procedures(report, studies, orders),
        "body_part": [*words(report.get("bodySite")), *_all(studies, "body_part"), *_all(orders, "body_part")],
        "effective": text_at(report, "effectiveDateTime") or text_at(report.get("effectivePeriod"), "start"),
        "issued": text_at(report, "issued"),
        "performer": _first([text_at(one, "display") for one in as_list(report.get("performer"))]),
        "subject": text_at(report.get("subject"), "reference"),
    }


def is_withdrawn(report: dict[str, Any]) -> str | None:
    """The state that makes a resource no report, None if it is one."""
    status = text_at(report, "status").lower()
    return status if status in WITHDRAWN else None


def time_of(report: dict[str, Any]) -> str:
    """When this version was written."""
    return text_at(report, "issued") or text_at(report.get("meta"), "lastUpdated")


def sections_of(report: dict[str, Any], max_chars: int) -> tuple[tuple[Section, ...], str]:
    """The sections of a report, and what of it could not be read: where it has no text, why.

    The whole text is that of the attached document, or else the narrative. The conclusion is the impression, unless
    the whole text holds it already.
    """
    whole, refused = _document(report)
    conclusion = text_at(report, "conclusion")
    if not whole:
        narrative, why = _narrative(report, bool(conclusion), max_chars)
        whole, refused = narrative, [*refused, *why]
    if not whole.strip() and not conclusion:
        if results := len(as_list(report.get("result"))):
            refused = [*refused, f"its results ({results:,} Observations) are not read"]
        return (), f"no text: {'; '.join(refused) or 'neither a document, nor a narrative, nor a conclusion'}"
    sections = list(split_sections(whole)) if whole.strip() else []
    if conclusion and _plain(conclusion) not in _plain(whole):
        found = split_sections(conclusion)
        sections += [Section("impression", one.text) if one.name == BODY else one for one in found]
    names = number_repeats([section.name.split("#")[0] for section in sections])
    unread = f"its conclusion alone was taken: {'; '.join(refused)}" if refused and not whole.strip() else ""
    return tuple(Section(name, section.text) for name, section in zip(names, sections, strict=True)), unread


def _procedures(report: dict[str, Any], studies: list[dict[str, Any]], orders: list[dict[str, Any]]) -> list[str]:
    """What the report's code says; where that is a mere "Diagnostic imaging study", what study and order say too."""
    return list(dict.fromkeys([*words(report.get("code")), *_all(studies, "procedure"), *_all(orders, "procedure")]))


def _document(report: dict[str, Any]) -> tuple[str, list[str]]:
    """The text of the attached documents of the best type, and why others cannot be read."""
    forms = [one for one in as_list(report.get("presentedForm")) if isinstance(one, dict)]
    by_type: dict[int, list[str]] = {}
    refused: list[str] = []
    for form in forms:
        content_type = text_at(form, "contentType")
        try:
            if is_readable(content_type) and not form.get("data"):
                raise ValueError(f"a document that lies elsewhere ({'at a URL' if form.get('url') else 'no data'})")
            text = document_text(from_base64(text_at(form, "data")), content_type)
        except ValueError as error:
            refused.append(str(error))
        else:
            by_type.setdefault(READABLE.index(content_type.split(";")[0].strip().lower()), []).append(text)
    return ("\n\n".join(by_type[min(by_type)]) if by_type else ""), refused


def _narrative(report: dict[str, Any], has_conclusion: bool, max_chars: int) -> tuple[str, list[str]]:
    """The narrative as text; one that a server made of the other fields only where it has sections of its own."""
    narrative = report.get("text")
    div, status = text_at(narrative, "div"), text_at(narrative, "status")
    if not div or status == "empty":
        return "", []
    if len(div) > min(LARGEST, 4 * max_chars):
        return "", [f"a narrative of {len(div):,} characters, over the limit"]
    text = markup_text(div)
    observed = {section.name for section in split_sections(text)} & {"findings", "impression"}
    return ("" if status == "generated" and has_conclusion and not observed else text), []


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _first(values: list[str]) -> str:
    return next((value for value in values if value), "")


def _of_kind(identifiers: list[list[str]], kind: str) -> list[str]:
    return [value for found, value in identifiers if found == kind]


def _ids(told: list[dict[str, Any]], kind: str) -> list[str]:
    return [value for one in told for value in _of_kind(one.get("ids", []), kind)]


def _all(told: list[dict[str, Any]], what: str) -> list[str]:
    return list(dict.fromkeys(value for one in told for value in one.get(what, ())))
