"""`images search`: images found by a sentence, a concept or a likeness, in the encoder's space or the projected one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from encoder.explanation.contact_sheet import draw_contact_sheet
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.concept_list import find_concept
from encoder.prediction.view import view_of
from encoder.prediction.zero_shot import sentence_vectors
from encoder.space.concept_space import ConceptSpace, open_space
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from encoder.vectors.pixels import PixelReader
from kb.display import Listing
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from kb.vectors.embedding import Embedder

SearchSpace = Literal["encoder", "llm"]
Kind = Literal["text", "concept", "image"]


@dataclass(frozen=True, slots=True)
class ImageHit:
    """One image found, and its cosine with what was asked for."""

    image_id: str
    similarity: float
    study_id: str | None
    patient_id: str | None
    view: str | None


@dataclass(frozen=True, slots=True)
class ImageSearch:
    """What was found: the hits, the nearest first, and what the query was taken for."""

    kind: Kind
    query: str
    space: SearchSpace
    hits: Listing[ImageHit]


def search_images(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    query: str,
    *,
    kind: Kind | None = None,
    space: SearchSpace = "encoder",
    k: int = 12,
    embedder: Callable[[], Embedder],
) -> ImageSearch:
    """The `k` images nearest to a query.

    Args:
        kb: where to search; the images have to be encoded.
        checkpoint: the encoder.
        query: the id of an image, the id or text of a concept, or any sentence.
        kind: which of these it is; default: the first that it can be.
        space: the encoder's own, or the LLM space that images are projected into.
        k: how many at most.
        embedder: gives the vocabulary's embedder, called only where a sentence needs it.

    Raises:
        UsageError: nothing is encoded or embedded, or there is no such image or concept.
    """
    images = read_image_vectors(kb, checkpoint.encoder_id)
    concepts = open_space(kb, checkpoint)
    asked: Kind = kind or ("image" if query in images.image_ids else "concept" if _is_concept(kb, query) else "text")
    wanted = _vector(kb, checkpoint, images, concepts=concepts, query=query, kind=asked, space=space, embedder=embedder)
    similarity = view_of(space, images.matrix, concepts.projector).along(_unit(wanted))
    if asked == "image":
        similarity[images.image_ids.index(query)] = -np.inf  # the image itself is no find
    order = [int(n) for n in np.argsort(-similarity, kind="stable")[:k] if np.isfinite(similarity[n])]
    return ImageSearch(asked, query, space, _hits(kb, images, order, similarity))


def _is_concept(kb: KnowledgeBase, query: str) -> bool:
    try:
        find_concept(kb, query)
    except UsageError:
        return False
    return True


def _vector(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    images: ImageVectors,
    concepts: ConceptSpace,
    query: str,
    kind: Kind,
    space: SearchSpace,
    embedder: Callable[[], Embedder],
) -> np.ndarray:
    """What is searched for, as a vector of the space."""
    if kind == "image":
        own: np.ndarray = read_image_vectors(kb, checkpoint.encoder_id, [query]).matrix[0]
        return own if space == "encoder" else concepts.projector.project(own)
    if kind == "concept":
        concept_id = find_concept(kb, query)
        if space == "encoder":
            vector: np.ndarray = concepts.vectors[concepts.place(concept_id)]
            return vector
        query = kb.vocabulary.get(concept_id).text
    needs = space == "llm" or checkpoint.facts.embedder is not None
    sentence: np.ndarray = sentence_vectors([query], space, checkpoint, embedder=embedder() if needs else None)[0]
    return sentence


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector, dtype=np.float64) / max(float(np.linalg.norm(vector)), 1e-12)


def _hits(kb: KnowledgeBase, images: ImageVectors, order: Sequence[int], similarity: np.ndarray) -> Listing[ImageHit]:
    ids = [images.image_ids[n] for n in order]
    columns = ["image_id", "study_id", "patient_id", "view"]
    where = f"image_id IN {literals(ids)}"
    rows = (
        {} if not ids else {row["image_id"]: row for row in kb.dataset("images").to_table(columns, where).to_pylist()}
    )
    hits = [
        ImageHit(
            image_id,
            float(similarity[n]),
            *(rows.get(image_id, {}).get(name) for name in columns[1:]),
        )
        for n, image_id in zip(order, ids, strict=True)
    ]
    return Listing(hits, ("image_id", "similarity", "study_id", "patient_id", "view"))


def write_contact_sheet(kb: KnowledgeBase, checkpoint: Checkpoint, found: ImageSearch, *, path: Path) -> None:
    """Write the images found as one picture, each with its id and similarity under it.

    Raises:
        UsageError: nothing was found, or the pixels of an image are missing.
    """
    if not found.hits:
        raise UsageError("nothing was found to draw")
    where = f"image_id IN {literals(hit.image_id for hit in found.hits)}"
    rows = kb.dataset("images").to_table(columns=["image_id", "content_hash"], filter=where).to_pylist()
    contents = {row["image_id"]: row["content_hash"] for row in rows}
    pixels = PixelReader(kb, checkpoint.preprocessing).take([contents[hit.image_id] for hit in found.hits])
    captions = [f"{hit.image_id}\n{hit.similarity:+.3f}" for hit in found.hits]
    draw_contact_sheet(list(pixels), captions, path, title=f"{found.kind}: {found.query} ({found.space})")
