"""The concepts that a label's bottleneck is offered: chosen by data, within what a curator decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from encoder.prediction.bottleneck import TOO_ALIKE, Bottleneck, choose_concepts, fit_bottleneck
from encoder.prediction.concept_directions import ConceptDirections
from encoder.prediction.concept_review import Review
from encoder.prediction.head import Head
from encoder.prediction.probe import Examples, fit_probe
from kb.progress import Watcher
from kb.statistics.interval import numbered
from kb.statistics.resampling import multiplicities


@dataclass(frozen=True, slots=True)
class Offer:
    """Concepts by their places, and which of them share a weight: numbers into `places`, the target first."""

    places: list[int]
    groups: list[list[int]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Chooser:
    """What the bottlenecks of a run are chosen from.

    Attributes:
        space: the vocabulary's concepts as directions among the encoder's vectors.
        count: concepts that are offered to a label.
        review: a curator's decisions.
        listed: these concepts and no others, for every label; None if data choose.
    """

    space: ConceptDirections
    count: int
    review: Review = field(default_factory=Review)
    listed: Sequence[int] | None = None

    def fit(
        self, label: str, train: Examples, validation: Examples, covariance: np.ndarray
    ) -> tuple[Head, Bottleneck] | None:
        """The unrestricted probe of a label and its bottleneck; None if too few training images have the label."""
        probe = fit_probe(label, train, validation)
        if probe is None:
            return None
        offer = self.offer(label, probe, covariance)
        if not offer.places:
            return None
        concepts = self.space.concepts.take(offer.places).select(["concept_id", "text"]).to_pylist()
        vectors = np.asarray(self.space.vectors[offer.places])
        found = fit_bottleneck(label, vectors, concepts, train=train, validation=validation, groups=offer.groups)
        return None if found is None else (probe, found)

    def offer(self, label: str, probe: Head, covariance: np.ndarray) -> Offer:
        """What a label is offered: the accepted first, then what data choose; merged ones go with their target."""
        if self.listed is not None:
            return Offer(list(self.listed), [[number] for number in range(len(self.listed))])
        merged = {self.space.place(one): self.space.place(into) for one, into in self.review.merged(label).items()}
        accepted = [self.space.place(one) for one in self.review.accepted(label)]
        closed = [self.space.place(one) for one in self.review.forbidden(label)]
        chosen = choose_concepts(
            self.space.vectors,
            probe.weights,
            covariance,
            count=self.count,
            first=accepted,
            forbidden=[*closed, *merged],
        )
        places, groups = list(chosen), [[number] for number in range(len(chosen))]
        for one, into in merged.items():
            groups[chosen.index(into)].append(len(places))
            places.append(one)
        return Offer(places, groups)


def with_stability(
    bottlenecks: Sequence[Bottleneck],
    chooser: Chooser,
    train: Examples,
    truth: np.ndarray,
    validation: Sequence[Examples],
    *,
    resamples: int,
    watcher: Watcher,
    seed: int = 0,
) -> list[Bottleneck]:
    """Bottlenecks whose concepts say how often they are chosen again where other patients are drawn.

    In each resample of the patients everything is done anew: the probe, the choice, the weights.

    Args:
        bottlenecks: as all training patients made them.
        chooser: what chose their concepts.
        train: the training images; their truth is not looked at.
        truth: of each label, (n, labels).
        validation: of each label.
        resamples: of the patients; 0: it is not known.
        watcher: hears how it goes.
        seed: of the resamples.
    """
    if not resamples:
        return list(bottlenecks)
    clusters = numbered(np.asarray(train.patients))
    watcher.stage("resamples", resamples * len(bottlenecks))
    chosen: list[list[set[str]]] = [[] for _ in bottlenecks]
    for drawn in multiplicities(int(clusters.max()) + 1, resamples, seed):
        rows = np.repeat(np.arange(len(clusters)), drawn[clusters])
        images, patients = train.images[rows], [train.patients[row] for row in rows.tolist()]
        covariance = np.cov(images.astype(np.float64).T)
        for at, bottleneck in enumerate(bottlenecks):
            part = Examples(images, truth[rows, at], patients)
            found = chooser.fit(bottleneck.label, part, validation[at], covariance)
            chosen[at].append({one.concept_id for one in found[1].concepts} if found else set())
            done = sum(map(len, chosen))
            watcher.advance(done, done)
    covariance = np.cov(train.images.astype(np.float64).T)
    return [
        _told(bottleneck, drawn, chooser.space, covariance)
        for bottleneck, drawn in zip(bottlenecks, chosen, strict=True)
    ]


def _told(
    bottleneck: Bottleneck, chosen: Sequence[set[str]], space: ConceptDirections, covariance: np.ndarray
) -> Bottleneck:
    known = sorted(set().union(*chosen))
    others = _standard([space.place(one) for one in known], space, covariance)
    own = _standard([space.place(one.concept_id) for one in bottleneck.concepts], space, covariance)
    alike = np.abs(own @ covariance @ others.T) >= TOO_ALIKE
    told = []
    for concept, near in zip(bottleneck.concepts, alike, strict=True):
        kin = {known[number] for number in np.flatnonzero(near).tolist()} | {concept.concept_id}
        told.append(
            replace(
                concept,
                selected=float(np.mean([concept.concept_id in one for one in chosen])),
                alike=float(np.mean([bool(kin & one) for one in chosen])),
            )
        )
    return replace(bottleneck, concepts=tuple(told))


def _standard(places: Sequence[int], space: ConceptDirections, covariance: np.ndarray) -> np.ndarray:
    """The vectors of concepts such that their scores deviate by 1, (k, d): v S w is then a correlation."""
    vectors = np.asarray(space.vectors[list(places)], np.float64).reshape(len(places), len(covariance))
    deviations = np.sqrt(np.maximum(np.einsum("nd,de,ne->n", vectors, covariance, vectors), 1e-18))
    return np.asarray(vectors / deviations[:, None])
