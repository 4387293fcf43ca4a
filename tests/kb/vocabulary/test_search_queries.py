"""The project's own queries (`bench/search_queries.tsv`): lay, Latin, foreign, misspelt, denied, and nonsense."""

from __future__ import annotations

from pathlib import Path

from bench.search import QUERIES, missed, queries
from kb.knowledge_base import KnowledgeBase
from kb.language.lexicon import load_lexicon
from tests.support.concepts import add_concepts


def test_each_finds_what_was_meant_in_the_first_five_and_nonsense_nothing(tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "lexicon.kb")
    rows = load_lexicon().rows()
    said = [label for label, _, _ in rows]
    sided = [f"{word} {label}" for label, kind, _ in rows if kind != "normal" for word in ("no", "left", "right")]
    add_concepts(kb, [*said, *sided])
    asked = [*queries(QUERIES)]
    assert len(asked) >= 50
    assert missed(kb, asked) == []
