"""The folded projector P = E^T diag(w) C (DESIGN section 2): image vectors into the LLM space, without scores between.

For an image vector f, scoring every concept and weighting their embeddings by the scores, and by what each concept
counts, is z = sum_i w_i (c_i f) e_i = P f. P is (D, d) however many concepts there are. It is summed up over the
vocabulary once, and a commit that changes a few of them is followed by taking their old terms out, putting the new ones
in, and scaling those of concepts that count otherwise because their finding has more or fewer of them now.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from encoder.space.concept_matrices import ConceptChunk, concept_table, iter_concepts
from encoder.space.text_side import TextSide
from encoder.space.weighting import PUBLISHED, Weighting, weights_of
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.reading.json_text import read_json_file


@dataclass(frozen=True, slots=True)
class ProjectorFacts:
    """What a projector was made of: it is valid for these and for nothing else."""

    commit: str
    embedder: str
    text_side: str
    concepts: int
    weighting: Weighting = PUBLISHED


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
        """Write the projector to a folder, beside those of other weightings: safetensors, and JSON that tells."""
        folder.mkdir(parents=True, exist_ok=True)
        weights, facts = _names(self.facts.weighting)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            save_file({"P": self.matrix}, Path(aside) / weights)
            (Path(aside) / facts).write_text(json.dumps(asdict(self.facts), indent=2) + "\n", encoding="utf-8")
            for name in (weights, facts):
                (Path(aside) / name).replace(folder / name)

    @classmethod
    def load(
        cls, folder: Path, weighting: Weighting = PUBLISHED, *, expect: Mapping[str, Any] | None = None
    ) -> Projector:
        """The projector that `save` wrote.

        Args:
            folder: where.
            weighting: of the concepts.
            expect: facts that have to hold: {"commit": ..., "embedder": ..., "text_side": ...}.

        Raises:
            ClearKbError: there is none, it is broken, or a fact is another; the message says which.
        """
        weights, stated = _names(weighting)
        try:
            facts = ProjectorFacts(**read_json_file(folder / stated))
            matrix = load_file(folder / weights)["P"]
        except (OSError, ValueError, TypeError, KeyError, UsageError, SafetensorError) as error:
            raise ClearKbError(f"{folder} holds no projector that can be read: {error}") from error
        for name, value in (expect or {}).items():
            if getattr(facts, name) != value:
                raise ClearKbError(f"the projector in {folder} is of {name} {getattr(facts, name)}, not {value}")
        return cls(matrix, facts)


def build_projector(
    kb: KnowledgeBase,
    text_side: TextSide,
    weighting: Weighting = PUBLISHED,
    *,
    also: Callable[[ConceptChunk], None] | None = None,
) -> Projector:
    """Sum P up over the concepts in use at the commit of `kb`, a few thousand at a time.

    Args:
        kb: the vocabulary.
        text_side: gives its concepts their vectors.
        weighting: how much each of them counts.
        also: hears of every part of the vocabulary as it goes by, so that one pass serves all.

    Raises:
        UsageError: the vocabulary is not embedded, or empty.
        EmbeddingError: a concept in use has no embedding.
    """
    embedder, known = _embedder(kb), _known(kb, weighting)
    total = None
    for chunk in iter_concepts(kb, text_side):
        term = _term(chunk, {concept_id: known[concept_id].weight for concept_id in chunk.concept_ids})
        total = term if total is None else total + term
        if also is not None:
            also(chunk)
    if total is None:
        raise _nothing_in_use(kb)
    facts = ProjectorFacts(kb.commit.commit_id, embedder, text_side.text_side_id, len(known), weighting)
    return Projector(total, facts)


def follow(projector: Projector, kb: KnowledgeBase, text_side: TextSide) -> Projector:
    """The projector at the commit of `kb`, of the same weighting, without looking at concepts that count as before.

    Raises:
        UsageError: the projector is of another embedder or text side: it has to be built anew.
    """
    facts = projector.facts
    if (facts.embedder, facts.text_side) != (_embedder(kb), text_side.text_side_id):
        raise UsageError("the projector is of another embedder or encoder: build it anew")
    if facts.commit == kb.commit.commit_id:
        return projector
    old = kb.at(facts.commit)
    before, now = _known(old, facts.weighting), _known(kb, facts.weighting)
    went, more = _changes(before, now)
    matrix = projector.matrix.copy()
    for at, weights in ((old, went), (kb, more)):
        for chunk in iter_concepts(at, text_side, list(weights)):
            matrix += _term(chunk, weights)
    made_of = ProjectorFacts(kb.commit.commit_id, facts.embedder, facts.text_side, len(now), facts.weighting)
    return Projector(matrix, made_of)


def project_explicitly(
    kb: KnowledgeBase, text_side: TextSide, vectors: np.ndarray, weighting: Weighting = PUBLISHED
) -> np.ndarray:
    """The same projection by way of the scores, as published: what the folded one is held against, (n, D)."""
    total, known = None, _known(kb, weighting)
    for chunk in iter_concepts(kb, text_side):
        weights = np.array([known[concept_id].weight for concept_id in chunk.concept_ids], dtype=np.float32)
        scores = np.asarray(vectors, dtype=np.float32) @ chunk.vectors.T
        part = (scores * weights) @ chunk.embeddings
        total = part if total is None else total + part
    if total is None:
        raise _nothing_in_use(kb)
    return total


class _Known(NamedTuple):
    """What a concept's term is made of: its text, which its vectors are of, and its weight."""

    text: str
    weight: float


def _known(kb: KnowledgeBase, weighting: Weighting) -> dict[str, _Known]:
    """The concepts in use, by id."""
    table = concept_table(kb)
    texts, weights = table["text"].to_pylist(), weights_of(table, weighting).tolist()
    return dict(zip(table["concept_id"].to_pylist(), map(_Known, texts, weights), strict=True))


def _changes(before: Mapping[str, _Known], now: Mapping[str, _Known]) -> tuple[dict[str, float], dict[str, float]]:
    """What is added to P of old terms (they go: it is negative), and of the terms that there are now."""
    went, more = {}, {}
    for concept_id, was in before.items():
        if concept_id not in now or now[concept_id].text != was.text:
            went[concept_id] = -was.weight
    for concept_id, known in now.items():
        same = before.get(concept_id)
        if same is None or same.text != known.text:
            more[concept_id] = known.weight
        elif same.weight != known.weight:
            more[concept_id] = known.weight - same.weight
    return went, more


def _term(chunk: ConceptChunk, weights: Mapping[str, float]) -> np.ndarray:
    counted = np.array([weights[concept_id] for concept_id in chunk.concept_ids])
    term: np.ndarray = (chunk.embeddings.astype(np.float64).T * counted) @ chunk.vectors.astype(np.float64)
    return term


def _names(weighting: Weighting) -> tuple[str, str]:
    """The files of a projector: P, and what it was made of."""
    return f"projector-{weighting}.safetensors", f"projector-{weighting}.json"


def _nothing_in_use(kb: KnowledgeBase) -> UsageError:
    return UsageError(f"{kb.uri} has no concepts in use at commit {kb.commit.commit_id}")


def _embedder(kb: KnowledgeBase) -> str:
    return kb.require_embedder().embedder_id
