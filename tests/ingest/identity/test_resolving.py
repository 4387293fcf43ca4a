"""An id in another spelling is found where it can mean one thing only, and refused where it may mean several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.identity.resolving import KnownIds

SMALL = "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg"
KNOWN = KnownIds(
    [
        SMALL,
        "CheXpert-v1.0-small/train/patient00002/study1/view1_frontal.jpg",
        "train/d23be2fc.dicom",
        "left/x.png",
        "right/x.png",
        "1.2.840.113.7",
    ]
)


@pytest.mark.parametrize(
    ("asked", "found", "rule"),
    [
        ("d23be2fc", "train/d23be2fc.dicom", "without its ending"),
        ("d23be2fc.dicom", "train/d23be2fc.dicom", "by its folder"),
        ("d23be2fc.png", "train/d23be2fc.dicom", "by another ending"),
        ("/data/set/train/d23be2fc.dicom", "train/d23be2fc.dicom", "by its folder"),
        ("right/x", "right/x.png", "without its ending"),
        ("CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg", SMALL, "under another root"),
        ("/mnt/CheXpert-v1.0/train/patient00001/study1/view1_frontal.png", SMALL, "under another root"),
        ("patient00001/study1/view1_frontal.jpg", SMALL, "by its folder"),
        ("1.2.840.113.7.dcm", "1.2.840.113.7", "without its ending"),
    ],
)
def test_the_one_that_is_meant(asked: str, found: str, rule: str) -> None:
    assert KNOWN.find(asked) == (found, rule)
    resolved = KNOWN.resolve([asked])
    assert (resolved[asked], dict(resolved.rules)) == (found, {rule: 1})


@pytest.mark.parametrize(
    "asked",
    [
        "CheXpert-v1.0/train/patient00003/study1/view1_frontal.jpg",  # another patient
        "CheXpert-v1.0/valid/patient00001/study1/view1_frontal.jpg",  # another part of the set
        "MURA-v1.1/train/patient00001/study1/view1_frontal.jpg",  # another set
        "study1/view1_frontal.jpg",  # every patient has it
        "view1_frontal",
        "test/d23be2fc.dicom",  # a file of the same name in another folder
        "1.2.840.113.70",
        "23be2fc",
    ],
)
def test_what_is_something_else_stays_so(asked: str) -> None:
    resolved = KNOWN.resolve([asked])
    assert (resolved[asked], resolved.found, resolved.refused) == (asked, {}, {})


def test_what_may_be_several_is_refused_with_their_spellings() -> None:
    assert KNOWN.resolve(["x"]).refused == {"x": "x may be left/x.png, right/x.png"}
    assert KNOWN.resolve(["x"])["x"] == "x"


def test_two_names_never_become_one_image() -> None:
    known = KnownIds(["a.png"])
    for asked in (["a", "scans/a.png"], ["a.png", "a"]):
        resolved = known.resolve(asked)
        assert not resolved.found
        assert all("would all be a.png" in reason for reason in resolved.refused.values())
    assert known.resolve(["a.png", "a"])["a.png"] == "a.png"


def test_the_longest_agreement_wins() -> None:
    known = KnownIds(["b/im.png", "a/b/im.png"])
    assert known.find("a/b/im") == ("a/b/im.png", "without its ending")
    assert known.find("z/a/b/im") == ("a/b/im.png", "without its ending")


paths = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=4).map("/".join)


@given(st.sets(paths, min_size=1), st.sets(paths, min_size=1))
def test_what_is_found_is_known_and_each_known_id_is_found_once(known: set[str], asked: set[str]) -> None:
    resolved = KnownIds(known).resolve(asked)
    assert set(resolved.found.values()) <= known
    assert len(set(resolved.found.values()) | (asked & known)) == len(resolved.found) + len(asked & known)
    assert not resolved.found.keys() & resolved.refused.keys()
    assert sum(resolved.rules.values()) == len(resolved.found)
