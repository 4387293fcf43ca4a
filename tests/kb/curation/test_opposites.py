"""What is denied never counts as present, nor left as right: by whichever way a change comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kb.errors import UsageError
from kb.exchange.change_line_reading import apply_change_lines
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import add_concepts

OPPOSITES = [("no pneumothorax", "pneumothorax"), ("left rib fracture", "right rib fracture")]


def retire(base: KnowledgeBase, one: str, other: str, folder: Path) -> None:
    base.curate.retire(one, other, by="ada")


def import_rows(base: KnowledgeBase, one: str, other: str, folder: Path) -> None:
    text = base.vocabulary.get(one).text
    path = folder / "rows.csv"
    path.write_text(f"concept_id,text,status,replaced_by\n{one},{text},retired,{other}\n")
    base.import_vocabulary(path, by="ada")


def change_line(base: KnowledgeBase, one: str, other: str, folder: Path) -> None:
    apply_change_lines(base, f"obsolete {one} with replacement {other}\n", by="ada")


@pytest.mark.parametrize("way", [retire, import_rows, change_line], ids=lambda way: way.__name__)
@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_no_concept_is_replaced_by_its_opposite(
    kb: KnowledgeBase, tmp_path: Path, way: Callable[[KnowledgeBase, str, str, Path], None], one: str, other: str
) -> None:
    add_concepts(kb, [one, other])
    ids = {text: read_query(text).concept_id for text in (one, other)}
    with pytest.raises(UsageError, match="a mention of the one is none of the other"):
        way(kb, ids[one], ids[other], tmp_path)
    kb.follow()
    assert kb.vocabulary.get(ids[one]).status != "retired"
