"""The tables of what stands under what: whole, without circles, and of one mind with the tables beside them."""

from __future__ import annotations

import pytest

from kb.language.labels import bundled_labels
from kb.language.lexicon import load_lexicon, read_table
from kb.language.wider_check import check_wider
from kb.language.wider_terms import homes, is_place, places_in, wider_findings, wider_places

HEAD = "finding\twider\tplace\n"
LABELS = ("fracture", "rib fracture")


@pytest.mark.parametrize(
    ("rows", "line", "phrase", "reason"),
    [
        ("fracture\t\t\nrib fracture\tfractur\trib", 3, "rib fracture", "'fractur' has no line of its own"),
        ("fracture\t\t\nrib fracture\tfracture\tribs", 3, "rib fracture", "'ribs' is no label of anatomy.tsv"),
        ("fracture\t\t\nrib fracture\tfracture\t\nrib fracture\t\t", 4, "rib fracture", "line 3 says"),
        ("fracture\t\t\nrib fracture\tfracture\t\nribfracture\t\t", 4, "ribfracture", "it is no label of the lexicon"),
        ("fracture\t\t", 0, "rib fracture", "no line says what it stands under"),
    ],
)
def test_a_row_that_cannot_be_is_told_with_its_line(rows: str, line: int, phrase: str, reason: str) -> None:
    (fault,) = check_wider(HEAD + rows, labels=LABELS, places=["rib"], groups=True)
    assert fault[:2] == (line, phrase)
    assert reason in fault[2]


def test_a_circle_is_told() -> None:
    (fault,) = check_wider(HEAD + "fracture\trib fracture\t\nrib fracture\tfracture\t", labels=LABELS)
    assert "a circle: " in fault[2]


def test_a_group_is_a_line_of_its_own_that_something_stands_under() -> None:
    rows = HEAD + "injury\t\t\nfracture\tinjury\t\nrib fracture\tfracture\t"
    assert not list(check_wider(rows, labels=LABELS, groups=True))
    assert [fault[1] for fault in check_wider(rows, labels=LABELS)] == ["injury"]


def test_every_label_has_its_line() -> None:
    assert load_lexicon().kinds.keys() <= wider_findings().direct.keys()
    assert set(load_lexicon().places()) == wider_places().direct.keys()


def test_devices_and_statements_that_all_is_well_are_apart_from_findings() -> None:
    kinds = load_lexicon().kinds
    for label, kind in kinds.items():
        above = wider_findings().above(label)
        assert ("device" in above) == (kind == "device" or label in ("catheter", "tube")), label
        assert ("normal statement" in above) == (kind == "normal"), label


def test_where_a_finding_always_is_is_no_other_place_than_what_goes_without_saying() -> None:
    for finding, cell in read_table("implied_places.tsv", 2):
        said = {place for place in cell.split("|") if place in wider_places()}
        near = {other for place in said for other in wider_places().near(place)}
        assert not said or not homes(finding) or homes(finding) & near, finding


def test_no_label_is_wider_than_another_that_its_finding_stands_under() -> None:
    names = bundled_labels()
    one = {label: entry.findings[0] for label, entry in names.entries.items() if len(entry.findings) == 1}
    for label, finding in one.items():
        for other, wider in one.items():
            if finding != wider and wider in wider_findings().above(finding):
                assert not names.narrower(other, label), f"{label} is under {other} here, and above it there"


def test_places_are_told_apart_again() -> None:
    assert places_in("lower lobe lung") == {"lower lobe", "lung"}
    assert places_in("aorta aortic arch") == {"aorta", "aortic arch"}
    assert places_in("left atrium right atrium") == {"left atrium", "right atrium"}
    assert places_in("left big toe") == {"left big toe"}
    assert is_place("lower lobe") and not is_place("lower lobe opacity") and not is_place("")


def test_a_finding_is_at_the_places_of_what_it_stands_under_unless_its_own_is_a_part() -> None:
    assert homes("rib fracture") == {"rib"}
    assert homes("empyema") == {"pleura"}
    assert homes("compression fracture") == {"spine"}
    assert homes("opacity") == frozenset()
