"""HL7 version 2: frames, batches and line ends, the orders of a message, what their observations say, and versions."""

from __future__ import annotations

import base64
import gzip
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.report import LeftOut, Reject, Report, Section
from ingest.sources import open_source
from ingest.sources.exports.hl7_messages import Signs, unescape
from kb.errors import ClearKbError, UsageError
from tests.support.exports import hl7_message, hl7_report

ONE = hl7_message(*hl7_report("A1", "OBX|1|TX|&GDT||Small effusion.||||||F"))


def read(folder: Path, data: bytes | str, name: str = "day.hl7", **options: object) -> list[Report | Reject | LeftOut]:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    source = open_source(path, **options)  # type: ignore[arg-type]
    assert source.format == "hl7"
    return list(source)


def only(items: list[Report | Reject | LeftOut]) -> Report:
    [item] = items
    assert isinstance(item, Report), item
    return item


def sections(folder: Path, *observations: str) -> list[tuple[str, str]]:
    report = only(read(folder, hl7_message(*hl7_report("A1", *observations))))
    return [(section.name, section.text) for section in report.sections]


class TestFraming:
    def test_one_message(self, tmp_path: Path) -> None:
        report = only(read(tmp_path, ONE))
        assert (report.report_id, report.study_id, report.patient_id) == ("A1", "A1", "M7")
        assert report.sections == (Section("findings", "Small effusion."),)
        assert report.exam.modality == ("CR",) and report.exam.procedure == ("XR CHEST",)
        assert report.position == "message 1"

    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
    @pytest.mark.parametrize(
        ("before", "after"), [("", ""), ("\x0b", "\x1c\r"), ("FHS|^~\\&\rBHS|^~\\&\r", "BTS|1\rFTS|1\r")]
    )
    def test_frames_batches_and_line_ends(self, tmp_path: Path, end: str, before: str, after: str) -> None:
        messages = [hl7_message(*hl7_report(f"A{n}", f"OBX|1|TX|&GDT||text {n}||||||F"), end=end) for n in range(3)]
        items = read(tmp_path, "".join(before + message + after for message in messages))
        assert [(i.report_id, i.position) for i in items] == [(f"A{n}", f"message {n + 1}") for n in range(3)]

    def test_it_is_known_by_how_it_begins(self, tmp_path: Path) -> None:
        for name in ("day", "day.txt", "day.csv", "day.dat.gz"):
            data = gzip.compress(ONE.encode()) if name.endswith("gz") else ONE.encode()
            assert only(read(tmp_path, data, name)).report_id == "A1"

    def test_a_folder_of_messages(self, tmp_path: Path) -> None:
        for number in range(2):
            (tmp_path / f"{number}.txt").write_text(hl7_message(*hl7_report(f"A{number}", "OBX|1|TX|&GDT||x||||||F")))
        source = open_source(tmp_path)
        assert source.format == "hl7"
        assert [item.position for item in source] == ["0.txt: message 1", "1.txt: message 1"]
        assert source.done == source.size

    def test_a_bare_line_feed_in_a_text_does_not_end_the_segment(self, tmp_path: Path) -> None:
        assert sections(tmp_path, "OBX|1|TX|&GDT||One.\nCXR of today.||||||F") == [("findings", "One.\nCXR of today.")]

    @settings(max_examples=80, deadline=None)
    @given(
        st.lists(st.text(st.sampled_from("aZ ^&~\\|#.\nOBXMSH"), max_size=20), min_size=1, max_size=5),
        st.sampled_from([("\x0b", "\x1c\r"), ("", "")]),
        st.sampled_from(["\r", "\n", "\r\n"]),
    )
    def test_any_text_comes_back_from_escapes_frames_and_line_ends(
        self, texts: list[str], frame: tuple[str, str], end: str
    ) -> None:
        written = [f"x{text}x" for text in texts]
        messages = "".join(
            frame[0] + hl7_message(*hl7_report(f"A{n}", f"OBX|1|FT|99||{escaped(text)}||||||F"), end=end) + frame[1]
            for n, text in enumerate(written)
        )
        with tempfile.TemporaryDirectory() as folder:
            items = read(Path(folder), messages)
        assert [item.sections[0].text for item in items if isinstance(item, Report)] == written

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200), st.booleans())
    def test_any_bytes_give_reports_rejects_or_a_clear_error(self, data: bytes, headed: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "r.hl7"
            path.write_bytes((ONE.encode() if headed else b"") + data)
            try:
                items = list(open_source(path, source_format="hl7"))
            except ClearKbError:
                return
        assert all(isinstance(item, Report | Reject | LeftOut) for item in items)


def escaped(text: str) -> str:
    by_sign = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\"}
    return "".join(by_sign.get(sign, sign) for sign in text)


class TestEscapes:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (r"a\.br\b", "a\nb"),
            (r"a\.sp2\b\.sp\c", "a\n\nb\nc"),
            (r"A\T\E\S\F\E\G", "A&E^F\\G"),
            (r"a\X0A\b\X0D0A\c", "a\nb\nc"),
            (r"\H\bold\N\ text", "bold text"),
            (r"caf\XC3A9\ ", "café "),
            (r"\.in+4\a\.sk3\b", "a   b"),
            (r"\E\.br\E\ ", "\\.br\\ "),
            (r"a lone \ stays, C:\Cases\old too", r"a lone \ stays, C:\Cases\old too"),
            (r"\.sp999\ ", "\n" * 20 + " "),
        ],
    )
    def test_an_escape_is_what_it_stands_for(self, value: str, text: str) -> None:
        assert unescape(value, Signs()) == text

    def test_other_signs_than_the_usual_ones(self, tmp_path: Path) -> None:
        message = (
            ONE.replace("|", "#").replace("^~\\&", "*!$@").replace("^", "*").replace("&GDT", "@GDT").replace("~", "!")
        )
        message = message.replace("Small effusion.", "Small$T$large$.br$2 cm | ^")
        assert only(read(tmp_path, message, source_format="hl7")).sections[0].text == "Small@large\n2 cm | ^"


class TestObservations:
    def test_lines_of_one_code_are_one_text(self, tmp_path: Path) -> None:
        found = sections(
            tmp_path,
            "OBX|1|TX|1&GDT||Line one.~Line two.||||||F",
            "OBX|2|TX|1&GDT||||||||F",
            "OBX|3|TX|1&GDT||Line three.||||||F",
            "OBX|4|TX|1&IMP||Effusion.||||||F",
            "OBX|5|TX|1&ADT||Called.||||||F",
        )
        assert found == [
            ("findings", "Line one.\nLine two.\n\nLine three."),
            ("impression", "Effusion."),
            ("addendum", "Called."),
        ]

    @pytest.mark.parametrize(
        ("code", "name"),
        [
            ("IMPRESSION", "impression"),
            ("X^Findings^L", "findings"),
            ("19005-8^Imaging study impression^LN", "impression"),
            ("GDT", "findings"),
            ("99^Text", "body"),
        ],
    )
    def test_the_section_is_told_by_a_suffix_a_number_or_a_word(self, tmp_path: Path, code: str, name: str) -> None:
        assert sections(tmp_path, f"OBX|1|TX|{code}||x||||||F") == [(name, "x")]

    def test_headings_in_the_text_begin_sections(self, tmp_path: Path) -> None:
        lines = ["HISTORY: cough", "FINDINGS:", "Clear.", "IMPRESSION: Normal."]
        found = sections(tmp_path, *(f"OBX|{n}|TX|&GDT||{line}||||||F" for n, line in enumerate(lines)))
        assert [name for name, _ in found] == ["indication", "findings", "impression"]

    def test_beside_a_narrative_short_values_are_no_text(self, tmp_path: Path) -> None:
        found = sections(
            tmp_path, "OBX|1|ST|DOSE^Dose||5 mSv||||||F", "OBX|2|NM|7||3||||||F", "OBX|3|FT|1||Clear.||||||F"
        )
        assert found == [("body", "Clear.")]
        assert sections(tmp_path, "OBX|1|ST|1||Clear.||||||F") == [("body", "Clear.")]

    def test_withdrawn_observations_are_no_text(self, tmp_path: Path) -> None:
        found = sections(tmp_path, "OBX|1|TX|&GDT||Wrong side.||||||W", "OBX|2|TX|&GDT||Right.||||||C")
        assert found == [("findings", "Right.")]

    def test_notes_are_the_text_where_there_is_no_other(self, tmp_path: Path) -> None:
        assert sections(tmp_path, "NTE|1||Clear.~Normal.") == [("body", "Clear.\nNormal.")]
        assert sections(tmp_path, "OBX|1|TX|&GDT||Clear.||||||F", "NTE|1||By phone.") == [("findings", "Clear.")]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("^TEXT^PLAIN^A^Clear\\.br\\lungs", "Clear\nlungs"),
            (
                "^text^html^Base64^" + base64.b64encode(b"<p>Clear <b>lungs</b></p><p>x</p>").decode(),
                "Clear lungs\n\nx",
            ),
            ("^AP^RTF^Hex^" + rb"{\rtf1\ansi Clear\par lungs}".hex(), "Clear\nlungs"),
        ],
    )
    def test_encapsulated_documents(self, tmp_path: Path, value: str, text: str) -> None:
        assert sections(tmp_path, f"OBX|1|ED|1||{value}||||||F") == [("body", text)]

    def test_the_uid_of_the_study_goes_before_the_accession(self, tmp_path: Path) -> None:
        observation = "OBX|1|ST|113014^DICOM Study^DCM||1.2.840.99.1||||||F"
        report = only(read(tmp_path, hl7_message(*hl7_report("A1", "OBX|2|TX|&GDT||x||||||F", observation))))
        assert (report.report_id, report.study_id) == ("A1", "1.2.840.99.1")
        zds = hl7_message(*hl7_report("A1", "OBX|2|TX|&GDT||x||||||F"), "ZDS|1.2.840.99.2^RIS^Application^DICOM")
        assert only(read(tmp_path, zds)).study_id == "1.2.840.99.2"

    def test_the_character_set_that_the_header_names(self, tmp_path: Path) -> None:
        message = hl7_message(*hl7_report("A1", "OBX|1|TX|&GDT||Größe||||||F"), charset="8859/1")
        assert only(read(tmp_path, message.encode("latin-1"))).sections[0].text == "Größe"
        unnamed = hl7_message(*hl7_report("A1", "OBX|1|TX|&GDT||Größe||||||F")).encode("latin-1")
        [reject] = read(tmp_path, unnamed)
        assert isinstance(reject, Reject) and "not utf-8" in reject.reason
        assert only(read(tmp_path, unnamed, encoding="latin-1")).sections[0].text == "Größe"


class TestVersions:
    def test_the_last_version_is_taken(self, tmp_path: Path) -> None:
        def version(text: str, status: str, when: str) -> str:
            return hl7_message(*hl7_report("A1", f"OBX|1|TX|&GDT||{text}||||||{status}", status=status, time=when))

        messages = version("first", "P", "202601010900"), version("second", "F", "202601011000")
        replaced = LeftOut("message 1", "replaced", "by a later version of the same report", "A1")
        left, taken = read(tmp_path, "".join(messages))
        assert left == replaced and isinstance(taken, Report) and taken.sections[0].text == "second"
        taken, left = read(tmp_path, "".join(reversed(messages)))
        assert isinstance(left, LeftOut) and isinstance(taken, Report) and taken.sections[0].text == "second"

    @pytest.mark.parametrize(("status", "what"), [("X", "cancelled"), ("D", "deleted"), ("W", "entered-in-error")])
    def test_a_report_that_was_withdrawn_is_left_out(self, tmp_path: Path, status: str, what: str) -> None:
        last = hl7_message(*hl7_report("A1", "OBX|1|TX|&GDT||x||||||F", status=status), time="20260202")
        assert read(tmp_path, ONE + last)[1] == LeftOut("message 2", "status", what, "A1")
        by_lines = hl7_message(*hl7_report("A1", f"OBX|1|TX|&GDT||x||||||{status}", status=""))
        assert read(tmp_path, by_lines) == [LeftOut("message 1", "status", what, "A1")]

    def test_orders_of_one_message_are_reports_of_their_own_unless_they_share_a_number(self, tmp_path: Path) -> None:
        one, two = hl7_report("A1", "OBX|1|TX|&GDT||x||||||F"), hl7_report("A2", "OBX|1|TX|&GDT||y||||||F")
        items = read(tmp_path, hl7_message(*one, *two[1:]))
        assert [(i.report_id, i.position) for i in items] == [
            ("A1", "message 1, order 1"),
            ("A2", "message 1, order 2"),
        ]
        again = hl7_report("A1", "OBX|1|TX|&IMP||z||||||F")
        assert [s.name for s in only(read(tmp_path, hl7_message(*one, *again[1:]))).sections] == [
            "findings",
            "impression",
        ]


class TestWhatIsNotTaken:
    @pytest.mark.parametrize(
        ("observation", "reason"),
        [
            ("OBX|1|ED|1||^Application^PDF^Base64^JVBERi0=||||||F", "no text: a document of type application/pdf"),
            ("OBX|1|ED|1||^text^plain^Base64^***||||||F", "no text: a document that is not base64"),
            ("OBX|1|RP|1||https://x.test/1||||||F", "no text: its observations are of type RP"),
            ("OBX|1|TX|&GDT||  ||||||F", "no text: its observations are of type TX"),
            ("NTE|1", "no text: no OBX"),
        ],
    )
    def test_why_there_is_no_text(self, tmp_path: Path, observation: str, reason: str) -> None:
        [reject] = read(tmp_path, hl7_message(*hl7_report("A1", observation)))
        assert isinstance(reject, Reject) and reject.reason.startswith(reason) and reject.report_id == "A1"

    def test_other_messages_are_counted_and_broken_ones_rejected(self, tmp_path: Path) -> None:
        parts = [
            "OBX|1|TX|1||lost\r",
            hl7_message("PID|1", kind="ADT^A08"),
            hl7_message("PID|1"),
            "MSH|^\r",
            hl7_message(*hl7_report("", "OBX|1|TX|1||x||||||F")).replace("P-|", "|"),
            ONE,
        ]
        items = read(tmp_path, "".join(parts), source_format="hl7")
        assert [i.reason if isinstance(i, Reject) else getattr(i, "what", "taken") for i in items] == [
            "before the first message header (MSH)",
            "ADT, which holds no report",
            "no order (OBR) in the message",
            "its header (MSH) does not say what stands between fields",
            "no report id: OBR-3, ORC-3, OBR-2 and ORC-2 are empty",
            "taken",
        ]

    def test_a_file_without_messages(self, tmp_path: Path) -> None:
        assert [type(item) for item in read(tmp_path, "hello\n", source_format="hl7")] == [Reject]

    def test_a_damaged_gzip(self, tmp_path: Path) -> None:
        with pytest.raises(ClearKbError, match="cannot be read"):
            read(tmp_path, gzip.compress(ONE.encode() * 50)[:-20], "day.hl7.gz")

    def test_a_text_without_end_is_not_held_in_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ingest.sources.exports.hl7_messages.LINE_LIMIT", 5_000)
        monkeypatch.setattr("ingest.sources.exports.hl7_messages.CHUNK", 1_000)
        long = hl7_message(*hl7_report("A1", f"OBX|1|TX|1||{'x' * 20_000}||||||F"))
        items = read(tmp_path, long + ONE)
        assert [type(item) for item in items] == [Reject, Report]

    def test_hundreds_of_long_messages_take_seconds(self, tmp_path: Path) -> None:
        started = time.monotonic()
        messages = (
            hl7_message(*hl7_report(f"A{n}", *[f"OBX|{m}|TX|&GDT||line\\T\\||||||F" for m in range(20)]))
            for n in range(500)
        )
        assert len(read(tmp_path, "".join(messages))) == 500
        assert time.monotonic() - started < 20


class TestFields:
    def test_a_field_may_take_the_place_of_the_id_and_be_asked_about(self, tmp_path: Path) -> None:
        options = {"mapping": {"study": "placer_order"}, "fields": ["facility", "Status"]}
        report = only(read(tmp_path, ONE, **options))
        assert report.study_id == "P-A1"
        assert dict(report.fields) == {"facility": "HILL", "Status": "F"}

    def test_an_unknown_field_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"the condition asks about 'facilty': .* no such column, but facility"):
            read(tmp_path, ONE, fields=["facilty"])
        with pytest.raises(UsageError, match="'text' cannot be mapped"):
            read(tmp_path, ONE, mapping={"text": "id"})
