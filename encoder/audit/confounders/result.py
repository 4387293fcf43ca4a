"""What an audit for confounders finds: one row for each thing that a model may lean on, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kb.display import Listing

Kind = Literal["report", "image", "attribute"]
Verdict = Literal["confounder", "leaned on", ""]

LEVEL = 0.05
"""The false discovery rate at which something is called."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval and the q of its test; q also allows for how many things were tested.

    NaN is what could not be tested.

    Attributes:
        value: the number itself.
        low: where its interval begins: that of the error of this number alone.
        high: where it ends.
        q: of the distance from `usual`; of a concept's score it allows for how far concepts differ among themselves.
        usual: what it is held against: of a concept's score the middle of all concepts, else 0.
    """

    value: float
    low: float
    high: float
    q: float
    usual: float = 0.0

    def __str__(self) -> str:
        return f"{self.value:+.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Shares that are wrong at one cut; None if nothing is there to be wrong.

    Attributes:
        false_positives_present: of the negatives with the thing, how many are called positive.
        false_positives_absent: of the negatives without it.
        false_negatives_present: of the positives with it, how many are missed.
        false_negatives_absent: of the positives without it.
    """

    false_positives_present: float | None
    false_positives_absent: float | None
    false_negatives_present: float | None
    false_negatives_absent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """How the model does where something is there and where it is not; an AUROC is None if a truth has no image.

    Attributes:
        present: images where it is there (for a concept's score: where it is high).
        absent: the other ones.
        positives_present: images of the label among those where it is there.
        positives_absent: among the others.
        auroc: over all of these images.
        auroc_present: where it is there.
        auroc_absent: where it is not.
        auroc_against: of the positives without it against the negatives with it: the pairs that it speaks against.
        leans: correlation of it with the model's logit within truth strata.
        erased: `auroc` after it is erased from the image vectors.
        erased_against: `auroc_against` after that.
        erased_leans: `leans` after that: 0 if nothing linear is left of it in what the model says.
        errors: shares that are wrong at the best cut (highest Youden index, chosen on these images).
        erased_errors: the same after it is erased, with a cut of its own.
    """

    present: int
    absent: int
    positives_present: int
    positives_absent: int
    auroc: float | None
    auroc_present: float | None
    auroc_absent: float | None
    auroc_against: float | None
    leans: float
    erased: float | None
    erased_against: float | None
    erased_leans: float
    errors: ErrorRates
    erased_errors: ErrorRates


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same in the data that is compared with; each q is that of the difference."""

    leans: Estimate
    goes_with: Estimate
    auroc: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """One finding, concept or attribute that a model may lean on.

    Attributes:
        name: the finding, the text of the concept, or "attribute: value".
        kind: what it is measured by: "report" (a report says it is there), "image" (the concept's score in the image)
            or "attribute" (of the image or study).
        finding: what it is of; None for an attribute.
        concept_id: the concept whose direction is erased, where one is.
        concept: its text.
        leans: r, the correlation of it with the model's logit within truth strata: between -1 and 1.
        effect: what that is in the logit: with it against without, or for one standard deviation of a score; the q is
            that of `leans`.
        goes_with: d, the standardised difference between positives and negatives; of a concept's score beyond what
            likeness to the disease explains.
        q: of both together: that the model leans on it *and* that it goes with the label in this data.
        weight: what the rows are ranked by: |r| (d in the same direction + 0.3), both counted from what is usual.
        verdict: "confounder" where q is below 0.05, "leaned on" where only that of `leans` is.
        strata: how the model does with and without it.
        others: further concepts of the same finding that were tested.
        elsewhere: the same in the data compared with.
    """

    name: str
    kind: Kind
    finding: str | None
    concept_id: str | None
    concept: str | None
    leans: Estimate
    effect: Estimate
    goes_with: Estimate
    q: float
    weight: float
    verdict: Verdict
    strata: Strata | None
    others: int = 0
    elsewhere: Elsewhere | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row as plain data, for JSON, which knows no NaN."""
        return dict(_plain(asdict(self)))


@dataclass(frozen=True, kw_only=True)
class ConfounderAudit:
    """What a run leans on for one label.

    Attributes:
        run: of which run.
        label: of which label.
        source: the source of labels that truth is taken from.
        split: the split that was looked at, or "all".
        n: images and studies of known truth.
        positives: of them.
        patients: of them.
        auroc: of the run on them.
        disease: the findings that count as the disease itself.
        tested: how many things of each kind were tested.
        found: the rows, the weightiest first.
        notes: what is to be known of the data, a sentence each.
        against: what it was compared with, in words; "" where with nothing.
    """

    run: str
    label: str
    source: str
    split: str
    n: int
    positives: int
    patients: int
    auroc: float
    disease: tuple[str, ...]
    tested: Mapping[Kind, int]
    found: Listing[Confounder]
    notes: tuple[str, ...] = ()
    against: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def confounders(self) -> list[Confounder]:
        """Those that are called."""
        return [one for one in self.found if one.verdict == "confounder"]

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data, for JSON."""
        fields = {
            name: getattr(self, name) for name in ("run", "label", "source", "split", "n", "positives", "patients")
        }
        return {
            **fields,
            "auroc": _plain(self.auroc),
            "disease": list(self.disease),
            "tested": dict(self.tested),
            "against": self.against,
            "notes": list(self.notes),
            "found": self.found.rows(),
        }


def _plain(value: Any) -> Any:
    """Plain data without NaN."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return None if isinstance(value, float) and value != value else value
