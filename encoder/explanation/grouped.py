"""`explain`, as a radiologist reads it: one prediction by finding, and within a finding by side, place and size.

Each finding has the part of the logit that its concepts span (`spanned`: near-duplicates count once, and what findings
span together they share), beside the exact sum of what its concepts add, and how many they are. Beside that stands
what the image seems to show of it (`contrasts`), what the reports of its own study say (`study_agreement`), and on
which side the heat map of it lies (`map_side`). The exact sum with its residual is that of `explanation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from encoder.explanation.contrasts import Contrast, contrasts_of, shown_direction
from encoder.explanation.explanation import Explainer
from encoder.explanation.finding_groups import FindingGroup, read_groups
from encoder.explanation.grouped_explanation import (
    NAMED_SIDE,
    STANDS_OUT,
    ExactSum,
    Facing,
    FindingPart,
    GroupedExplanation,
)
from encoder.explanation.heatmap import smoothed
from encoder.explanation.locating import Locator
from encoder.explanation.map_side import SUPPOSED, side_of_map, sides_of_view
from encoder.explanation.nearest_labelled import Nearest, nearest_labelled
from encoder.explanation.parts import Parts
from encoder.explanation.reported_sides import Side, fitted_side, reported_sides
from encoder.explanation.spanned import Spans, Spread
from encoder.explanation.study_agreement import Agreement, agreement
from encoder.prediction.ground_truth import read_truth
from encoder.prediction.head import Head, scores
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.errors import UsageError
from kb.images.view_choice import read_views
from kb.store.sqltext import literals
from kb.vocabulary.study_statements import Statement, read_study_reports


class GroupedExplainer:
    """Explains predictions of one run by finding: what is needed for all of them is read once.

    Args:
        explainer: of the run.
        source: of the labels that the nearest images are told with; None: the only one.
    """

    def __init__(self, explainer: Explainer, *, source: str | None = None):
        self.explainer = explainer
        self.locator = Locator(explainer)
        self._source = source
        self._parts: dict[str, np.ndarray] = {}
        self._truths: dict[str, np.ndarray] = {}

    def explain(
        self, image_id: str, label: str, *, top: int = 8, maps: int = 3, nearest: int = 3
    ) -> GroupedExplanation:
        """One prediction of the run, by finding.

        Args:
            image_id: of which image.
            label: of which label.
            top: findings that are listed.
            maps: findings with a named side whose heat map is asked for its side; each takes as long as a heat map.
            nearest: images of other patients, of each kind; 0: none.

        Raises:
            UsageError: the image is not encoded, or the run does not predict the label.
        """
        head = self.explainer.run.head(label)
        own = read_image_vectors(self.explainer.images, self.explainer.run.encoder, [image_id])
        terms, above = self.explainer.terms(head, own.matrix), self.explainer.above(own.matrix)[0]
        exact = self.explainer.parts(head, own.matrix)
        parts = (self.part_directions(head) @ above) * float(terms.per_length[0])
        order = np.argsort(-np.abs(parts), kind="stable")[:top].tolist()
        statements = self._statements(own)
        view = self._view(image_id)
        notes: list[str] = []
        found: list[FindingPart] = []
        for n in order:
            one = self._finding(n, float(parts[n]), above, exact, statements)
            if maps > 0 and self._names_side(one):
                maps -= 1
                one = self._with_map(one, n, image_id, view, notes)
            found.append(one)
        return GroupedExplanation(
            image_id=image_id,
            view=view,
            label=head.label,
            run=self.explainer.run.name,
            score=float(scores(np.array(exact.logit))),
            logit=exact.logit,
            findings=tuple(found),
            more=len(self.groups) - len(found),
            rest=float(np.delete(parts, order).sum()),
            spanned=float(parts.sum()),
            exact=self._exact(exact),
            statements=statements,
            nearest=self._nearest(image_id, head, nearest, notes) if nearest else None,
            notes=tuple(dict.fromkeys(notes)),
        )

    @cached_property
    def groups(self) -> list[FindingGroup]:
        """The findings whose concepts are accepted or well-formed."""
        return read_groups(self.explainer.kb, self.explainer.space)

    @cached_property
    def images(self) -> ImageVectors:
        """The vectors of all images of the run's encoder."""
        return read_image_vectors(self.explainer.images, self.explainer.run.encoder)

    @cached_property
    def spread(self) -> Spread:
        """How these vectors lie."""
        return Spread.of(self.images.matrix)

    def direction(self, head: Head) -> np.ndarray:
        """A label's logit as a direction among the image vectors, but for 1/|z|: (d,)."""
        if self.explainer.run.space == "llm":
            return head.scale * (self.explainer.space.projector.matrix.astype(np.float64).T @ head.weights)
        return head.scale * np.asarray(head.weights, dtype=np.float64)

    def facings(self, number: int, above: np.ndarray) -> tuple[Facing, ...]:
        """What an image shows within one finding: its side and size, and the place that stands out most.

        Args:
            number: of the finding among `groups`.
            above: the image's vector less the mean image's, (d,).
        """
        told = [(one, one.standing(above)) for one in self._contrasts(number)]
        found = [_facing(one, standing) for one, standing in told if one.facet != "place"]
        places = [(one, standing) for one, standing in told if one.facet == "place"]
        if places:
            found.append(_facing(*max(places, key=lambda one: one[1])))
        return tuple(found)

    def standing(self, number: int, above: np.ndarray) -> float:
        """How much of one finding an image shows, in standard deviations above the mean image."""
        return float(above @ self._shown_directions[number])

    @cached_property
    def _shown_directions(self) -> np.ndarray:
        vectors = self.explainer.space.vectors
        return np.stack([shown_direction(group, vectors, self.spread) for group in self.groups])

    def shown_direction(self, number: int) -> np.ndarray:
        """The direction along which images show one finding, (d,)."""
        return np.asarray(self._shown_directions[number])

    def _contrasts(self, number: int) -> list[Contrast]:
        group = self.groups[number]
        found = list(contrasts_of(group, self.explainer.space.vectors, self.spread))
        stated = self._reported_sides.get(group.finding, {})
        fitted = fitted_side(stated, self.images, self.spread, self.explainer.mean_image)
        if fitted is None:
            return found
        by_reports = Contrast("side", "left", "right", fitted.direction, 0, fitted.middle, fitted.patients)
        return [by_reports, *(one for one in found if one.facet != "side")]

    @cached_property
    def _reported_sides(self) -> dict[str, dict[int, Side]]:
        return reported_sides(self.explainer.images, self.images)

    @cached_property
    def _mentions(self) -> list[int]:
        """How often each finding is affirmed."""
        counts = self.explainer.kb.vocabulary.counts()
        ids = self.explainer.space.concepts["concept_id"]
        return [
            sum(
                counts[known].mentions
                for one in group.members
                if not one.denied and (known := ids[one.row].as_py()) in counts
            )
            for group in self.groups
        ]

    @cached_property
    def _spans(self) -> Spans:
        if not self.groups:
            raise UsageError("no concept here is accepted or well-formed: the concepts alone can be told")
        codes = np.full(len(self.explainer.space), -1, dtype=np.int64)
        for number, group in enumerate(self.groups):
            codes[group.rows] = number
        return Spans(self.explainer.space.vectors, codes, self._mentions, self.spread)

    def part_directions(self, head: Head) -> np.ndarray:
        """The parts of a label's logit that the findings span, as directions among the image vectors: (findings, d)."""
        if head.label not in self._parts:
            self._parts[head.label] = self._spans.parts(self.direction(head))
        return self._parts[head.label]

    def _finding(
        self, number: int, part: float, above: np.ndarray, exact: Parts, statements: Sequence[Statement]
    ) -> FindingPart:
        group = self.groups[number]
        found = FindingPart(
            finding=group.finding,
            kind=group.kind,
            part=part,
            sum=float(exact.contributions[group.rows].sum(dtype=np.float64)),
            concepts=len(group.members),
            denied=group.denied,
            mentions=self._mentions[number],
            standing=self.standing(number, above),
            facings=self.facings(number, above),
            report=Agreement("silent"),
        )
        side = found.facing("side")
        told = agreement(group.finding, found.shown, side.name if side else None, statements)
        return replace(found, report=told)

    @staticmethod
    def _names_side(one: FindingPart) -> bool:
        side = one.facing("side")
        return bool(one.shown and side is not None and side.name is not None)

    def _with_map(
        self, one: FindingPart, number: int, image_id: str, view: str | None, notes: list[str]
    ) -> FindingPart:
        """A finding with the side of its heat map, where the picture is here."""
        try:
            pixels, relevant = self.locator.along(image_id, self._shown_directions[number])
        except UsageError as error:
            notes.append(f"no heat map: {error}")
            return one
        lies, side = side_of_map(smoothed(relevant, len(pixels)), view), one.facing("side")
        if lies is not None and sides_of_view(view) == "supposed":
            notes.append(SUPPOSED)
        against = lies is not None and side is not None and {lies.side, side.name} == {"left", "right"}
        return replace(one, map_side=lies, side_contradicts=against)

    def _exact(self, exact: Parts) -> ExactSum:
        counted = np.zeros(len(exact.contributions), dtype=bool)
        for group in self.groups:
            counted[group.rows] = True
        inside = float(exact.contributions[counted].sum(dtype=np.float64))
        return ExactSum(
            base=exact.base,
            counted=inside,
            others=exact.total - inside,
            outside=exact.outside,
            residual=exact.residual,
            concepts=exact.count,
            left_out=int(np.count_nonzero(exact.contributions[~counted])),
        )

    def _statements(self, own: ImageVectors) -> tuple[Statement, ...]:
        reports = read_study_reports(self.explainer.images, own.studies[0], own.patient_ids[0])
        return tuple(statement for report in reports for statement in report.statements)

    def _view(self, image_id: str) -> str | None:
        rows = self.explainer.images.dataset("images").to_table(
            columns=["view"], filter=f"image_id IN {literals([image_id])}"
        )
        stored = rows["view"][0].as_py() if rows.num_rows else None
        return stored or self._views.get(image_id)

    @cached_property
    def _views(self) -> Mapping[str, str | None]:
        """The view of each image by all tables that tell it: asked where its own row does not."""
        return read_views(self.explainer.images)

    def _nearest(self, image_id: str, head: Head, each: int, notes: list[str]) -> Nearest | None:
        try:
            truth = self._truth(head.label)
        except UsageError as error:
            notes.append(f"no labelled images beside it: {error}")
            return None
        logits = self.explainer.terms(head, self.images.matrix).logit
        return nearest_labelled(self.images, truth, scores(logits), self.images.image_ids.index(image_id), each=each)

    def _truth(self, label: str) -> np.ndarray:
        if label not in self._truths:
            found = read_truth(self.explainer.images, self.images, [label], source=self._source)
            self._truths[label] = found[:, 0]
        return self._truths[label]


def _facing(contrast: Contrast, standing: float) -> Facing:
    clear = NAMED_SIDE if contrast.facet == "side" and not contrast.patients else STANDS_OUT
    name = contrast.more if standing >= clear else contrast.less if standing <= -clear else None
    return Facing(
        facet=contrast.facet,
        name=name,
        standing=standing,
        concepts=contrast.concepts,
        patients=contrast.patients,
    )
