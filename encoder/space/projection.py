"""The folded projector P = E^T C (DESIGN section 2): image vectors into the LLM space, without scores in between.

For an image vector f, scoring every concept and weighting their embeddings by the scores is z = E^T (C f) = P f. P is
(D, d) however many concepts there are. It is summed up over the vocabulary once, and a commit that changes a few of
them is followed by taking their old terms out and putting the new ones in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from encoder.space.concept_matrices import ConceptChunk, iter_concepts
from encoder.space.text_side import TextSide
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from schemas.terms import IN_USE

WEIGHTS, FACTS = "projector.safetensors", "projector.json"


@dataclass(frozen=True, slots=True)
class ProjectorFacts:
    """What a projector was made of: it is valid for these and for nothing else."""

    commit: str
    embedder: str
    text_side: str
    concepts: int


@dataclass(frozen=True, eq=False)
class Projector:
    """P, (D, d), float64: kept exact, so that updates do not drift; applied in float32."""

    matrix: np.ndarray
    facts: ProjectorFacts

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """Image vectors (n, d) into the LLM space: z (n, D), float32, not normalised."""
        projected: np.ndarray = np.asarray(vectors, dtype=np.float32) @ self.matrix.T.astype(np.float32)
        return projected

    def save(self, folder: Path) -> None:
        """Write the projector to a folder: safetensors, and JSON beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"P": self.matrix}, folder / WEIGHTS)
        (folder / FACTS).write_text(json.dumps(asdict(self.facts), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, expect: Mapping[str, Any] | None = None) -> Projector:
        """The projector that `save` wrote.

        Args:
            folder: where.
            expect: facts that have to hold: {"commit": ..., "embedder": ..., "text_side": ...}.

        Raises:
            ClearKbError: there is none, it is broken, or a fact is another; the message says which.
        """
        try:
            facts = ProjectorFacts(**json.loads((folder / FACTS).read_text(encoding="utf-8")))
            matrix = load_file(folder / WEIGHTS)["P"]
        except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
            raise ClearKbError(f"{folder} holds no projector that can be read: {error}") from error
        for name, value in (expect or {}).items():
            if getattr(facts, name) != value:
                raise ClearKbError(f"the projector in {folder} is of {name} {getattr(facts, name)}, not {value}")
        return cls(matrix, facts)


def build_projector(
    kb: KnowledgeBase, text_side: TextSide, also: Callable[[ConceptChunk], None] | None = None
) -> Projector:
    """Sum P up over the concepts in use at the commit of `kb`, a few thousand at a time.

    Args:
        kb: the vocabulary.
        text_side: gives its concepts their vectors.
        also: hears of every part of the vocabulary as it goes by, so that one pass serves all.

    Raises:
        UsageError: the vocabulary is not embedded, or empty.
        EmbeddingError: a concept in use has no embedding.
    """
    embedder = _embedder(kb)
    total, count = None, 0
    for chunk in iter_concepts(kb, text_side):
        term = _term(chunk.embeddings, chunk.vectors)
        total = term if total is None else total + term
        count += len(chunk.concept_ids)
        if also is not None:
            also(chunk)
    if total is None:
        raise UsageError(f"{kb.uri} has no concepts in use at commit {kb.commit.commit_id}")
    return Projector(total, ProjectorFacts(kb.commit.commit_id, embedder, text_side.text_side_id, count))


def follow(projector: Projector, kb: KnowledgeBase, text_side: TextSide) -> Projector:
    """The projector at the commit of `kb`: the terms of concepts that went are taken out, those of new ones put in.

    Raises:
        UsageError: the projector is of another embedder or text side: it has to be built anew.
    """
    facts = projector.facts
    if (facts.embedder, facts.text_side) != (_embedder(kb), text_side.text_side_id):
        raise UsageError("the projector is of another embedder or encoder: build it anew")
    if facts.commit == kb.commit.commit_id:
        return projector
    old = kb.at(facts.commit)
    before, now = _in_use(old), _in_use(kb)
    went = [concept_id for concept_id, text in before.items() if now.get(concept_id) != text]
    came = [concept_id for concept_id, text in now.items() if before.get(concept_id) != text]
    matrix = projector.matrix.copy()
    for chunk in iter_concepts(old, text_side, went):
        matrix -= _term(chunk.embeddings, chunk.vectors)
    for chunk in iter_concepts(kb, text_side, came):
        matrix += _term(chunk.embeddings, chunk.vectors)
    made_of = ProjectorFacts(kb.commit.commit_id, facts.embedder, facts.text_side, len(now))
    return Projector(matrix, made_of)


def project_explicitly(kb: KnowledgeBase, text_side: TextSide, vectors: np.ndarray) -> np.ndarray:
    """The same projection by way of the scores, as published: what the folded one is held against, (n, D)."""
    total = None
    for chunk in iter_concepts(kb, text_side):
        scores = np.asarray(vectors, dtype=np.float32) @ chunk.vectors.T
        part = scores @ chunk.embeddings
        total = part if total is None else total + part
    if total is None:
        raise UsageError(f"{kb.uri} has no concepts in use at commit {kb.commit.commit_id}")
    return total


def _term(embeddings: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    term: np.ndarray = embeddings.T.astype(np.float64) @ vectors.astype(np.float64)
    return term


def _embedder(kb: KnowledgeBase) -> str:
    return kb.require_embedder().embedder_id


def _in_use(kb: KnowledgeBase) -> dict[str, str]:
    """The texts of the concepts in use, by id: a vector is of a text."""
    table = kb.dataset("concepts").to_table(columns=["concept_id", "text"], filter=f"status IN {literals(IN_USE)}")
    return dict(zip(table["concept_id"].to_pylist(), table["text"].to_pylist(), strict=True))
