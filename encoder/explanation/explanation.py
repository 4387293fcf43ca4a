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
from typing import Any

import numpy as np

from encoder.explanation.parts import Parts, Terms
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.head import Head, scores
from encoder.prediction.runs import Run, read_run, require_its_vectors
from encoder.space.concept_space import ConceptSpace, open_space
from encoder.vectors.image_vectors import read_image_vectors
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

    def parts(self, head: Head, vectors: np.ndarray, *, absolute: bool = False) -> Parts:
        """What the logits of images (m, d) are made of, in the mean over them: exact, for all of it is linear in f/|z|.

        Nothing of size images x concepts is made: the mean of s_i/|z| is c_i times the mean of f/|z|.
        """
        terms, above = self.terms(head, vectors, absolute=absolute), self.above(vectors, absolute=absolute)
        moved = (above * terms.per_length[:, None]).mean(axis=0)
        return Parts(
            float(terms.logit.mean()),
            float(terms.base.mean()),
            float(terms.outside.mean()),
            self.space.scores(above.mean(axis=0)),
            self.space.scores(moved) * self.per_score(head),
        )

    def above(self, vectors: np.ndarray, *, absolute: bool = False) -> np.ndarray:
        """Image vectors (m, d) less that of the mean image, unless absolute: float64."""
        vectors = np.asarray(vectors, dtype=np.float64)
        return vectors if absolute else vectors - self.mean_image

    def terms(self, head: Head, vectors: np.ndarray, *, absolute: bool = False) -> Terms:
        """What the logits of images (m, d) are made of but for their concepts, image by image."""
        vectors = np.asarray(vectors, dtype=np.float64)
        mean = np.zeros(vectors.shape[1]) if absolute else self.mean_image
        if self.run.space == "llm":
            inner = self.space.projector.matrix.astype(np.float64).T @ head.weights
            per_length = 1 / np.linalg.norm(vectors @ self._triangle.T, axis=1)
            outside = np.zeros(len(vectors))
        else:
            inner, per_length = head.weights, np.ones(len(vectors))
            outside = head.scale * ((vectors - mean) @ self._beyond_concepts(head))
        return Terms(
            logit=head.scale * (vectors @ inner * per_length + head.bias),
            base=head.scale * (head.bias + float(mean @ inner) * per_length),
            outside=outside,
            per_length=per_length,
        )

    @cached_property
    def _triangle(self) -> np.ndarray:
        """R of P = Q R, (d, d): |P f| = |R f| at a fraction of the cost."""
        return np.asarray(np.linalg.qr(self.space.projector.matrix.astype(np.float64), mode="r"))

    def _beyond_concepts(self, head: Head) -> np.ndarray:
        """What of a head's direction no concept reaches: nothing of a bottleneck's, which is made of concepts."""
        if self.run.method == "bottleneck":
            return np.zeros_like(head.weights)
        return head.weights - self.space.gram @ (self.space.gram_inverse @ head.weights)

    def per_score(self, head: Head) -> np.ndarray:
        """What a concept's score adds to the logit, but for 1/|z|: (N,)."""
        return self._per_score(head) * head.scale

    def _per_score(self, head: Head) -> np.ndarray:
        """The same before the scale: w_i <e_i, w>, <c_i, G^-1 w>, or its weight in a bottleneck: (N,)."""
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

    @cached_property
    def mean_image(self) -> np.ndarray:
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
