"""The table of findings that go by either name."""

from __future__ import annotations

import pytest

from kb.language.alike_terms import may_be_called
from kb.language.lexicon import load_lexicon, parts, read_table
from kb.language.wider_terms import wider_findings

GROUPS = [parts(cell) for (cell,) in read_table("alike_findings.tsv", 1)]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_a_group_is_of_findings_of_the_lexicon_that_are_not_told_alike_by_the_hierarchy(group: tuple[str, ...]) -> None:
    assert len(group) > 1
    known = load_lexicon().kinds
    for name in group:
        assert name in known
        assert set(group) <= may_be_called(name)
    direct = {(low, high) for low in group for high in wider_findings().above(low) & set(group) - {low}}
    assert len(direct) < len(group) - 1, "the hierarchy says all of it"


def test_a_narrower_finding_has_the_names_of_its_wider_one_and_they_those_above_and_below() -> None:
    assert {"consolidation", "infiltrate", "opacity"} <= may_be_called("aspiration pneumonia")
    assert {"aspiration pneumonia", "infection"} <= may_be_called("consolidation")
    assert "pneumothorax" not in may_be_called("consolidation")
    assert may_be_called("zorbic rim") == {"zorbic rim"}
