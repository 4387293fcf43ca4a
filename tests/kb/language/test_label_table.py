"""Label names: which are one, which are related, and what is said for and against them."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.prediction.prompts import Prompts, PromptSet
from kb.errors import UsageError
from kb.language.label_names import is_no_finding, plain_label
from kb.language.labels import bundled_labels, labels_of, list_names, read_label_names, with_lists
from kb.language.lexicon import load_lexicon
from tests.support.files import write

NAMES = bundled_labels()


@pytest.mark.parametrize("name", ["Effusion", "Pleural Effusion", "pleural_effusion", " derrame  pleural "])
def test_names_of_one_finding_are_one(name: str) -> None:
    assert plain_label(name) == "pleural effusion"


@pytest.mark.parametrize(
    ("one", "other"), [("Nodule", "Mass"), ("Nodule/Mass", "Nodule"), ("Lung Lesion", "Nodule/Mass")]
)
def test_related_names_are_never_silently_one(one: str, other: str) -> None:
    assert plain_label(one) != plain_label(other)


def test_what_is_narrower_is_told_over_several_steps() -> None:
    assert NAMES.narrower("Nodule", "Nodule/Mass") and NAMES.narrower("Nodule", "Lung Lesion")
    assert NAMES.narrower("Edema", "Lung Opacity")
    assert not NAMES.narrower("Lung Lesion", "Nodule") and not NAMES.narrower("Mass", "Mass")


def test_every_line_names_findings_of_the_lexicon_and_labels_that_are_there() -> None:
    known = {row[0] for row in load_lexicon().rows()}
    for entry in NAMES.entries.values():
        assert set(entry.findings) <= known, entry.label
        assert set(entry.wider) <= set(NAMES.entries), entry.label
        assert not any(NAMES.narrower(wider, entry.label) for wider in entry.wider), f"{entry.label} is in a circle"


@pytest.mark.parametrize("name", list_names())
def test_every_list_names_labels_that_the_table_knows(name: str) -> None:
    labels = labels_of(name)
    assert labels is not None and all(NAMES.knows(label) for label in labels)
    assert len({plain_label(label) for label in labels}) == len(labels)


def test_a_list_stands_for_its_labels() -> None:
    assert with_lists(["CheXpert-5", "Mass"]) == (*(labels_of("chexpert5") or ()), "Mass")
    assert labels_of("Edema") is None


def test_what_says_that_there_is_nothing_stays_so_by_every_name() -> None:
    entry = NAMES.entry("No Finding")
    assert entry is not None and is_no_finding(entry.label)


class TestSentences:
    def test_a_label_without_a_meaning_of_its_own_gets_sensible_ones(self) -> None:
        found = PromptSet().of("Pleural Other")
        assert "pleural thickening" in found.present and "no pleural plaque" in found.absent
        assert not any("other" in sentence for sentence in (*found.present, *found.absent))

    def test_a_name_in_another_language_is_said_in_english(self) -> None:
        assert PromptSet().of("derrame pleural") == Prompts(("pleural effusion",), ("no pleural effusion",))

    def test_templates_of_a_user_stand_around_the_tables_words(self) -> None:
        found = PromptSet(Prompts(("there is {x}",), ("no sign of {x}",))).of("Nodule/Mass")
        assert (
            found.present[0] == "there is lung nodule or mass" and found.absent[0] == "no sign of lung nodule or mass"
        )


class TestATableOfOnesOwn:
    def test_its_lines_come_before_the_bundled_ones(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "t.tsv", "# ours\nlabel\tnames\twider\npleural effusion\tPE-L|wet side\t\nwet lung\tEdema\t\n"
        )
        names = NAMES.with_entries(read_label_names(path))
        assert names.key("PE-L") == "pleural effusion" and names.key("Edema") == "wet lung"
        assert names.key("Effusion") == "pleural effusion"  # what a line leaves out stays
        assert names.key("Mass") == "mass"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("name\nx\n", "a header of label, names"),
            ("label\tcolour\nx\ty\n", "and has 'colour'"),
            ("label\tnames\nx\ty\tz\n", "line 2: 3 cells"),
            ("label\tnames\nx\ty\nz\ty\n", "line 3: 'y' is named in line 2"),
            ("label\tnames\n\ty\n", "line 2: one label was expected"),
        ],
    )
    def test_a_wrong_line_is_told(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            read_label_names(write(tmp_path / "t.tsv", text))

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="there is no file"):
            read_label_names(tmp_path / "none.tsv")
