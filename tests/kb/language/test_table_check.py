"""The check of the tables, and why a sentence reads as it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.language.grammar.why import why
from kb.language.table_check import check_cues, check_pairs, check_tables, check_terms
from tests.support.paths import ROOT


def test_no_row_of_ours_contradicts_another_or_is_out_of_reach() -> None:
    assert check_tables() == []


@pytest.mark.parametrize(
    ("rows", "kind", "reason"),
    [
        ("no\tdeny\nno\taffirm", "conflict", "tells a phrase of it to deny"),
        ("{no|without} sign\tdeny\nno sign\tdeny", "unreachable", "hold all of it"),
        ("no\tpraise", "conflict", "its effect is none of"),
    ],
)
def test_a_table_of_cues_that_contradicts_itself_is_told_with_the_line(rows: str, kind: str, reason: str) -> None:
    (fault,) = check_cues(f"phrase\teffect\n{rows}")
    assert (fault.kind, fault.row.split(":")[1]) == (kind, str(rows.count("\n") + 2)) and reason in fault.reason


def test_a_synonym_of_two_findings_and_a_word_of_two_values_are_conflicts() -> None:
    text = "label\tkind\tsynonyms\nmass\tfinding\ttumor\nnodule\tfinding\ttumor"
    (fault,) = check_terms("findings.tsv", text, ordered=False)
    assert (fault.kind, fault.phrase) == ("conflict", "tumor") and "mass" in fault.reason
    (fault,) = check_pairs("severity.tsv", "word\tnormal\nmild\tmild\nmild\tmoderate")
    assert fault.kind == "conflict"


def test_why_tells_the_clauses_and_the_row_behind_each_cue() -> None:
    read = why("No mass - small effusion (series 3, image 4).")
    denied, there = read.clauses
    (cue,) = denied.cues
    path, line = cue.row.split(":")
    assert (ROOT / Path(path)).read_text(encoding="utf-8").splitlines()[int(line) - 1] == "no\tdeny"
    assert [(told.text, told.assertion) for told in (*denied.told, *there.told)] == [
        ("mass", "absent"),
        ("small effusion", "present"),
    ]
    path, line = there.told[0].rows[0].split(" ")[0].split(":")
    assert (ROOT / path).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith("pleural effusion\t")
    assert read.left_out == ("(series 3, image 4)",)
