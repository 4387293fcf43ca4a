"""Many predictions of one run taken apart at once, as rows: the largest of each, and what else its logit is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from encoder.explanation.explanation import Explainer
from encoder.explanation.largest import NONE, directions_by_finding, largest_contributions
from encoder.explanation.parts import Terms
from encoder.prediction.head import Head
from schemas.tables import ATTRIBUTION_SUMS, ATTRIBUTIONS

Grouping = Literal["concept", "finding"]
"""What contributions are of: each concept, or all concepts of a finding together."""

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


@dataclass(frozen=True, eq=False)
class Taken:
    """Some predictions of one label taken apart: rows of `attributions` and of `attribution_sums`."""

    largest: pa.RecordBatch
    sums: pa.RecordBatch

    @property
    def residual(self) -> float:
        """The largest residual, by size."""
        return float(np.abs(self.sums["residual"].to_numpy()).max(initial=0))


class BatchExplainer:
    """Takes predictions of one run apart, a few hundred images at a time; what all of them share is made once.

    Args:
        explainer: of the run.
        heads: the labels.
        grouping: by concept, or summed by finding.
        top: contributions that are kept of each prediction.
    """

    def __init__(self, explainer: Explainer, heads: Sequence[Head], *, grouping: Grouping, top: int):
        self.explainer = explainer
        self.heads = heads
        self.grouping = grouping
        self.top = top
        self._per_score = np.stack([explainer.per_score(head) for head in heads], axis=1)

    def take(self, image_ids: Sequence[str], vectors: np.ndarray, wanted: np.ndarray) -> list[Taken]:
        """Take the predictions of some images apart.

        Args:
            image_ids: whose they are.
            vectors: of the images, (m, d).
            wanted: which labels of which images, (m, labels), bool.
        """
        above = self.explainer.above(vectors)
        columns: list[int] = np.flatnonzero(wanted.any(axis=0)).tolist()
        found = self._by_concept(above, columns) if self.grouping == "concept" else self._by_finding(above, columns)
        return [
            self._rows(image_ids, self.heads[column], vectors, np.flatnonzero(wanted[:, column]), one)
            for column, one in zip(columns, found, strict=True)
        ]

    def _by_concept(self, above: np.ndarray, columns: Sequence[int]) -> list[_Named]:
        space = self.explainer.space
        found = largest_contributions(space.vectors, self._per_score[:, columns], above, top=self.top)
        return [_Named(one.places, one.scores, one.contributions, one.sums) for one in found]

    def _by_finding(self, above: np.ndarray, columns: Sequence[int]) -> list[_Named]:
        found = []
        for column in columns:
            added = above @ self._directions[column].T
            places = np.argsort(-np.abs(added), axis=1, kind="stable")[:, : self.top]
            contributions = np.take_along_axis(added, places, axis=1)
            found.append(_Named(np.where(contributions == 0, NONE, places), None, contributions, added.sum(axis=1)))
        return found

    @cached_property
    def _directions(self) -> list[np.ndarray]:
        codes, names = self._findings
        return [
            directions_by_finding(self.explainer.space.vectors, weights, codes, findings=len(names))
            for weights in self._per_score.T
        ]

    @cached_property
    def _findings(self) -> tuple[np.ndarray, pa.Array]:
        """The number of each concept's finding, and the findings."""
        encoded = self.explainer.space.concepts["finding"].combine_chunks().dictionary_encode()
        return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary

    def _rows(
        self, image_ids: Sequence[str], head: Head, vectors: np.ndarray, numbers: np.ndarray, found: _Named
    ) -> Taken:
        terms, found = self.explainer.terms(head, vectors[numbers]), found.part(numbers)
        contributions = found.contributions * terms.per_length[:, None]
        ids = pa.array([image_ids[number] for number in numbers], pa.string())
        return Taken(
            self._largest_rows(ids, head, found, contributions), self._sum_rows(ids, head, found, contributions, terms)
        )

    def _largest_rows(self, ids: pa.Array, head: Head, found: _Named, contributions: np.ndarray) -> pa.RecordBatch:
        rows, columns = np.nonzero(found.places != NONE)
        names = {"concept_id": pa.nulls(len(rows), pa.string()), "finding": pa.nulls(len(rows), pa.string())}
        places = pa.array(found.places[rows, columns])
        if self.grouping == "concept":
            names["concept_id"] = self.explainer.space.concepts["concept_id"].combine_chunks().take(places)
        else:
            names["finding"] = self._findings[1].take(places)
        scores = pa.nulls(len(rows), pa.float64())
        if found.scores is not None:
            scores = pa.array(found.scores[rows, columns].astype(np.float64))
        return self._batch(
            ATTRIBUTIONS.schema,
            ids.take(pa.array(rows)),
            head,
            rank=pa.array((columns + 1).astype(np.int32)),
            **names,
            score=scores,
            contribution=pa.array(contributions[rows, columns].astype(np.float64)),
        )

    def _sum_rows(
        self, ids: pa.Array, head: Head, found: _Named, contributions: np.ndarray, terms: Terms
    ) -> pa.RecordBatch:
        total = found.sums * terms.per_length
        return self._batch(
            ATTRIBUTION_SUMS.schema,
            ids,
            head,
            top=pa.array([self.top] * len(ids), pa.int32()),
            space=pa.array([self.explainer.space.folder.name] * len(ids)),
            logit=pa.array(terms.logit),
            base=pa.array(terms.base),
            outside=pa.array(terms.outside),
            others=pa.array(total - contributions.sum(axis=1, dtype=np.float64)),
            residual=pa.array(terms.logit - terms.base - terms.outside - total),
        )

    def _batch(self, schema: pa.Schema, ids: pa.Array, head: Head, **columns: pa.Array) -> pa.RecordBatch:
        alike = {"run": self.explainer.run.name, "label": head.label, "grouping": self.grouping}
        known = {"image_id": ids, **{name: pa.array([text] * len(ids)) for name, text in alike.items()}, **columns}
        return pa.RecordBatch.from_arrays([known[field.name] for field in schema], schema=schema)


@dataclass(frozen=True, eq=False)
class _Named:
    """The largest contributions of m images by their places, but for 1/|z|; findings have no score."""

    places: np.ndarray
    scores: np.ndarray | None
    contributions: np.ndarray
    sums: np.ndarray

    def part(self, numbers: np.ndarray) -> _Named:
        """Those of some images."""
        scores = None if self.scores is None else self.scores[numbers]
        return _Named(self.places[numbers], scores, self.contributions[numbers], self.sums[numbers])
