"""DICOM as hospitals store it: every compression, odd values that cost nothing, and only radiographs of a chest."""

from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from kb.images.dicom import LARGEST_INFLATED
from kb.images.dicom_kind import is_elsewhere
from kb.images.grey import LARGEST_AREA
from kb.images.library_messages import heard_messages
from kb.images.radiograph import ImageError, Radiograph, read_radiograph
from tests.support.radiographs import as_uint16, chest, deflated, dicom, encoded, recompressed

TWELVE_BITS: dict[str, Any] = {"Modality": "DX", "BodyPartExamined": "CHEST", "BitsStored": 12, "HighBit": 11}


def read(stored: np.ndarray, **elements: Any) -> Radiograph:
    return read_radiograph(dicom(stored, **elements))


def off(found: Radiograph, wanted: np.ndarray | None = None) -> int:
    """How far the worst pixel is from what was drawn."""
    return int(np.abs(found.pixels.astype(int) - (chest() if wanted is None else wanted).astype(int)).max())


class TestCompression:
    @pytest.mark.parametrize(
        "syntax",
        [
            "ExplicitVRLittleEndian",
            "ImplicitVRLittleEndian",
            "RLELossless",
            "JPEGLosslessProcess14",
            "JPEGLosslessProcess14_1",
            "JPEGLSLossless",
            "JPEG2000Lossless",
            "JPEG2000",
        ],
    )
    def test_twelve_bits_are_read_in_every_syntax(self, syntax: str) -> None:
        plain = dicom(as_uint16(chest()), **TWELVE_BITS)
        found = read_radiograph(recompressed(plain, syntax))
        assert off(found) <= (0 if syntax != "JPEG2000" else 4)
        assert found.notes == ()

    def test_baseline_jpeg_and_deflated_are_read(self) -> None:
        assert off(read_radiograph(recompressed(dicom(chest(), Modality="CR"), "JPEGBaselineProcess1"))) <= 8
        assert off(read_radiograph(deflated(dicom(as_uint16(chest()), **TWELVE_BITS)))) == 0

    def test_signed_pixels_are_read_in_jpeg_ls_and_lossless(self) -> None:
        stored = (as_uint16(chest()).astype(np.int32) - 2_000).astype(np.int16)
        plain = dicom(stored, Modality="DX", PixelRepresentation=1)
        for syntax in ("JPEGLSLossless", "JPEGLosslessProcess14_1", "JPEG2000Lossless", "RLELossless"):
            assert off(read_radiograph(recompressed(plain, syntax))) == 0, syntax

    def test_a_deflated_bomb_is_not_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert LARGEST_INFLATED > LARGEST_AREA * 4
        monkeypatch.setattr("kb.images.dicom.LARGEST_INFLATED", 10_000)
        with pytest.raises(ImageError, match="more than 10,000 bytes"):
            read_radiograph(deflated(dicom(chest(), Modality="DX")))

    def test_a_cut_file_is_told(self) -> None:
        whole = recompressed(dicom(as_uint16(chest()), **TWELVE_BITS), "JPEGLosslessProcess14_1")
        with heard_messages(), pytest.raises(ImageError, match="it was cut"):
            read_radiograph(whole[:-200])

    def test_a_file_that_ends_its_decoder_costs_one_picture(self) -> None:
        whole = recompressed(dicom(as_uint16(chest()), **TWELVE_BITS), "JPEGLosslessProcess14_1")
        scan = whole.index(b"\xff\xda")
        # One byte too many in the table of codes: GDCM throws where nothing can catch it, and its process is gone.
        damaged = whole[: scan - 3] + b"\x7d" + whole[scan - 3 :]
        for _ in range(2):
            with pytest.raises(ImageError, match="broken DICOM: the decoder broke down"):
                read_radiograph(damaged)
            assert off(read_radiograph(whole)) == 0

    def test_a_decoder_that_somebody_kills_costs_no_picture(self) -> None:
        whole = recompressed(dicom(as_uint16(chest()), **TWELVE_BITS), "JPEGLosslessProcess14_1")
        for _ in range(2):
            assert off(read_radiograph(whole)) == 0
            ours = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            decoders = [int(pid) for pid in ours if b"decoder" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert decoders
            for pid in decoders:
                os.kill(pid, signal.SIGKILL)

    def test_a_file_without_preamble_is_read(self) -> None:
        dataset = pydicom.dcmread(io.BytesIO(dicom(as_uint16(chest()), **TWELVE_BITS)))
        del dataset.file_meta
        stream = io.BytesIO()
        dataset.save_as(stream, implicit_vr=True, little_endian=True)
        assert off(read_radiograph(stream.getvalue())) == 0


def table(name: str, greys: list[int], first: int = 0, bits: int = 16) -> dict[str, Any]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(greys), first, bits])
    item.add_new("LUTData", "US", greys)
    return {name: Sequence([item])}


class TestOddValues:
    @pytest.mark.parametrize(
        "elements",
        [
            {"WindowCenter": "2048", "WindowWidth": "0"},
            {"WindowCenter": "2048"},
            {"WindowWidth": "4096"},
            {"WindowCenter": "-9000", "WindowWidth": "10"},
            {"RescaleSlope": "0", "RescaleIntercept": "5"},
            {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 65_535},
            {"NumberOfFrames": "0"},
            {"PresentationIntentType": "FOR PROCESSING"},
            table("ModalityLUTSequence", [1, 2, 3]) | {"ModalityLUTSequence": Sequence([Dataset()])},
            {"VOILUTSequence": Sequence([Dataset()])},
        ],
        ids=lambda elements: "+".join(elements),
    )
    def test_an_odd_value_costs_nothing_and_is_noted(self, elements: dict[str, Any]) -> None:
        found = read(as_uint16(chest()), **elements)
        assert off(found) <= 1
        assert len(found.notes) == 1

    @pytest.mark.parametrize(
        "elements",
        [
            {"WindowCenter": ["2040", "10"], "WindowWidth": ["4081", "1"]},
            {"WindowCenter": ["2040", "2040"], "WindowWidth": ["0", "4081"]},
            {"WindowCenter": "2040", "WindowWidth": "4081", "VOILUTFunction": "LINEAR_EXACT"},
            {"WindowCenter": "2040", "WindowWidth": "4081", "VOILUTFunction": "NONSENSE"},
            {"RescaleSlope": "1"},
            {"RescaleIntercept": "-1024"},
            {"PixelPaddingValue": 60_000},
            {"PresentationIntentType": "FOR PRESENTATION"},
            table("VOILUTSequence", list(range(0, 65_536, 16))),
            table("VOILUTSequence", [grey // 16 for grey in range(4_096)], bits=8),
            table("ModalityLUTSequence", list(range(0, 65_536, 16))),
        ],
        ids=lambda elements: "+".join(elements),
    )
    def test_what_is_unusual_but_right_is_heeded(self, elements: dict[str, Any]) -> None:
        found = read(as_uint16(chest()), **elements)
        assert off(found) <= 3
        assert found.notes == ()

    def test_a_sigmoid_window_keeps_the_order_of_greys(self) -> None:
        found = read(as_uint16(chest()), WindowCenter="2040", WindowWidth="2000", VOILUTFunction="SIGMOID").pixels
        assert found[0, 60] == 0 and found[30, 20] == 255
        assert (np.diff(found[:, 60].astype(int)) >= 0).all()

    def test_padding_of_signed_pixels_is_found_though_its_type_is_unsigned(self) -> None:
        stored = (as_uint16(chest()).astype(np.int32) - 2_000).astype(np.int16)
        stored[:, -20:] = -32_768
        elements = {"PixelRepresentation": 1, "PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": -32_768}
        found = read(stored, **elements).pixels
        assert (found[:, -20:] == 0).all()
        assert np.abs(found[:, :100].astype(int) - (255 - chest()[:, :100]).astype(int)).max() <= 1

    def test_bits_above_those_that_are_stored_do_not_garble(self) -> None:
        stored = as_uint16(chest()) | (1 << 15)
        assert off(read(stored, **TWELVE_BITS)) == 0

    def test_what_the_header_leaves_out_is_taken_from_the_rest(self) -> None:
        dataset = pydicom.dcmread(io.BytesIO(dicom(as_uint16(chest()))))
        for name in ("SamplesPerPixel", "PhotometricInterpretation", "BitsStored", "HighBit", "PixelRepresentation"):
            delattr(dataset, name)
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        found = read_radiograph(stream.getvalue())
        assert off(found) == 0
        assert {note.split()[1] for note in found.notes} >= {"SamplesPerPixel", "BitsStored"}

    @pytest.mark.parametrize(("bits", "times"), [(8, 1), (16, 257)])
    def test_colour_of_8_and_16_bits_gives_the_same_greys(self, bits: int, times: int) -> None:
        colours = np.dstack([chest()] * 3).astype(f"uint{bits}") * times
        data = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
        assert off(read(colours[..., 0], PixelData=colours.tobytes(), **data)) <= 1

    def test_numbers_of_a_palette_are_looked_up(self) -> None:
        elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
        greys = np.arange(255, -1, -1).astype(np.uint16) * 257
        for colour in ("Red", "Green", "Blue"):
            elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
            elements[f"{colour}PaletteColorLookupTableData"] = greys.tobytes()
        assert off(read(255 - chest(), **elements)) <= 1


class TestKinds:
    @pytest.mark.parametrize("modality", ["CT", "MR", "US", "PT", "NM", "RTDOSE", "SR", "PR", "KO", "SEG", "DOC", "MG"])
    def test_what_is_no_radiograph_is_refused_by_its_name(self, modality: str) -> None:
        with pytest.raises(ImageError, match=f"modality {modality} .*no radiograph") as refused:
            read(chest(), Modality=modality)
        assert refused.value.kind == f"modality {modality}"

    @pytest.mark.parametrize("modality", ["CR", "DX", "DR", "RG", "OT", "SC", "", None])
    def test_radiographs_and_what_does_not_say_are_taken(self, modality: str | None) -> None:
        assert off(read(chest(), **({} if modality is None else {"Modality": modality}))) == 0

    def test_where_the_modality_says_nothing_the_class_decides(self) -> None:
        with pytest.raises(ImageError, match="class CT Image"):
            read(chest(), Modality="OT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
        with pytest.raises(ImageError, match="class Encapsulated PDF"):
            read(chest(), SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1")
        with pytest.raises(ImageError, match="index of a disc"):
            read(chest(), SOPClassUID="1.2.840.10008.1.3.10")

    def test_another_part_of_the_body_is_refused_unless_asked_for(self) -> None:
        data = dicom(chest(), Modality="DX", BodyPartExamined="HAND")
        with pytest.raises(ImageError, match="another part of the body: HAND") as refused:
            read_radiograph(data)
        assert refused.value.kind == "body part HAND"
        assert off(read_radiograph(data, any_body_part=True)) == 0

    def test_body_parts_are_read_in_their_many_spellings(self) -> None:
        elsewhere = "HAND|Left wrist|ABDOMEN|KUB|PELVIS|SKULL|CSPINE|C_SPINE|L SPINE|Schädel|KNEE|FOOT|SHOULDER|Becken"
        chests = "CHEST|THORAX|Tórax|CHEST ABDOMEN|CHEST_PORT|PORTABLE|RIB|LUNG|WHOLE BODY|EXTENDED|UNKNOWN|1|HEART"
        assert [part for part in elsewhere.split("|") if not is_elsewhere(part)] == []
        assert [part for part in chests.split("|") if is_elsewhere(part)] == []

    def test_several_pictures_in_one_file_are_refused(self) -> None:
        with pytest.raises(ImageError, match="30 pictures") as refused:
            read(chest(), NumberOfFrames="30")
        assert refused.value.kind == "several pictures"


class TestViews:
    @pytest.mark.parametrize(
        ("elements", "view"),
        [
            ({"ViewPosition": "PA"}, "PA"),
            ({"ViewPosition": "POSTERO_ANTERIOR", "PatientOrientation": ["L", "F"]}, "PA"),
            ({"PatientOrientation": ["L", "F"]}, "frontal"),
            ({"PatientOrientation": ["A", "F"]}, "lateral"),
            ({"PatientOrientation": ["L", "F"], "SeriesDescription": "Thorax AP liegend"}, "AP"),
            ({"ViewPosition": "", "SeriesDescription": "CHEST LAT"}, "lateral"),
            ({"SeriesDescription": "CHEST PA AND LAT"}, None),
            ({}, None),
        ],
    )
    def test_a_header_says_the_view_in_normal_form(self, elements: dict[str, Any], view: str | None) -> None:
        assert read(chest(), **elements).facts.get("view") == view

    def test_the_codes_of_a_view_are_read(self) -> None:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "R-10236", "SRT", "left lateral"
        assert read(chest(), ViewCodeSequence=Sequence([code])).facts["view"] == "lateral"

    def test_what_is_not_understood_is_kept_as_given(self) -> None:
        assert read(chest(), ViewPosition="YES").facts == {"view_given": "YES"}


class TestMessages:
    def test_what_libraries_say_is_heard_by_kind_and_not_printed(self, capfd: pytest.CaptureFixture[str]) -> None:
        longer = dicom(as_uint16(chest()), Modality="DX", PixelData=as_uint16(chest()).tobytes() + b"\0" * 100)
        with heard_messages() as heard:
            read_radiograph(longer)
        assert len(heard) == 1 and "excess padding" in heard[0] and not any(letter.isdigit() for letter in heard[0])
        out, err = capfd.readouterr()
        assert out + err == ""

    def test_lines_that_a_decoder_prints_past_python_are_heard(self, capfd: pytest.CaptureFixture[str]) -> None:
        import os

        with heard_messages() as heard:
            os.write(2, b"Invalid number of tiles : 14540801 x 1\n")
        assert heard == ["Invalid number of tiles : ... x"]
        assert capfd.readouterr().err == ""


def test_encoded_pictures_are_no_dicom() -> None:
    with heard_messages(), pytest.raises(ImageError, match="not a PNG, JPEG or DICOM"):
        read_radiograph(b"\x08\x00" + encoded(chest(), "PNG"))
