"""CSV as spreadsheets of any locale save it, what it would change, and rows that are gone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.errors import UsageError
from kb.exchange.formats import export_vocabulary, import_vocabulary
from kb.exchange.tabular import read_csv, write_csv
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.reading.spreadsheet import read_sheet
from tests.support.concepts import add_concepts
from tests.support.examples import examples
from tests.support.terminal import printed

TEXTS = ("left nodule", "right nodule", "rib fracture")
LEFT, RIGHT, FRACTURE = (read_query(text).concept_id for text in TEXTS)
SAVED = [(",", "utf-8"), (";", "cp1252"), (";", "utf-8-sig"), ("\t", "utf-16"), ("\t", "utf-8"), ("|", "utf-8")]
CELL = st.text(st.characters(codec="cp1252", exclude_categories=["Cc", "Cs"]), max_size=12).map(str.strip)


@pytest.fixture
def ward(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    return kb


def saved(path: Path, rows: list[list[str]], separator: str, encoding: str) -> Path:
    """A table as a spreadsheet program saves it."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(CELL.filter(bool), max_size=4), note=CELL, how=st.sampled_from(SAVED))
def test_whatever_is_in_a_cell_and_however_it_is_saved_it_is_read_the_same(
    tmp_path: Path, names: list[str], note: str, how: tuple[str, str]
) -> None:
    names = [" ".join(name.split()) for name in names]
    write_csv([{"concept_id": LEFT, "synonyms": names, "note": note or None}], tmp_path / "plain.csv")
    with (tmp_path / "plain.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    (record,) = read_csv(saved(tmp_path / "saved.csv", rows, *how))
    assert (record["concept_id"], record["synonyms"], record["note"]) == (LEFT, names, note or None)


@pytest.mark.parametrize(("separator", "encoding"), SAVED)
def test_a_table_of_any_locale_comes_in(ward, tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [
        ["Concept ID", " Status ", "Note", "Mentions", ""],
        [LEFT, "Accepted", "größer; ähnlich, wie", "1.254,0", ""],
        ["", "", "", "", ""],
        [RIGHT, "REJECTED", "", "3", ""],
    ]
    result = import_vocabulary(ward, saved(tmp_path / "x.csv", rows, separator, encoding))
    assert (result.read, result.edited, result.rejected, result.unused) == (2, 2, 0, ())
    assert (ward.vocabulary.get(LEFT).status, ward.vocabulary.get(LEFT).note) == ("accepted", "größer; ähnlich, wie")
    assert ward.vocabulary.get(RIGHT).status == "rejected"


def test_how_a_table_was_read_is_told_where_it_is_not_plain(ward, tmp_path: Path) -> None:
    rows = [["text", "note"], ["scoliosis", "ä"]]
    assert import_vocabulary(ward, saved(tmp_path / "x.csv", rows, ",", "utf-8")).notes == ()
    notes = import_vocabulary(ward, saved(tmp_path / "y.csv", rows, ";", "cp1252")).notes
    assert notes == ("its columns are separated by semicolons", "its letters are Windows-1252")


def test_a_line_that_names_the_separator_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sep=;\ntext;note\nmass;a,b\n", encoding="utf-8")
    assert list(read_csv(tmp_path / "x.csv")) == [{"text": "mass", "note": "a,b"}]


def test_a_table_with_tabs_is_one_of_concepts_or_of_mappings_by_its_header(ward, tmp_path: Path) -> None:
    rows = [["text"], ["scoliosis"]]
    assert import_vocabulary(ward, saved(tmp_path / "x.tsv", rows, "\t", "utf-16")).added == 1
    with pytest.raises(UsageError, match="no SSSOM table"):
        import_vocabulary(ward, saved(tmp_path / "y.tsv", [["a", "b"]], "\t", "utf-8"))


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        ("text,severity", "mass,mildish", "severity: 'mildish' is none of advanced, borderline"),
        ("text,laterality", "mass,up", "laterality: 'up' is none of left, right, bilateral, none"),
        ("text,status", "mass,good", "status: 'good' is none of candidate, accepted"),
        ("text,assertion", "mass,maybe", "assertion: 'maybe' is none of present, absent"),
        ("text,note", "mass,a,b", "3 cells and the header 2"),
    ],
)
def test_a_word_that_is_none_of_those_allowed_is_told_with_its_row_and_them(
    ward, cli, tmp_path: Path, header: str, row: str, told: str
) -> None:
    (tmp_path / "x.csv").write_text(f"{header}\nscoliosis\n\n{row}\n", encoding="utf-8")
    (reject,) = import_vocabulary(ward, tmp_path / "x.csv", dry_run=True).rejects
    assert reject["position"] == "row 3" and told in reject["reason"]
    said = cli("vocab", "import", "x.csv", "--kb", ward.uri, "--dry-run").stderr
    assert f"row 3 cannot be taken: {reject['reason']}" in said


def test_a_file_that_was_cut_off_changes_no_text(ward, cli, tmp_path: Path) -> None:
    """A row may be typed without its last cells, but not end in the middle of a line."""
    (tmp_path / "x.csv").write_text(f"concept_id,text,status,note\n,scoliosis\n{LEFT},left nod", encoding="utf-8")
    result = import_vocabulary(ward, tmp_path / "x.csv", dry_run=True)
    (reject,) = result.rejects
    assert (result.added, result.edited) == (1, 0)
    assert reject["reason"] == "it has 2 cells of 4, and no end of line: is the file cut off?"
    (tmp_path / "z.csv").write_text("text,status\nscoliosis,\nma", encoding="utf-8")
    assert import_vocabulary(ward, tmp_path / "z.csv", dry_run=True).rejected == 1
    (tmp_path / "y.csv").write_text(f"concept_id,text,status,note\n{LEFT},left nod", encoding="utf-8")
    assert "rejected" in cli("vocab", "import", "y.csv", "--kb", ward.uri, "--yes", code=1).stdout


@pytest.mark.parametrize(
    "text", ["bell \x07 sign", "nul \x00 sign", "escape \x1b[31m sign", "\ufffe sign", "x" * 10_001]
)
def test_what_an_export_could_not_carry_is_no_concept(ward, tmp_path: Path, text: str) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
    (reject,) = import_vocabulary(ward, tmp_path / "x.jsonl", dry_run=True).rejects
    assert "control character" in reject["reason"] or "10,000 are the most" in reject["reason"]


def test_two_columns_of_one_field_and_a_workbook_are_refused(ward, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="column text more than once"):
        import_vocabulary(ward, saved(tmp_path / "x.csv", [["Text", "text"], ["a", "b"]], ",", "utf-8"))
    (tmp_path / "y.csv").write_bytes(b"PK\x03\x04\x00\x00text")
    with pytest.raises(UsageError, match="not as a workbook"):
        read_sheet(tmp_path / "y.csv")


class TestWhatChanges:
    def test_is_told_before_it_is_taken(self, ward, cli, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text(f"concept_id,text\n{LEFT},spot on the left\n,scoliosis\n", encoding="utf-8")
        told = cli("vocab", "import", "x.csv", "--kb", ward.uri, "--dry-run").stdout
        assert "renamed" in told and "text 'left nodule' -> 'spot on the left'" in told
        assert "added" in told and "scoliosis" in told
        assert ward.at("HEAD").vocabulary.get(LEFT).text == "left nodule"

    @pytest.mark.soak
    @pytest.mark.parametrize(("answer", "text"), [("n", "left nodule"), ("y", "spot on the left")])
    def test_is_asked_about_at_a_terminal_alone(self, ward, tmp_path: Path, answer: str, text: str) -> None:
        (tmp_path / "x.csv").write_text(f"concept_id,text\n{LEFT},spot on the left\n", encoding="utf-8")
        said = printed("vocab", "import", str(tmp_path / "x.csv"), "--kb", ward.uri, typed=f"{answer}\n")
        assert any("Take it?" in line for line in said) and any("spot on" in line for line in said), said
        assert ward.at("HEAD").vocabulary.get(LEFT).text == text


class TestWhatIsGone:
    def less(self, ward: KnowledgeBase, path: Path, row: str = "") -> Path:
        """An export without its last concept; `row` stands in its place."""
        export_vocabulary(ward, path)
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith(FRACTURE)]
        path.write_text("\n".join([*kept, row]) + "\n", encoding="utf-8")
        return path

    def test_is_told_and_retired_only_where_that_is_asked_for(self, ward, tmp_path: Path) -> None:
        path = self.less(ward, tmp_path / "x.csv")
        result = import_vocabulary(ward, path)
        assert (result.gone, result.retired, result.commit) == (1, 0, None)
        tried = import_vocabulary(ward, path, delete_missing=True, dry_run=True)
        assert (tried.retired, ward.vocabulary.get(FRACTURE).status) == (1, "candidate")
        result = import_vocabulary(ward, path, delete_missing=True, by="ada")
        assert (result.gone, result.retired, result.edited) == (0, 1, 0)
        assert ward.vocabulary.get(FRACTURE).status == "retired"
        ward.curate.revert(ward.changes()[-1].change_id)
        assert ward.vocabulary.get(FRACTURE).status == "candidate"

    def test_a_file_of_new_concepts_alone_tells_of_nothing_gone(self, ward, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("text\nscoliosis\n", encoding="utf-8")
        with pytest.raises(UsageError, match="all would be missing"):
            import_vocabulary(ward, tmp_path / "x.csv", delete_missing=True)
        assert import_vocabulary(ward, tmp_path / "x.csv").gone == 0

    def test_a_row_that_cannot_be_taken_is_not_gone(self, ward, tmp_path: Path) -> None:
        columns = self.less(ward, tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        broken = {"concept_id": FRACTURE, "text": "rib fracture", "status": "good"}
        path = self.less(ward, tmp_path / "x.csv", ",".join(broken.get(name, "") for name in columns))
        assert import_vocabulary(ward, path, dry_run=True).gone == 0
        with pytest.raises(UsageError, match="row 3: status: 'good' is none of"):
            import_vocabulary(ward, path, delete_missing=True)
        assert ward.vocabulary.get(FRACTURE).status == "candidate"

    def test_on_the_command_line(self, ward, cli, tmp_path: Path) -> None:
        self.less(ward, tmp_path / "x.csv")
        assert "1 concepts in use, left as they are" in cli("vocab", "import", "x.csv", "--kb", ward.uri).stdout
        told = json.loads(
            cli("vocab", "import", "x.csv", "--kb", ward.uri, "--delete-missing", "--format", "json").stdout
        )
        assert (told["retired"], [one["kind"] for one in told["differences"]]) == (1, ["retired"])
