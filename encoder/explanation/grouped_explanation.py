"""What an explanation by finding says: findings and their parts, the exact sum, the own report, images alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from encoder.explanation.finding_groups import Facet
from encoder.explanation.map_side import MapSide
from encoder.explanation.nearest_labelled import Nearest
from encoder.explanation.study_agreement import Agreement
from kb.vocabulary.study_statements import Statement

STANDS_OUT = 0.5
"""Standard deviations above the mean image from which on a side, place or size is named, and a finding is shown."""

NAMED_SIDE = 1.0
"""The same for a side that concepts alone tell, which is told less surely than one that was fitted to reports."""

OFTEN = 20
"""Mentions that affirm a finding, from which on an image is said to show it or not: fewer teach no encoder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facing:
    """What an image shows within one finding.

    Attributes:
        facet: side, place or size.
        name: what stands out: "left", a place, "large"; None where nothing does.
        standing: how far it stands out, in standard deviations over the images; of a side left less right, of a size
            large less small.
        concepts: how many concepts that rests on; of a side that was fitted, see `patients`.
        patients: of how many patients the reports told the sides that it was fitted to; 0: the concepts tell it.
    """

    facet: Facet
    name: str | None
    standing: float
    concepts: int
    patients: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPart:
    """One finding in one prediction.

    Attributes:
        finding: which.
        kind: finding, device, normal or other.
        part: the part of the logit that its concepts span, above the mean image's.
        sum: what its concepts add to the logit exactly; it grows with their number.
        concepts: how many they are.
        denied: how many of them deny it ("no X"); they are folded into it, turned round.
        mentions: how often reports affirm it.
        standing: how much of it the image shows, in standard deviations above the mean image.
        facings: side, place and size, where its concepts tell them.
        report: what the reports of the image's own study say of it.
        map_side: on which side its heat map lies; None where none was drawn, or the view tells no side.
        side_contradicts: whether that is not the side that is named.
    """

    finding: str
    kind: str
    part: float
    sum: float
    concepts: int
    denied: int
    mentions: int
    standing: float
    facings: tuple[Facing, ...]
    report: Agreement
    map_side: MapSide | None = None
    side_contradicts: bool = False

    @property
    def hardly_known(self) -> bool:
        """Whether too few reports affirm it for anybody to say if the image shows it."""
        return self.mentions < OFTEN

    @property
    def shown(self) -> bool | None:
        """Whether the image shows it more than the mean image; None where that is not clear, or it is hardly known."""
        if self.hardly_known:
            return None
        return True if self.standing >= STANDS_OUT else False if self.standing <= 0 else None

    def facing(self, facet: Facet) -> Facing | None:
        """What stands out of one facet, if its concepts tell it."""
        return next((one for one in self.facings if one.facet == facet), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactSum:
    """The exact sum that the logit is: base, what concepts add, what none reaches, and what numbers lose.

    Attributes:
        base: the bias, and what the mean image has.
        counted: what the concepts of all findings add that are accepted or well-formed.
        others: what all other concepts add.
        outside: what no concept reaches.
        residual: the logit less all of these.
        concepts: how many concepts add anything.
        left_out: how many of these are neither accepted nor well-formed.
    """

    base: float
    counted: float
    others: float
    outside: float
    residual: float
    concepts: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedExplanation:
    """One prediction, finding by finding.

    Attributes:
        image_id: of which image; its `view`, where it is known.
        label: of which label.
        run: by which run.
        score: the prediction.
        logit: the same before the sigmoid.
        findings: the findings with the largest parts, by size.
        more: how many other findings there are, and `rest`, the sum of their parts.
        spanned: the sum of the parts of all findings: the logit above the mean image's, but for what none spans.
        exact: the exact sum.
        statements: what the reports of the image's own study state.
        nearest: the nearest images of other patients that have the label and that have it not; None without labels.
        notes: what else is to be known.
    """

    image_id: str
    view: str | None
    label: str
    run: str
    score: float
    logit: float
    findings: tuple[FindingPart, ...]
    more: int
    rest: float
    spanned: float
    exact: ExactSum
    statements: tuple[Statement, ...]
    nearest: Nearest | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain data, for JSON."""
        return asdict(self)
