"""Other names: what the table says can be said by reports, and how its names are found in a query."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import UsageError
from kb.language.lexicon import load_lexicon
from kb.language.names.other_names import load_other_names, words_in
from kb.language.query_reading import read_query

NAMES = load_other_names()


def meant(query: str, own: Path | None = None) -> list[tuple[str, ...]]:
    return [named.other.meant for named in load_other_names(own).among(words_in(query))]


def test_every_name_means_an_observation_that_the_lexicon_knows() -> None:
    texts = {text for other in NAMES.names if other.kind != "word" for text in other.meant}
    assert len(texts) > 150
    assert [text for text in texts if not (load_lexicon().canonical(text) or read_query(text).well_formed)] == []


def test_no_name_is_one_that_the_lexicon_has_already() -> None:
    assert [other.name for other in NAMES.names if load_lexicon().canonical(other.name)] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cor magnum", [("cardiomegaly",)]),
        ("Pleuraerguß", [("pleural effusion",)]),
        ("PLEURAERGUSS", [("pleural effusion",)]),
        ("Lungenödem", [("pulmonary edema",)]),
        ("Lungenoedem", [("pulmonary edema",)]),
        ("epanchement", [("pleural effusion",)]),
        ("the lung has a hole in it", [("cavitation", "bulla", "cyst")]),
        ("hole left by a biopsy of skin over the lung", []),
        ("nothing of the kind", []),
    ],
)
def test_a_name_is_found_however_it_is_written(query: str, expected: list[tuple[str, ...]]) -> None:
    assert meant(query) == expected


def test_the_longer_name_takes_the_words() -> None:
    assert meant("lung fever and a punctured lung") == [("pneumonia",), ("pneumothorax",)]


def test_ones_own_table_comes_after_and_holds(tmp_path: Path) -> None:
    own = tmp_path / "ours.tsv"
    own.write_text("# of our house\nhiatal hernia\tlay\tcor magnum|the upstairs stomach\n", encoding="utf-8")
    assert meant("cor magnum", own) == [("hiatal hernia",)]
    assert meant("upstairs stomach", own) == [("hiatal hernia",)]
    assert meant("cor bovinum", own) == [("cardiomegaly",)]


@pytest.mark.parametrize("row", ["cardiomegaly\tbig heart", "cardiomegaly\t\tbig heart", "cardiomegaly;lay;big heart"])
def test_a_row_that_is_no_row_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    own = tmp_path / "ours.tsv"
    own.write_text(f"meant\tkind\tnames\n{row}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ours\.tsv, line 2: three cells"):
        load_other_names(own)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*gone\.tsv"):
        load_other_names(tmp_path / "gone.tsv")
