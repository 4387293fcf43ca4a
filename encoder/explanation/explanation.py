"""`explain`: one prediction as the sum of what its concepts contribute, exactly, with the sentences behind them.

In the LLM space the logit is scale (<w, z>/|z| + b) with z = sum_i w_i s_i e_i, w_i being what the run lets a concept
count (`encoder.space.weighting`), so that concept i contributes scale w_i s_i <e_i, w>/|z|. In the encoder's own space
it is scale (<f, w> + b), and any w of the span of the concepts is sum_i c_i <c_i, G^-1 w> with G = C^T C: concept i
contributes scale s_i <c_i, G^-1 w>. What of w lies outside that span (none, where there are many more concepts than
dimensions) is told as such. A bottleneck has its own concepts.

Every image looks much like every other to most concepts. So contributions are told against the mean image unless asked
otherwise: s_i is the score above the mean, and what the mean image would have is one term of its own (linear SHAP;
DESIGN section 2). Either way all terms sum to the logit; what numbers lose on the way is told as the residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from encoder.explanation.heatmap import concept_quantity, draw_heatmap, mean_image, quantity_of, relevance
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.concept_list import find_concept
from encoder.prediction.head import Head, scores
from encoder.prediction.runs import Run, read_run, require_its_vectors
from encoder.space.concept_space import ConceptSpace, open_space
from encoder.vectors.image_vectors import read_image_vectors
from encoder.vectors.pixels import PixelReader
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.vocabulary import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one concept adds to the logit: its score (above the mean, unless absolute) times its weight."""

    concept_id: str
    text: str
    finding: str
    score: float
    contribution: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """What all concepts of one finding add to the logit together."""

    finding: str
    concepts: int
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One prediction, taken apart.

    Attributes:
        image_id: of which image.
        label: of which label.
        run: by which run.
        score: the prediction.
        logit: the same before the sigmoid.
        base: what does not come from a concept: the bias and, unless absolute, what the mean image has.
        concepts: how many contribute.
        others: the sum of those that are not listed.
        outside: what the prediction reads of the image that no concept reaches.
        residual: the logit less base, outside and all contributions.
        top: the largest contributions, by size.
        groups: the largest by finding.
        relative: whether scores are told against the mean image.
    """

    image_id: str
    label: str
    run: str
    score: float
    logit: float
    base: float
    concepts: int
    others: float
    outside: float
    residual: float
    top: tuple[Contribution, ...]
    groups: tuple[Group, ...]
    relative: bool

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Parts:
    """What a logit, the mean of some logits, or the difference of two means is made of.

    Attributes:
        logit: the number that is taken apart.
        base: what does not come from a concept.
        outside: what is read of the images that no concept reaches.
        above: the concepts' scores above the mean image's, (N,).
        contributions: what each concept adds, (N,).
    """

    logit: float
    base: float
    outside: float
    above: np.ndarray
    contributions: np.ndarray

    @property
    def total(self) -> float:
        """The sum over all concepts."""
        return float(self.contributions.sum(dtype=np.float64))

    @property
    def residual(self) -> float:
        """The logit less everything that it is made of: what numbers lose."""
        return self.logit - self.base - self.outside - self.total

    @property
    def count(self) -> int:
        """How many concepts add anything."""
        return int(np.count_nonzero(self.contributions))

    def largest(self, top: int) -> list[int]:
        """The places of the largest contributions, by size."""
        return [int(place) for place in np.argsort(-np.abs(self.contributions), kind="stable")[:top]]

    def less(self, other: Parts) -> Parts:
        """The difference of two, term by term."""
        return Parts(
            self.logit - other.logit,
            self.base - other.base,
            self.outside - other.outside,
            self.above - other.above,
            self.contributions - other.contributions,
        )


class Explainer:
    """Explains the predictions of one run: what is needed for all of them is read once.

    Raises:
        UsageError: the run came as a table, reads a backbone before the projection, where no concept is, or was made of
            vectors of another precision than those that are stored.
    """

    def __init__(self, kb: KnowledgeBase, checkpoint: Checkpoint, run: str):
        read = read_run(kb, run)
        if read.space == "backbone":
            raise UsageError(f"run '{run}' reads the backbone before the projection: no concept has a score there")
        if read.encoder != checkpoint.encoder_id:
            raise UsageError(f"run '{run}' is of encoder {read.encoder}, not of {checkpoint.encoder_id}")
        require_its_vectors(kb, read)
        self.run: Run = read
        self.checkpoint = checkpoint
        # The vocabulary as it was when the predictions were made: else the sum would be another.
        depends = read.space == "llm" or read.method == "bottleneck"
        self.kb = kb.at(read.vocabulary_commit) if depends and read.vocabulary_commit else kb
        self.images = kb
        self.space: ConceptSpace = open_space(self.kb, checkpoint, weighting=read.weighting)
        self._weights: np.ndarray | None = None

    def explain(
        self, image_id: str, label: str, *, top: int = 10, evidence: int = 2, absolute: bool = False
    ) -> Explanation:
        """One prediction of the run.

        Args:
            image_id: of which image.
            label: of which label.
            top: contributions and groups that are listed.
            evidence: report sentences for each of them.
            absolute: tell the scores as they are, not against the mean image.

        Raises:
            UsageError: the image is not encoded, or the run does not predict the label.
        """
        head = self.run.head(label)
        vector = read_image_vectors(self.images, self.run.encoder, [image_id]).matrix
        parts = self.parts(head, vector, absolute=absolute)
        listed = self.listed(parts.largest(top), parts, evidence)
        return Explanation(
            image_id=image_id,
            label=head.label,
            run=self.run.name,
            score=float(scores(np.array(parts.logit))),
            logit=parts.logit,
            base=parts.base,
            concepts=parts.count,
            others=parts.total - sum(one.contribution for one in listed),
            outside=parts.outside,
            residual=parts.residual,
            top=tuple(listed),
            groups=tuple(self.groups(parts, top)),
            relative=not absolute,
        )

    def draw_heatmap(self, image_id: str, label: str, path: Path, *, concept: str | None = None) -> np.ndarray:
        """Draw where in an image a prediction, or a concept's score, comes from; the relevance of each place.

        Args:
            image_id: of which image.
            label: of which label.
            path: of the PNG file.
            concept: the score of this concept (id or text) rather than the prediction.

        Raises:
            UsageError: the image's pixels are missing, or there is no such concept.
        """
        pixels, found = self.locate(image_id, label, concept=concept)
        title = f"{label}, run {self.run.name}"
        if concept is not None:
            title = self.space.concepts["text"][self.space.place(find_concept(self.kb, concept))].as_py()
        draw_heatmap(pixels, found, path, title=f"{title}\n{image_id}")
        return found

    def locate(self, image_id: str, label: str, *, concept: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The pixels of an image, and what each place of it adds to a prediction, or to a concept's score.

        Args:
            image_id: of which image.
            label: of which label.
            concept: the score of this concept (id or text) rather than the prediction.

        Raises:
            UsageError: the image's pixels are missing, or there is no such concept.
        """
        if image_id not in self._contents:
            raise UsageError(f"there is no image {image_id} in {self.images.uri}")
        (pixels,) = self._reader.take([self._contents[image_id]])
        if concept is None:
            asked = quantity_of(self.run.head(label), self.run.space, self.space.projector)
        else:
            asked = concept_quantity(self.space.vectors[self.space.place(find_concept(self.kb, concept))])
        return pixels, relevance(self.checkpoint, pixels, self._mean_pixels, quantity=asked)

    @cached_property
    def _contents(self) -> dict[str, str]:
        """The content of each image."""
        rows = self.images.dataset("images").to_table(columns=["image_id", "content_hash"]).to_pylist()
        return {row["image_id"]: row["content_hash"] for row in rows}

    @cached_property
    def _reader(self) -> PixelReader:
        return PixelReader(self.images, self.checkpoint.preprocessing)

    @cached_property
    def _mean_pixels(self) -> np.ndarray:
        """The mean image, that all others are told against."""
        return mean_image(self._reader, sorted(self._contents.values()))

    def parts(self, head: Head, vectors: np.ndarray, *, absolute: bool = False) -> Parts:
        """What the logits of images (m, d) are made of, in the mean over them: exact, for all of it is linear in f/|z|.

        Nothing of size images x concepts is made: the mean of s_i/|z| is c_i times the mean of f/|z|.
        """
        vectors = np.asarray(vectors, dtype=np.float64)
        mean = np.zeros(vectors.shape[1]) if absolute else self._mean_image()
        per_score = self._per_score(head)
        base = head.scale * head.bias
        if self.run.space == "llm":
            inner = self.space.projector.matrix.astype(np.float64).T @ head.weights
            per_length = 1 / np.linalg.norm(vectors @ self._triangle.T, axis=1)
            logit = head.scale * (float((vectors @ inner * per_length).mean()) + head.bias)
            base += head.scale * float(mean @ inner) * float(per_length.mean())
            moved, outside = ((vectors - mean) * per_length[:, None]).mean(axis=0), 0.0
        else:
            moved = (vectors - mean).mean(axis=0)
            logit = head.scale * (float((vectors @ head.weights).mean()) + head.bias)
            base += head.scale * float(head.weights @ mean)
            outside = head.scale * float(self._beyond_concepts(head) @ moved)
        contributions = self.space.scores(moved) * per_score * head.scale
        return Parts(logit, base, outside, self.space.scores((vectors - mean).mean(axis=0)), contributions)

    def logits(self, head: Head, vectors: np.ndarray) -> np.ndarray:
        """What the run says of images (m, d) for a label: (m,), float64."""
        vectors = np.asarray(vectors, dtype=np.float64)
        if self.run.space == "llm":
            inner = self.space.projector.matrix.astype(np.float64).T @ head.weights
            products = vectors @ inner / np.linalg.norm(vectors @ self._triangle.T, axis=1)
        else:
            products = vectors @ head.weights
        return np.asarray(head.scale * (products + head.bias))

    def weights_of(self, head: Head, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What single contributions are made with: what a score counts, (N,), the mean image, (d,), and 1/|z|, (m,).

        Concept i adds (c_i.(f_j - mean)) weight_i / |z_j| to the logit of image j.
        """
        weights = (self._per_score(head) * head.scale).astype(np.float32)
        if self.run.space != "llm":
            return weights, self._mean_image(), np.ones(len(vectors))
        return weights, self._mean_image(), 1 / np.linalg.norm(vectors.astype(np.float64) @ self._triangle.T, axis=1)

    @cached_property
    def _triangle(self) -> np.ndarray:
        """R of P = Q R, (d, d): |P f| = |R f| at a fraction of the cost."""
        return np.asarray(np.linalg.qr(self.space.projector.matrix.astype(np.float64), mode="r"))

    def _beyond_concepts(self, head: Head) -> np.ndarray:
        """What of a head's direction no concept reaches: nothing of a bottleneck's, which is made of concepts."""
        if self.run.method == "bottleneck":
            return np.zeros_like(head.weights)
        return head.weights - self.space.gram @ (self.space.gram_inverse @ head.weights)

    def _per_score(self, head: Head) -> np.ndarray:
        """What a concept's score is multiplied by: w_i <e_i, w>, <c_i, G^-1 w>, or its weight in a bottleneck: (N,)."""
        if self.run.method == "bottleneck":
            return self._bottleneck_weights(head)
        if self.run.space == "llm":
            if self._weights is None:
                stacked = np.stack([head.weights for head in self.run.heads], axis=1)
                self._weights = self.space.alignments(self.kb, stacked)
            place = [other.label for other in self.run.heads].index(head.label)
            return np.asarray(self._weights[:, place])
        return self.space.dual(head.weights)

    def _bottleneck_weights(self, head: Head) -> np.ndarray:
        weights = np.zeros(len(self.space))
        for concept in self.run.parameters["bottlenecks"][head.label]["concepts"]:
            place = self.space.place(concept["concept_id"])
            weights[place] = concept["weight"] / max(concept["deviation"], 1e-12)
        return weights

    def _mean_image(self) -> np.ndarray:
        """The mean of the images that the run predicted."""
        return np.array(self.run.parameters["mean_image"], dtype=np.float64)

    def listed(self, places: Sequence[int], parts: Parts, evidence: int) -> list[Contribution]:
        """Some contributions with the sentences behind their concepts."""
        rows = self.space.concepts.take(list(places)).to_pylist()
        ids = [row["concept_id"] for row in rows]
        sentences = self.kb.vocabulary.evidence_of(ids, evidence) if evidence else {}
        return [
            Contribution(
                concept_id=row["concept_id"],
                text=row["text"],
                finding=row["finding"],
                score=float(parts.above[place]),
                contribution=float(parts.contributions[place]),
                evidence=tuple(sentences.get(row["concept_id"], ())),
            )
            for place, row in zip(places, rows, strict=True)
        ]

    def groups(self, parts: Parts, top: int) -> list[Group]:
        """The sums by finding; an absent concept counts to the finding that it denies."""
        contributions = parts.contributions
        findings = self.space.concepts["finding"].combine_chunks().dictionary_encode()
        codes = findings.indices.to_numpy(zero_copy_only=False)
        names = findings.dictionary.to_pylist()
        sums = np.bincount(codes, weights=contributions, minlength=len(names))
        counts = np.bincount(codes[contributions != 0], minlength=len(names))
        order = np.argsort(-np.abs(sums), kind="stable")[:top]
        return [Group(names[n], int(counts[n]), float(sums[n])) for n in order if counts[n]]
