"""The normal forms of ids: what a file, a folder or a program put around them is of no meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.identity.normal import patient_id, plain_id, study_id, told_by_place, unit_of
from kb.images.names import stem

UID = "1.2.840.113619.2.5.1762583153.215519.978957063.0"


@pytest.mark.parametrize(
    ("given_as", "study"),
    [
        ("s50414267", "50414267"),
        (" 50414267 ", "50414267"),
        ("50414267.0", "50414267"),
        ("p10/p10000032/s50414267", "50414267"),
        ("files/p10/p10000032/s50414267.txt", "50414267"),
        (r"files\p10\p10000032\s50414267", "50414267"),
        ("CheXpert-v1.0/valid/patient64541/study1", "patient64541/study1"),
        ("CheXpert-v1.0-small/valid/patient64541/study1/", "patient64541/study1"),
        (UID, UID),
        ("study1", "study1"),
        ("s5041", "s5041"),
        ("ACC 17/b", "ACC 17/b"),
        ("  ", None),
        (None, None),
    ],
)
def test_a_study(given_as: str | None, study: str | None) -> None:
    assert study_id(given_as) == study


@pytest.mark.parametrize(
    ("given_as", "patient"),
    [("p10000032", "10000032"), ("10000032.0", "10000032"), ("P9", "P9"), ("patient7", "patient7")],
)
def test_a_patient(given_as: str, patient: str) -> None:
    assert patient_id(given_as) == patient


@pytest.mark.parametrize(
    ("path", "study", "patient"),
    [
        ("mimic/files/p10/p10000032/s50414267/02aa804e.jpg", "50414267", "10000032"),
        ("train/patient00001/study1/view1_frontal.jpg", "patient00001/study1", "patient00001"),
        ("NLMCXR_png/CXR17_1_IM-0461-1001.png", "CXR17", None),
        ("CXR162_IM-0401-1001.png", "CXR162", None),
        ("images/00000017_001.png", None, None),
        ("study1/view1_frontal.jpg", None, None),
    ],
)
def test_what_the_place_of_a_file_tells(path: str, study: str | None, patient: str | None) -> None:
    assert told_by_place(path) == (study, patient)


def test_a_column_goes_before_the_place() -> None:
    path = r".\train\patient00001\study1\view1_frontal.jpg"
    plain = "train/patient00001/study1/view1_frontal.jpg"
    assert unit_of(path, None, None) == (plain, "patient00001/study1", "patient00001")
    assert unit_of(path, "s50414267", "7.0") == (plain, "50414267", "7")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("a/b.PNG", "a/b"),
        ("1_IM-0001-4001.dcm.png", "1_IM-0001-4001"),
        (f"{UID}.dcm", UID),
        (UID, UID),
        ("v1.5", "v1.5"),
        (".png", ".png"),
    ],
)
def test_a_stem_is_without_endings_of_files_only(name: str, short: str) -> None:
    assert stem(name) == short


@given(st.text("aps0159./\\ -", max_size=20))
def test_a_normal_form_is_its_own(text: str) -> None:
    for form in (plain_id, study_id, patient_id):
        assert form(form(text)) == form(text)
