"""Every file that pydicom tests itself with is taken as a picture, or refused for what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from kb.images.library_messages import heard_messages
from kb.images.radiograph import ImageError, read_radiograph

FILES = Path(pydicom.__file__).parent / "data" / "test_files"

OUTCOMES = {
    "taken": """GDCMJ2K_TextGBR SC_jpeg_no_color_transform SC_jpeg_no_color_transform_2 SC_rgb_dcmtk_+eb+cr
        SC_rgb_dcmtk_+eb+cy+n1 SC_rgb_dcmtk_+eb+cy+n2 SC_rgb_dcmtk_+eb+cy+np SC_rgb_dcmtk_+eb+cy+s2
        SC_rgb_dcmtk_+eb+cy+s4 SC_rgb_gdcm_KY SC_rgb_jls_lossy_line SC_rgb_jls_lossy_sample SC_rgb_jpeg
        SC_rgb_jpeg_app14_dcmd SC_rgb_jpeg_dcmd SC_rgb_jpeg_dcmtk SC_rgb_jpeg_gdcm SC_rgb_jpeg_lossy_gdcm SC_rgb_rle
        SC_rgb_rle_16bit SC_rgb_rle_32bit SC_ybr_full_422_uncompressed image_dfl""",
    "modality CT": "693_J2KI CT_small J2K_pixelrep_mismatch",
    "modality MR": """MR_small MR_small_RLE MR_small_bigendian MR_small_expb MR_small_implicit MR_small_jp2klossless
        MR_small_jpeg_ls_lossless MR_small_padded MR_truncated examples_overlay""",
    "modality US": "ExplVR_BigEnd examples_jpeg2k examples_palette examples_rgb_color examples_ybr_color",
    "modality NM": "JPEG-lossy JPEG2000-embedded-sequence-delimiter JPEG2000 JPGExtended",
    "modality RTDOSE": "badVR rtdose rtdose_1frame rtdose_expb rtdose_expb_1frame rtdose_rle rtdose_rle_1frame",
    "modality RTPLAN": "ExplVR_BigEndNoMeta ExplVR_LitEndNoMeta rtplan rtplan_truncated",
    "modality RTSTRUCT": "rtstruct",
    "modality SEG": "liver_1frame liver_expb_1frame",
    "modality SR": "reportsi reportsi_with_empty_number_tags test-SR",
    "modality ECG": "waveform_ecg",
    "class CT Image": "UN_sequence",
    "class MR Image": "priv_SQ",
    "class RT Image": "no_meta_group_length",
    "several pictures": "SC_rgb_rle_16bit_2frame SC_rgb_rle_2frame SC_rgb_rle_32bit_2frame",
    "too small": "JPEGLSNearLossless_08 JPEGLSNearLossless_16 SC_rgb_small_odd SC_rgb_small_odd_big_endian "
    "SC_rgb_small_odd_jpeg",
    "no pixels": "empty_charset_LEI",
    "broken DICOM": "meta_missing_tsyntax nested_priv_SQ",
    "no image": "no_meta",
}


def expected() -> Iterator[tuple[str, str]]:
    for outcome, names in OUTCOMES.items():
        yield from ((name, outcome) for name in names.split())


@pytest.mark.parametrize(("name", "outcome"), [*expected()])
def test_each_is_taken_or_refused_for_what_it_is(name: str, outcome: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = FILES / f"{name}.dcm"
    if not path.exists():
        pytest.skip("this release of pydicom does not carry the file")
    with heard_messages():
        try:
            found = read_radiograph(path.read_bytes())
        except ImageError as error:
            assert error.kind == outcome, str(error)
        else:
            assert outcome == "taken"
            assert 20 < found.pixels.mean() < 250
    assert capfd.readouterr() == ("", "")


def test_no_file_is_forgotten() -> None:
    assert {path.stem for path in FILES.glob("*.dcm")} <= {name for name, _ in expected()}


def test_the_images_of_a_disc_are_told_from_its_index() -> None:
    kinds = set()
    for path in (path for path in (FILES / "dicomdirtests").rglob("*") if path.is_file()):
        with heard_messages(), pytest.raises(ImageError) as refused:
            read_radiograph(path.read_bytes())
        kinds.add(refused.value.kind)
    assert kinds == {"a DICOMDIR", "modality CT", "modality MR", "body part CSPINE", "no image"}


def test_the_same_colours_give_the_same_greys_however_they_are_compressed() -> None:
    names = [name for name, outcome in expected() if outcome == "taken" and name.startswith("SC_rgb")]
    bars = [name for name in names if not name.startswith(("SC_rgb_jpeg_app", "SC_rgb_jpeg_dcmd", "SC_rgb_jpeg."))]
    means = {}
    for name in bars:
        with heard_messages():
            found = read_radiograph((FILES / f"{name}.dcm").read_bytes()).pixels
        if found.shape == (100, 100):
            means[name] = float(found.mean())
    assert len(means) > 10
    assert max(means.values()) - min(means.values()) < 1, means
