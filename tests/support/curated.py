"""A small vocabulary to curate, and acts of every kind on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query

TEXTS = ("pleural effusion", "puddle of pleural fluid", "left nodule", "right nodule", "no mass")


def concept_id(text: str) -> str:
    return read_query(text).concept_id


EFFUSION, FLUID, LEFT, RIGHT, NO_MASS = map(concept_id, TEXTS)

ACTS: list[Callable[[Any], Any]] = [
    lambda v: v.accept(EFFUSION, LEFT),
    lambda v: v.reject(LEFT),
    lambda v: v.rename(LEFT, "spot on the left"),
    lambda v: v.merge(FLUID, into=EFFUSION),
    lambda v: v.retire(NO_MASS),
    lambda v: v.retire(FLUID, EFFUSION),
    lambda v: v.add("hiatal hernia"),
    lambda v: v.add_synonyms(RIGHT, "coin lesion"),
    lambda v: v.set_facet(RIGHT, "anatomy", "lung base"),
    lambda v: v.set_note(RIGHT, "a note"),
    lambda v: v.keep_apart(LEFT, RIGHT, EFFUSION),
    lambda v: v.map_to(EFFUSION, "RADLEX:RID34539"),
    lambda v: v.merge(EFFUSION, into=FLUID),
]


def rows(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """The concepts as they stand, but for their vectors."""
    names = [name for name in kb.dataset("concepts").schema.names if name not in ("embedding", "embedder")]
    return sorted(kb.dataset("concepts").to_table(columns=names).to_pylist(), key=lambda row: row["concept_id"])
