"""Descriptions of data sets: the bundled ones are sound, a lab writes its own, and its mistakes are told by line."""

from __future__ import annotations

from pathlib import Path

import pytest

import ingest
from ingest.datasets.description import read_description
from ingest.datasets.known import known_datasets, named_dataset
from kb.errors import UsageError
from tests.support.files import write
from tests.support.paths import ROOT

HEAD = """name: harbor
title: Harbor hospital
licence: our own
citation: none
language: en
recognised_by:
  - files: pictures.csv
"""


def described(tmp_path: Path, text: str) -> Path:
    return write(tmp_path / "harbor.yaml", HEAD + text)


def test_the_known_sets_are_listed_with_licence_and_citation() -> None:
    listed = ingest.datasets()
    assert {"mimic-cxr", "chexpert", "padchest", "vindr-cxr"} <= {one.name for one in listed}
    for one in listed:
        assert one.licence and one.citation and (one.reports or one.reports_left_out)


def test_the_sources_of_the_known_sets_are_their_own() -> None:
    sources = [part.source for one in known_datasets() for part in one.labels]
    assert len(sources) == len(set(sources)), "the labels of one set would replace those of another"


def test_a_set_is_named_by_its_name_or_its_file(tmp_path: Path) -> None:
    assert named_dataset("padchest").title == "PadChest"
    assert named_dataset(str(described(tmp_path, ""))).name == "harbor"
    with pytest.raises(UsageError, match=r"no data set 'padchst': choose one of .*padchest"):
        named_dataset("padchst")
    with pytest.raises(UsageError, match="there is no file"):
        named_dataset(str(tmp_path / "nowhere.yaml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("imges:\n  files: a.png\n", r"line 8: there is no 'imges' in the description: choose one of name,"),
        ("images:\n  id: stem\n", r"line 8: images needs files"),
        ("images:\n  files: a.png\n  id: number\n", r"line 10: images.id is 'number': choose one of path, stem, name"),
        ("images:\n  files: a.png\n  place: (x\n", r"line 10: place is no regular expression"),
        ("images:\n  files: a.png\n  tables:\n    - files: t.csv\n", r"line 11: a table of images needs 'image'"),
        ("images:\n  files: a.png\n  splits: {dev: tuning}\n", r"line 10: images.splits.dev"),
        ("images:\n  files: a.png\n  views: {X: sideways}\n", r"line 10: images.views.X is 'sideways'"),
        ("labels:\n  - source: a\n    files: l.csv\n    consensus: mean\n", r"line 11: labels.0.consensus is 'mean'"),
        ("labels:\n  - source: a\n    files: l.csv\n    blnk: negative\n", r"line 11: there is no 'blnk' in labels.0"),
        ("title: again\n", r"line 8: .*'title' stands there twice"),
        ("labels: [\n", r"line \d+: it is no YAML"),
    ],
)
def test_a_mistake_is_told_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_description(described(tmp_path, text))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        read_description(described(tmp_path, "imges: {}\nimages:\n  id: stem\n"))
    assert "line 8" in str(told.value) and "line 9" in str(told.value)


def test_two_parts_of_one_source_are_refused(tmp_path: Path) -> None:
    text = "labels:\n  - {source: a, files: l.csv}\nreaders:\n  - {source: a, files: r.csv}\n"
    with pytest.raises(UsageError, match="the source 'a' stands there twice"):
        read_description(described(tmp_path, text))


def test_what_is_no_description_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1: the description: "):
        read_description(write(tmp_path / "x.yaml", "- a\n- b\n"))
    with pytest.raises(UsageError, match="line 1: the description"):
        read_description(write(tmp_path / "x.yaml", ""))


def test_the_description_that_the_documentation_shows_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/data-sets.md").read_text(encoding="utf-8")
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    one = read_description(write(tmp_path / "shown.yaml", shown))
    assert one.images is not None and one.labels[0].consensus == "majority"


def test_the_commands(cli, cli_json, tmp_path: Path) -> None:
    assert "nih-chestxray14" in cli("datasets").stdout
    listed = cli_json("datasets")
    assert {"name", "title", "holds", "licence", "citation", "sources"} <= listed[0].keys()
    said = " ".join(cli("datasets", "padchest").stdout.split())
    assert "labels padchest" in said and "they are Spanish" in said
    assert "harbor" in cli("datasets", described(tmp_path, "")).stdout
    assert "no data set 'x'" in cli("datasets", "x", code=2).stderr
