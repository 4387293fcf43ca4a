"""What an audit for confounders finds: one row for each thing that a model may lean on, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kb.display import Listing
from kb.statistics.interval import Interval

Kind = Literal["report", "image", "attribute"]
Verdict = Literal["confounder", "harmful lean", "correlate", "leaned on", ""]
VERDICTS: tuple[Verdict, ...] = ("confounder", "harmful lean", "correlate", "leaned on", "")
"""In the order in which rows stand."""
Known = Literal["sign", "complication", "treatment", "cause", ""]

LEVEL = 0.05
"""The false discovery rate at which something is called."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval and the q of its test; q also allows for how many things were tested.

    NaN is what could not be tested.

    Attributes:
        value: the number itself, as it stands in the data.
        low: where its interval begins.
        high: where it ends.
        q: of its distance from 0; of a concept's score, of the distance of `own` from `usual`, which also allows for
            how far concepts differ among themselves.
        usual: the middle of `own` of all concepts; 0 for what is no score.
        own: the same number of the part of a concept's score that is its own: without what all images vary in and
            without likeness to the disease. None for what is no score.
    """

    value: float
    low: float
    high: float
    q: float
    usual: float = 0.0
    own: float | None = None

    @property
    def excess(self) -> float:
        """How far it lies from what is usual: what is tested."""
        return (self.value if self.own is None else self.own) - self.usual

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
        auroc_against: of the pairs that leaning on it speaks against: the positives without it against the negatives
            with it; the reverse, where it makes the model say less.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What leaning on a thing does; intervals know of patients, and are None where nobody is to be wrong.

    Attributes:
        drawn: 1 where the thing makes the model say more, -1 where less.
        against: AUROC of the pairs that it speaks against (`Strata.auroc_against`).
        false_alarms: how many more of the negatives are called positive where it speaks for the label than elsewhere.
        misses: how many more of the positives are missed where it does not than where it does.
        size: the largest of what the AUROC loses `against` and of both gaps: what rows of one verdict are ordered by.
        bad: the AUROC against lies under 0.5, or a gap over 0.2, with its whole interval.
    """

    drawn: int
    against: Interval | None
    false_alarms: Interval | None
    misses: Interval | None
    size: float
    bad: bool


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """How a thing goes with the label in one group: d, in the standard deviations of all rows."""

    name: str
    n: int
    patients: int
    d: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """Whether a thing goes with the label alike in all groups of one attribute: sites, scanners, months.

    Attributes:
        by: the attribute.
        groups: the groups that have enough of both truths.
        pooled: their d, weighed by how well each is known.
        p: of Cochran's Q: that they are alike but for chance; of one attribute among those looked at (Holm).
        i2: the share of their spread that is not chance (Higgins and Thompson, 2002).
        hidden: the largest difference between two groups that could hide, 95% sure.
        told: "differs" (p under 0.01); "alike" (it is not, and each group shows it by itself, or no difference as large
            as d could hide); "" if neither can be said.
    """

    by: str
    groups: tuple[GroupDifference, ...]
    pooled: float
    p: float
    i2: float
    hidden: float
    told: Literal["differs", "alike", ""]


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
        goes_with: d, the standardised difference between positives and negatives.
        q: of both together: that the model leans on it *and* that it goes with the label in this data.
        weight: what rows without a verdict are ordered by: |r| (d in the same direction + 0.3), both counted from what
            is usual.
        verdict: where q is below 0.05 "confounder", or "correlate" if it goes with the label alike in all groups, or is
            known to; where only that of `leans` is "harmful lean", if it does harm, else "leaned on"; else "".
        strata: how the model does with and without it.
        harm: what leaning on it does.
        across: whether it goes with the label alike at all sites, scanners and months; empty where there is one only,
            or where it is itself a place, a technique or a time.
        known: what the table of known correlates says it is to the disease; "" for nothing.
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
    harm: Harm | None = None
    across: tuple[Across, ...] = ()
    known: Known = ""
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
        verdicts: of how many of them each verdict was given, whether or not they are among the rows.
        found: the rows, by verdict, then by harm.
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
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def confounders(self) -> list[Confounder]:
        """Those that are called confounders."""
        return self.called("confounder")

    def called(self, verdict: Verdict) -> list[Confounder]:
        """The rows of a verdict, the most harmful first."""
        return [one for one in self.found if one.verdict == verdict]

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
            "verdicts": dict(self.verdicts),
            "against": self.against,
            "notes": list(self.notes),
            "found": self.found.rows(),
        }


def _plain(value: Any) -> Any:
    """Plain data without NaN; what has named parts is a dictionary of them."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value
