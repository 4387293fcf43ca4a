"""The images that pass some filters, in their order, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from encoder.explanation.image_search import similarities
from encoder.prediction.concept_list import find_concept
from encoder.prediction.ground_truth import known_labels
from encoder.space.concept_space import open_space
from encoder.vectors.encoders import StoredEncoder
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from kb.vectors.embedding import Embedder
from workbench.images.catalogue import Catalogue, catalogue_of
from workbench.images.filters import Filters
from workbench.images.models import encoders_of

T = TypeVar("T")

PAGE = 48
"""Images of a page: whole rows at 2, 3, 4, 6 and 8 in a row."""

WRONG = ("false positive", "false negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One image of the gallery: what is told under it."""

    image_id: str
    content: str
    view: str | None
    study_id: str | None
    truth: bool | None = None
    score: float | None = None
    above: bool | None = None
    similarity: float | None = None

    @property
    def wrong(self) -> str | None:
        """How its prediction is wrong, if it is."""
        if self.truth is None or self.above is None or self.truth == self.above:
            return None
        return WRONG[0] if self.above else WRONG[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """One page of the images that pass.

    Attributes:
        cells: the images of the page.
        count: how many pass in all, of `all`.
        page: which page this is, of `pages`.
        order: what the images are ordered by, in words.
        sources: of the labels that are shown, by name: of several that speak of an image the first counts.
    """

    cells: Sequence[Cell]
    count: int
    all: int
    page: int
    pages: int
    order: str
    sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can be set to, but for places."""

    labels: list[str]
    runs: list[str]
    encoders: list[str]


@dataclass(frozen=True, slots=True)
class Places:
    """Where images can be from, in which split they can be, and how they can have been taken."""

    sites: list[str]
    splits: list[str]
    views: list[str]


def places_of(base: KnowledgeBase) -> Places:
    """Where the images of a state are from: by all tables that tell, which takes a while where there are many."""
    catalogue = catalogue_of(base)
    found = [sorted({one for one in catalogue.column(name) if one is not None}) for name in ("site", "split", "view")]
    return Places(*found)


def choices_of(base: KnowledgeBase) -> Choices:
    """What the filters can be set to at a state."""
    return Choices(
        labels=known_labels(base),
        runs=sorted(base.dataset("runs").to_table(columns=["run"])["run"].to_pylist()),
        encoders=[one.encoder for one in encoders_of(base)],
    )


def gallery_of(base: KnowledgeBase, filters: Filters, *, embedder: Callable[[], Embedder]) -> Gallery:
    """A page of the images that pass; the nearest to what is searched for first, else by score, else by id.

    Args:
        base: the state.
        filters: what is asked for.
        embedder: gives the vocabulary's embedder, called where a sentence needs it.

    Raises:
        UsageError: what is searched for, the run, the label or the concept is not there.
    """
    catalogue = catalogue_of(base)
    passing = np.ones(len(catalogue), dtype=bool)
    near = np.full(len(catalogue), np.nan)
    order = "their ids"
    if not filters.all_of_them:
        passing = _passing(base, catalogue, filters)
    if filters.q:
        near, order = _nearness(base, catalogue, filters, embedder)
        passing &= np.isfinite(near)
    places = np.flatnonzero(passing)
    if filters.q:
        places = places[np.argsort(-near[places], kind="stable")]
    elif filters.run and filters.label:
        score = catalogue.outcomes(filters.run, filters.label).score
        places = places[np.argsort(-np.nan_to_num(score[places], nan=-1.0), kind="stable")]
        order = f"the score of {filters.label} in {filters.run}, the highest first"
    pages = max(1, -(-len(places) // PAGE))
    page = min(filters.page, pages)
    chosen = places[(page - 1) * PAGE : page * PAGE]
    return Gallery(
        cells=_cells(catalogue, filters, chosen, near),
        count=len(places),
        all=len(catalogue),
        page=page,
        pages=pages,
        order=order,
        sources=catalogue.truths(filters.label).sources if filters.label else (),
    )


def _passing(base: KnowledgeBase, catalogue: Catalogue, filters: Filters) -> np.ndarray:
    passing = np.ones(len(catalogue), dtype=bool)
    for name in ("site", "split", "view"):
        if wanted := getattr(filters, name):
            passing &= catalogue.column(name) == wanted
    if filters.held:
        truth = catalogue.truths(filters.label).value
        passing &= np.isnan(truth) if filters.held == "unknown" else truth == float(filters.held)
    if filters.run and filters.label:
        told = catalogue.outcomes(filters.run, filters.label)
        if np.isnan(told.score).all():
            raise UsageError(f"run '{filters.run}' predicts no '{filters.label}' of any image")
        passing &= ~np.isnan(told.score)
        if filters.called in ("above", "below"):
            passing &= told.above == float(filters.called == "above")
        elif filters.called:
            positive, truth = filters.called == "false positive", catalogue.truths(filters.label).value
            passing &= (told.above == float(positive)) & (truth == float(not positive))
    elif filters.run:
        passing &= _predicted(base, catalogue, filters.run)
    if filters.concept:
        passing &= _concept_scores(base, catalogue, filters) >= filters.above
    return passing


def _predicted(base: KnowledgeBase, catalogue: Catalogue, run: str) -> np.ndarray:
    """Which images a run predicts anything of."""
    rows = base.dataset("predictions").to_table(columns=["image_id"], filter=f"run IN {literals([run])}")
    known = set(rows["image_id"].unique().to_pylist())
    return np.array([image in known for image in catalogue.ids], dtype=bool)


def _encoder(base: KnowledgeBase, filters: Filters) -> StoredEncoder:
    known = encoders_of(base)
    chosen = [one for one in known if one.encoder == filters.encoder or not filters.encoder]
    if not chosen:
        told = f"no encoder is called {filters.encoder}" if known else "no image has a vector: encode the images first"
        raise UsageError(told, need="image vectors")
    return chosen[0]


def _concept_scores(base: KnowledgeBase, catalogue: Catalogue, filters: Filters) -> np.ndarray:
    """The score of a concept in each image, in standard deviations above their mean; NaN without a vector."""
    encoder = _encoder(base, filters)
    images = catalogue.vectors(encoder.encoder)
    space = open_space(base, encoder.checkpoint())
    vector = np.asarray(space.vectors[space.place(find_concept(base, filters.concept))], dtype=np.float32)
    scores = images.matrix @ vector
    standard = (scores - scores.mean()) / max(float(scores.std()), 1e-12)
    return _spread_out(catalogue, images.image_ids, standard)


def _nearness(
    base: KnowledgeBase, catalogue: Catalogue, filters: Filters, embedder: Callable[[], Embedder]
) -> tuple[np.ndarray, str]:
    """How near each image is to what is searched for, and that in words."""
    encoder = _encoder(base, filters)
    images = catalogue.vectors(encoder.encoder)
    kind, near = similarities(base, encoder, images, filters.q, kind=filters.kind or None, embedder=embedder)
    what = {"text": "the sentence", "concept": "the concept", "image": "the image"}[kind]
    return _spread_out(catalogue, images.image_ids, near), f"their likeness to {what} “{filters.q}”"


def _spread_out(catalogue: Catalogue, image_ids: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Values of some images in the order of all; NaN for the others."""
    found = np.full(len(catalogue), np.nan)
    places = np.array([catalogue.place.get(image, -1) for image in image_ids])
    found[places[places >= 0]] = values[places >= 0]
    return found


def _cells(catalogue: Catalogue, filters: Filters, places: np.ndarray, near: np.ndarray) -> list[Cell]:
    rows = catalogue.table.take(places).to_pylist()
    truth = catalogue.truths(filters.label).value[places] if filters.label else np.full(len(places), np.nan)
    score, above = np.full(len(places), np.nan), np.full(len(places), np.nan)
    if filters.run and filters.label:
        told = catalogue.outcomes(filters.run, filters.label)
        score, above = told.score[places], told.above[places]
    return [
        Cell(
            image_id=row["image_id"],
            content=row["content_hash"],
            view=row["view"],
            study_id=row["study_id"],
            truth=_known(truth[n], bool),
            score=_known(score[n], float),
            above=_known(above[n], bool),
            similarity=_known(near[places[n]], float),
        )
        for n, row in enumerate(rows)
    ]


def _known(value: float, kind: Callable[[float], T]) -> T | None:
    return None if np.isnan(value) else kind(value)
