"""Concepts as rows, and in a knowledge base, with nothing mined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from kb.vocabulary.concept_rows import concept_batches, new_concept

SAME_WORDS = ("wide fracture", "widened fracture", "broadened fracture")
"""Three concepts of one finding that say the same: `word_groups.tsv` knows the words, no table of the normal form."""


def concept(text: str, **fields: Any) -> dict[str, Any]:
    """A row of the `concepts` table as the ingest makes it, with some fields set."""
    from kb.language.query_reading import read_query

    return {**new_concept(read_query(text), "test"), **fields}


def add_concepts(kb: KnowledgeBase, texts: Sequence[str], **fields: Any) -> None:
    """Commit concepts with these texts, without vectors."""
    rows = [concept(text, **fields) for text in texts]

    def change(publication: Publication) -> tuple[dict[str, Any], None]:
        publication.write("concepts", concept_batches(rows, publication.dataset("concepts").schema))
        publication.index_words("concepts", "text")
        return {"added": len(rows)}, None

    kb.publish("add", change, by="tester")


def write_concepts(publication: Publication, *texts: str) -> tuple[dict[str, int], None]:
    """A change that adds concepts with these texts."""
    rows = [concept(text) for text in texts]
    publication.write("concepts", concept_batches(rows, publication.dataset("concepts").schema))
    return {"added": len(rows)}, None


def many_texts(count: int, noun: str = "nodule") -> list[str]:
    """Texts of so many different concepts: each with a word of its own that nobody knows."""
    syllables = [f"{consonant}{vowel}" for consonant in "bdgkmprtvz" for vowel in "aeiou"]
    size = len(syllables)
    words = (f"x{syllables[n // size % size]}{syllables[n % size]}q" for n in range(count))
    return [f"{word} {noun}" for word in words]
