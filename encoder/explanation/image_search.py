"""`images search`: images found by a sentence, a concept or a likeness, in the encoder's space or the projected one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from encoder.explanation.contact_sheet import draw_contact_sheet
from encoder.prediction.concept_list import find_concept
from encoder.prediction.view import view_of
from encoder.prediction.zero_shot import sentence_vectors
from encoder.space.concept_space import open_space
from encoder.space.fitted.fit import REPORTS, open_directions
from encoder.vectors.encoders import StoredEncoder
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from encoder.vectors.pixels import PixelReader, kept_pictures
from kb.display import Listing
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from kb.vectors.embedding import Embedder

SearchSpace = Literal["encoder", "llm"]
Kind = Literal["text", "concept", "image"]


@dataclass(frozen=True, slots=True)
class ImageHit:
    """One image found, and its cosine with what was asked for; of a foreign encoder a concept's score in it."""

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
    encoder: StoredEncoder,
    query: str,
    *,
    kind: Kind | None = None,
    space: SearchSpace = "encoder",
    k: int = 12,
    embedder: Callable[[], Embedder],
) -> ImageSearch:
    """The `k` images nearest to a query.

    Args:
        kb: where to search; the images have to have vectors.
        encoder: whose. A foreign one knows no sentences and no LLM space, and concepts by their fitted directions.
        query: the id of an image, the id or text of a concept, or any sentence.
        kind: which of these it is; default: the first that it can be.
        space: the encoder's own, or the LLM space that images are projected into.
        k: how many at most.
        embedder: gives the vocabulary's embedder, called only where a sentence needs it.

    Raises:
        UsageError: no image has a vector, nothing is embedded, there is no such image or concept, or the encoder is
            foreign and the query asks for more than vectors.
        ClearKbError: the encoder is foreign and the concept has no direction that can be trusted.
    """
    images = read_image_vectors(kb, encoder.encoder)
    asked, similarity = similarities(kb, encoder, images, query, kind=kind, space=space, embedder=embedder)
    order = [int(n) for n in np.argsort(-similarity, kind="stable")[:k] if np.isfinite(similarity[n])]
    return ImageSearch(asked, query, space, _hits(kb, images, order, similarity))


def similarities(
    kb: KnowledgeBase,
    encoder: StoredEncoder,
    images: ImageVectors,
    query: str,
    *,
    kind: Kind | None = None,
    space: SearchSpace = "encoder",
    embedder: Callable[[], Embedder],
) -> tuple[Kind, np.ndarray]:
    """What a query was taken for, and how near every image is to it, (n,): minus infinity for the image itself.

    Args:
        kb: where to search.
        encoder: whose vectors.
        images: the vectors of all images by it.
        query: see `search_images`, as `kind`, `space`, `embedder` and what is raised.
        kind: likewise.
        space: likewise.
        embedder: likewise.
    """
    asked: Kind = kind or ("image" if query in images.image_ids else "concept" if _is_concept(kb, query) else "text")
    if asked == "image" and query not in images.image_ids:
        read_image_vectors(kb, encoder.encoder, [query])  # it says why there is none
    if encoder.without_concepts:
        similarity = _by_vectors(kb, encoder, images, query=query, kind=asked, space=space)
    else:
        similarity = _by_encoder(kb, encoder, images, query=query, kind=asked, space=space, embedder=embedder)
    if asked == "image":
        similarity[images.image_ids.index(query)] = -np.inf  # the image itself is no find
    return asked, similarity


def _is_concept(kb: KnowledgeBase, query: str) -> bool:
    try:
        find_concept(kb, query)
    except UsageError:
        return False
    return True


def _by_encoder(
    kb: KnowledgeBase,
    encoder: StoredEncoder,
    images: ImageVectors,
    *,
    query: str,
    kind: Kind,
    space: SearchSpace,
    embedder: Callable[[], Embedder],
) -> np.ndarray:
    """The cosine of every image with a query, in a space of an encoder of ours."""
    checkpoint = encoder.checkpoint()
    concepts = open_space(kb, checkpoint)
    if kind == "image":
        own = images.matrix[images.image_ids.index(query)]
        wanted = own if space == "encoder" else concepts.projector.project(own)
    elif kind == "concept" and space == "encoder":
        wanted = concepts.vectors[concepts.place(find_concept(kb, query))]
    else:
        said = kb.vocabulary.get(find_concept(kb, query)).text if kind == "concept" else query
        needs = space == "llm" or checkpoint.facts.embedder is not None
        wanted = sentence_vectors([said], space, checkpoint, embedder=embedder() if needs else None)[0]
    return view_of(space, images.matrix, concepts.projector).along(_unit(wanted))


def _by_vectors(
    kb: KnowledgeBase, encoder: StoredEncoder, images: ImageVectors, *, query: str, kind: Kind, space: SearchSpace
) -> np.ndarray:
    """The cosine of every image with another, or the score of a concept in it, by vectors from elsewhere."""
    if kind == "text" or space == "llm":
        what = f"'{query}' is no image of it, and no concept: of sentences" if kind == "text" else "of the LLM space"
        which = f"is the frozen backbone {encoder.backbone}" if encoder.backbone else "came as a file of vectors"
        raise UsageError(
            f"encoder {encoder.encoder} {which}, {what} it knows nothing: name an image or a concept, or an encoder "
            "that has a text side",
            parameter="encoder",
        )
    if kind == "concept":
        return _scores(kb, encoder, images, find_concept(kb, query))
    lengths = np.linalg.norm(images.matrix, axis=1).astype(np.float64)
    along: np.ndarray = images.matrix @ images.matrix[images.image_ids.index(query)]
    return along / lengths / lengths[images.image_ids.index(query)]


def _scores(kb: KnowledgeBase, encoder: StoredEncoder, images: ImageVectors, concept_id: str) -> np.ndarray:
    """The score of a concept in every image, by its fitted direction or by that of its finding."""
    found = open_directions(kb, encoder)
    ids, findings = (found.concepts[name].to_pylist() for name in ("concept_id", "finding"))
    concept = kb.vocabulary.get(concept_id)
    by_finding = found.origin == REPORTS and concept.assertion == "present" and concept.text == concept.finding
    places = [n for n, one in enumerate(ids) if one == concept_id] or (
        [n for n, one in enumerate(findings) if one == concept.finding] if by_finding else []
    )
    if not places:
        what = "findings" if found.origin == REPORTS else "concepts"
        raise ClearKbError(
            f"'{concept.text}' has no direction among the vectors of encoder {encoder.encoder} that can be trusted: "
            f"{len(found):,} of {found.fitted:,} {what} have one"
        )
    at = places[0]
    scores: np.ndarray = found.scale[at] * (images.matrix @ found.vectors[at]) + found.bias[at]
    return scores


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


def write_contact_sheet(kb: KnowledgeBase, found: ImageSearch, *, path: Path, encoder: StoredEncoder) -> None:
    """Write the images found as one picture, each with its id and similarity under it.

    Raises:
        UsageError: nothing was found, or the pixels of an image are missing.
    """
    if not found.hits:
        raise UsageError("nothing was found to draw")
    where = f"image_id IN {literals(hit.image_id for hit in found.hits)}"
    rows = kb.dataset("images").to_table(columns=["image_id", "content_hash"], filter=where).to_pylist()
    contents = {row["image_id"]: row["content_hash"] for row in rows}
    if lacking := [hit.image_id for hit in found.hits if hit.image_id not in contents]:
        raise UsageError(f"there is no picture of {lacking[0]} here: only tables speak of it", need="images")
    wanted = [contents[hit.image_id] for hit in found.hits]
    own = None if encoder.is_foreign else PixelReader(kb, encoder.checkpoint().preprocessing)
    pictures = kept_pictures(kb, wanted) if own is None else list(own.take(wanted))
    captions = [f"{hit.image_id}\n{hit.similarity:+.3f}" for hit in found.hits]
    draw_contact_sheet(pictures, captions, path, title=f"{found.kind}: {found.query} ({found.space})")
