"""FHIR: bundles, bulk exports and folders, what a report refers to, where its text stands, and which version counts."""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import LeftOut, Reject, Report, Section
from ingest.sources import open_source
from kb.errors import ClearKbError, UsageError
from tests.support.exports import attached, bundle, fhir_report, ndjson

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"value": "other"}, {"type": {"coding": [{"code": "MR"}]}, "value": "MRN1"}],
}
STUDY = {
    "resourceType": "ImagingStudy",
    "id": "s1",
    "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.99.1"}],
    "modality": [{"code": "DX"}],
    "series": [{"modality": {"code": "DX"}, "bodySite": {"display": "Chest"}}],
}
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "o1",
    "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "ACC1"}],
    "code": {"text": "XR chest"},
}


def read(folder: Path, data: bytes, name: str = "export.json", **options: Any) -> list[Report | Reject | LeftOut]:
    path = folder / name
    path.write_bytes(data)
    source = open_source(path, **options)
    assert source.format == "fhir"
    return list(source)


def only(items: list[Report | Reject | LeftOut]) -> Report:
    [item] = items
    assert isinstance(item, Report), item
    return item


def sections(folder: Path, **values: Any) -> list[tuple[str, str]]:
    return [(one.name, one.text) for one in only(read(folder, ndjson([fhir_report("r1", **values)]))).sections]


REPORTS = [fhir_report("r1"), PATIENT, fhir_report("r2")]


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "data", "places"),
        [
            ("a.json", bundle(REPORTS), ["entry 1", "entry 3"]),
            ("a.json", bundle(REPORTS, indent=None), ["entry 1", "entry 3"]),
            ("a.json", bundle(REPORTS, "transaction"), ["entry 1", "entry 3"]),
            ("a", b"\xef\xbb\xbf" + bundle(REPORTS), ["entry 1", "entry 3"]),
            ("a.json.gz", gzip.compress(bundle(REPORTS)), ["entry 1", "entry 3"]),
            ("a.ndjson", ndjson(REPORTS), ["line 1", "line 3"]),
            ("a.jsonl", ndjson(REPORTS), ["line 1", "line 3"]),
            ("a.csv", ndjson(REPORTS), ["line 1", "line 3"]),
            (
                "a.ndjson",
                bundle(REPORTS, indent=None) + b"\n" + ndjson([PATIENT]),
                ["line 1, entry 1", "line 1, entry 3"],
            ),
            ("a.json", json.dumps(REPORTS).encode(), ["entry 1", "entry 3"]),
        ],
    )
    def test_bundles_and_bulk_exports_whatever_they_are_called(
        self, tmp_path: Path, name: str, data: bytes, places: list[str]
    ) -> None:
        assert [(i.report_id, i.position) for i in read(tmp_path, data, name)] == list(
            zip(["r1", "r2"], places, strict=True)
        )

    def test_a_single_resource(self, tmp_path: Path) -> None:
        assert only(read(tmp_path, json.dumps(fhir_report("r1"), indent=2).encode())).position == "the resource"

    def test_a_folder_whose_files_refer_to_each_other(self, tmp_path: Path) -> None:
        report = fhir_report("r1", subject={"reference": "Patient/p1"}, study=[{"reference": "ImagingStudy/s1"}])
        (tmp_path / "DiagnosticReport.000.ndjson").write_bytes(ndjson([report]))
        (tmp_path / "Patient.000.ndjson").write_bytes(ndjson([PATIENT]))
        (tmp_path / "ImagingStudy.000.ndjson").write_bytes(ndjson([STUDY]))
        source = open_source(tmp_path)
        found = only(list(source))
        assert (found.patient_id, found.study_id) == ("MRN1", "1.2.840.99.1")
        assert found.position == "DiagnosticReport.000.ndjson: line 1"
        assert source.done == source.size
        assert list(source) == [found]

    def test_a_broken_line_costs_itself(self, tmp_path: Path) -> None:
        items = read(tmp_path, b'{"resourceType": "Pati\n' + ndjson([fhir_report("r1")]) + b"[1]\n", "a.ndjson")
        assert [type(item) for item in items] == [Reject, Report, Reject]

    def test_a_bundle_that_is_cut_short(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="not JSON to its end: it is damaged after entry 2"):
            read(tmp_path, bundle(REPORTS)[:-200])

    def test_without_reports_it_says_what_is_there(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="holds no DiagnosticReport, but 2 Patient"):
            read(tmp_path, bundle([PATIENT, PATIENT]))

    def test_fhir_as_xml_is_refused_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "a.xml").write_text('<Bundle xmlns="http://hl7.org/fhir"><entry/></Bundle>')
        with pytest.raises(UsageError, match="FHIR as XML, which is not read"):
            open_source(tmp_path / "a.xml")

    @pytest.mark.soak
    def test_ten_thousand_resources_take_seconds(self, tmp_path: Path) -> None:
        started = time.monotonic()
        many = (fhir_report(f"r{n}", subject={"reference": "Patient/p1"}) for n in range(10_000))
        assert len(read(tmp_path, bundle([*many, PATIENT]))) == 10_000
        assert time.monotonic() - started < 40

    @settings(max_examples=60, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(["id", "status", "code", "subject", "text", "conclusion", "presentedForm", "imagingStudy",
                             "study", "basedOn", "category", "contained", "identifier", "issued", "meta", "bodySite"]),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
                lambda inner: st.one_of(
                    st.lists(inner, max_size=2),
                    st.dictionaries(
                        st.sampled_from(["reference", "coding", "code", "text", "div", "data", "contentType", "value"]),
                        inner,
                        max_size=3,
                    ),
                ),
                max_leaves=8,
            ),
        )
    )  # fmt: skip
    def test_whatever_stands_in_a_resource_it_gives_a_report_or_a_reject(self, values: dict[str, Any]) -> None:
        resource = {**values, "resourceType": "DiagnosticReport"}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.ndjson"
            path.write_bytes(ndjson([resource]))
            items = list(open_source(path, source_format="fhir"))
        assert items and all(isinstance(item, Report | Reject | LeftOut) for item in items)


class TestReferences:
    def found(self, folder: Path, *others: dict[str, Any], **values: Any) -> tuple[str | None, str | None]:
        report = only(read(folder, bundle([fhir_report("r1", **values), *others])))
        return report.patient_id, report.study_id

    def test_patient_and_study_of_the_bundle(self, tmp_path: Path) -> None:
        values = {
            "subject": {"reference": "https://hill.test/fhir/Patient/p1"},
            "imagingStudy": [{"reference": "ImagingStudy/s1/_history/2"}],
        }
        assert self.found(tmp_path, PATIENT, STUDY, **values) == ("MRN1", "1.2.840.99.1")

    def test_contained_ones(self, tmp_path: Path) -> None:
        values = {"contained": [{**PATIENT, "id": "c"}], "subject": {"reference": "#c"}}
        assert self.found(tmp_path, **values) == ("MRN1", None)

    def test_by_the_address_that_a_bundle_gives(self, tmp_path: Path) -> None:
        address = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
        entries = [
            {"resource": fhir_report("r1", subject={"reference": address})},
            {"fullUrl": address, "resource": {**PATIENT, "id": None}},
        ]
        data = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
        assert only(read(tmp_path, data)).patient_id == "MRN1"

    def test_the_accession_of_the_order_where_there_is_no_study(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, ORDER, basedOn=[{"reference": "ServiceRequest/o1"}]) == (None, "ACC1")

    def test_an_identifier_or_an_id_where_the_resource_is_not_there(self, tmp_path: Path) -> None:
        uid = {"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}}
        assert self.found(tmp_path, subject={"reference": "Patient/77"}, study=uid) == ("77", "1.2.3")

    def test_what_they_say_of_the_examination(self, tmp_path: Path) -> None:
        category = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}]
        code = {"coding": [{"system": "http://loinc.org", "code": "36643-5", "display": "XR Chest 2 Views"}]}
        values = {"category": category, "code": code, "study": [{"reference": "ImagingStudy/s1"}]}
        exam = only(read(tmp_path, bundle([fhir_report("r1", **values), STUDY]))).exam
        assert exam.modality == ("RAD", "RAD", "DX")
        assert (exam.procedure, exam.body_part) == (("XR Chest 2 Views",), ("Chest",))


class TestTexts:
    def test_the_attached_text_goes_before_the_narrative(self, tmp_path: Path) -> None:
        forms = [attached("<p>x</p>", "text/html"), attached("FINDINGS: Clear.\nIMPRESSION: Normal chest.")]
        narrative = {"status": "additional", "div": "<div>other</div>"}
        found = sections(tmp_path, presentedForm=forms, text=narrative, conclusion="Normal  chest.")
        assert found == [("findings", " Clear.\n"), ("impression", " Normal chest.")]

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            (attached("Größe".encode("latin-1"), "text/plain; charset=iso-8859-1"), "Größe"),
            (
                attached("<html><head><title>t</title></head><b>Clear</b>&nbsp;&amp; dry<br/>x</html>", "text/html"),
                "Clear & dry\nx",
            ),
            (attached(r"{\rtf1\ansi Clear\par lungs}", "application/rtf"), "Clear\nlungs"),
        ],
    )
    def test_kinds_of_documents(self, tmp_path: Path, form: dict[str, str], text: str) -> None:
        assert sections(tmp_path, presentedForm=[form], conclusion=None) == [("body", text)]

    def test_the_narrative_is_text_and_the_conclusion_its_impression(self, tmp_path: Path) -> None:
        div = '<div xmlns="http://www.w3.org/1999/xhtml"><h3>FINDINGS:</h3><ul><li>No &lt;5 mm nodule</li></ul></div>'
        found = sections(tmp_path, text={"status": "additional", "div": div}, conclusion="Normal.")
        assert found == [("findings", "\n\nNo <5 mm nodule"), ("impression", "Normal.")]

    def test_a_narrative_made_of_the_other_fields_is_not_read_beside_them(self, tmp_path: Path) -> None:
        made = {"status": "generated", "div": "<div>Report of Ada Roe, final</div>"}
        assert sections(tmp_path, text=made, conclusion="Edema.") == [("impression", "Edema.")]
        assert sections(tmp_path, text=made, conclusion=None) == [("body", "Report of Ada Roe, final")]
        full = {"status": "generated", "div": "<div>FINDINGS: Clear.</div>"}
        assert sections(tmp_path, text=full, conclusion="Edema.") == [("findings", " Clear."), ("impression", "Edema.")]

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            (
                {"presentedForm": [attached(b"%PDF-", "application/pdf")]},
                "a document of type application/pdf, which is not read",
            ),
            ({"presentedForm": [{"contentType": "text/plain", "url": "Binary/1"}]}, "lies elsewhere (at a URL)"),
            ({"presentedForm": [{"contentType": "text/plain", "data": "***"}]}, "a document that is not base64"),
            ({"presentedForm": [attached(b"\xff", "text/plain")]}, "a document that is not utf-8"),
            ({"result": [{"reference": "Observation/1"}]}, "its results (1 Observations) are not read"),
            ({}, "neither a document, nor a narrative, nor a conclusion"),
        ],
    )
    def test_why_there_is_no_text(self, tmp_path: Path, values: dict[str, Any], reason: str) -> None:
        [reject] = read(tmp_path, ndjson([fhir_report("r1", conclusion=None, **values)]))
        assert isinstance(reject, Reject) and reason in reject.reason and reject.report_id == "r1"

    def test_a_document_that_is_not_read_is_told_where_the_conclusion_is_all_there_is(self, tmp_path: Path) -> None:
        report, reject = read(
            tmp_path, ndjson([fhir_report("r1", presentedForm=[attached(b"%PDF", "application/pdf")])])
        )
        assert isinstance(report, Report) and report.sections == (Section("impression", "No pneumothorax."),)
        assert isinstance(reject, Reject) and reject.reason.startswith("its conclusion alone was taken")

    @pytest.mark.soak
    def test_hostile_markup_costs_no_time(self, tmp_path: Path) -> None:
        started = time.monotonic()
        for part in ("<!--", "<a ", "</", "<![", "&#", "<p>", "a"):
            read(tmp_path, ndjson([fhir_report("r1", text={"status": "additional", "div": f"<{part * 50_000}"})]))
        assert time.monotonic() - started < 20


class TestVersions:
    def test_the_amended_version_stands_wherever_it_does(self, tmp_path: Path) -> None:
        first = fhir_report("r1", issued="2026-01-01T10:00:00+02:00", conclusion="first")
        amended = fhir_report("r1", issued="2026-01-01T09:00:00Z", status="amended", conclusion="second")
        for order in ([first, amended], [amended, first]):
            items = read(tmp_path, ndjson(order))
            assert [i.sections[0].text for i in items if isinstance(i, Report)] == ["second"]
            assert [(i.why, i.report_id) for i in items if isinstance(i, LeftOut)] == [("replaced", "r1")]

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
    def test_what_is_withdrawn_is_left_out(self, tmp_path: Path, status: str) -> None:
        items = read(tmp_path, ndjson([fhir_report("r1"), fhir_report("r1", status=status)]))
        assert [type(item) for item in items] == [LeftOut, LeftOut]
        assert items[1] == LeftOut("line 2", "status", status, "r1")

    def test_what_a_transaction_deletes_is_withdrawn(self, tmp_path: Path) -> None:
        entries = [
            {"resource": fhir_report("r1")},
            {"request": {"method": "DELETE", "url": "DiagnosticReport/r1"}},
        ]
        items = read(tmp_path, json.dumps({"resourceType": "Bundle", "entry": entries}).encode())
        assert [(i.why, i.what) for i in items if isinstance(i, LeftOut)][1] == ("status", "deleted")

    def test_a_report_without_an_id_goes_by_its_identifier(self, tmp_path: Path) -> None:
        assert only(read(tmp_path, ndjson([fhir_report("x", id=None, identifier=[{"value": "N7"}])]))).report_id == "N7"
        [reject] = read(tmp_path, ndjson([fhir_report("x", id=None)]))
        assert isinstance(reject, Reject) and "neither an id nor an identifier" in reject.reason


def test_fields_can_be_asked_about(tmp_path: Path) -> None:
    report = only(read(tmp_path, ndjson([fhir_report("r1")]), fields=["status", "procedure"], mapping={"study": "id"}))
    assert dict(report.fields) == {"status": "final", "procedure": "XR chest PA and lateral"}
    assert report.study_id == "r1"
