"""The difference between two states as Markdown for a pull request."""

from __future__ import annotations

import pytest

from kb.exchange.markdown_diff import FOLDED, diff_as_markdown
from kb.knowledge_base import KnowledgeBase
from tests.support.concepts import add_concepts, many_texts
from tests.support.curated import EFFUSION, FLUID, LEFT, NO_MASS, RIGHT, TEXTS


@pytest.fixture
def ward(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    kb.tag("before")
    return kb


def page(kb: KnowledgeBase) -> str:
    return diff_as_markdown(kb.diff("before"), kb)


@pytest.mark.soak
def test_each_kind_of_change_is_a_table_with_texts_before_ids(ward: KnowledgeBase) -> None:
    ward.curate.merge(FLUID, into=EFFUSION)
    ward.curate.rename(LEFT, "spot on the left")
    ward.curate.reject(NO_MASS)
    ward.curate.keep_apart(RIGHT, EFFUSION)
    told = page(ward).splitlines()
    assert "1 merged, 1 renamed, 1 judged, 2 described" in told
    assert f"| puddle pleural effusion | now 'pleural effusion' ({EFFUSION}) | `{FLUID}` |" in told
    assert f"| left nodule | now 'spot on the left' | `{LEFT}` |" in told
    assert f"| no mass | status 'candidate' -> 'rejected' | `{NO_MASS}` |".replace(">", "\\>") in told
    assert f"| right nodule | not the same as + 'pleural effusion' | `{RIGHT}` |" in told
    assert "### Renamed (1)" in told


def test_a_long_table_is_folded(ward: KnowledgeBase) -> None:
    add_concepts(ward, many_texts(FOLDED))
    told = page(ward)
    assert f"<details>\n<summary>Added ({FOLDED})</summary>\n\n| concept |" in told and "</details>" in told


def test_nothing_in_a_text_is_markup(ward: KnowledgeBase) -> None:
    ward.curate.set_note(LEFT, "<b>x</b> | `y` [z](u)\n@ada #12")
    (row,) = [line for line in page(ward).splitlines() if f"`{LEFT}`" in line]
    assert r"\<b\>x\</b\> \| \`y\` \[z\](u)<br>@<!-- -->ada #<!-- -->12" in row
    assert row.count(" | ") == 2, "three cells"


def test_no_difference_is_said(ward: KnowledgeBase) -> None:
    assert "The vocabularies are the same." in page(ward)


def test_on_the_command_line(ward: KnowledgeBase, cli) -> None:
    ward.curate.rename(LEFT, "spot on the left")
    told = cli("vocab", "diff", "before", "--kb", ward.uri, "--format", "markdown").stdout
    assert told.startswith("## Vocabulary: ") and "spot on the left" in told
