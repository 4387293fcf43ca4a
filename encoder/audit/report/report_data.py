"""What a report shows, as plain data: gathered from a knowledge base once, and drawn without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from encoder.audit.confounders.result import ConfounderAudit
from encoder.audit.drift.result import DriftAudit
from encoder.audit.report.card import ModelCard
from encoder.audit.segments.result import SegmentAudit
from encoder.audit.slices.result import Slices
from encoder.evaluation import Evaluation
from encoder.evaluation.confusion import Confusion
from encoder.explanation.explanation import Explanation

Part = Literal[
    "metrics",
    "operating",
    "calibration",
    "segments",
    "timeline",
    "confounders",
    "slices",
    "errors",
    "examples",
    "thumbnails",
]


@dataclass(frozen=True, slots=True)
class Points:
    """A curve as its points."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """How the scores of each truth are spread: counts between the edges of bins of equal width."""

    edges: tuple[float, ...]
    positives: tuple[int, ...]
    negatives: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """How one run ranks the rows of one label, and what it does at its threshold.

    Attributes:
        run: of which run.
        label: of which label.
        unit: what the rows are: "images", "studies", or both.
        n: of them.
        positives: that hold the label.
        auroc: of all these rows.
        auprc: likewise.
        roc: sensitivity over the false positive rate.
        precision: precision over sensitivity.
        scores: by truth.
        threshold: from which on a score is called positive; None if there is none.
        threshold_from: what it was chosen on.
        confusion: of the rows that are judged by it.
    """

    run: str
    label: str
    unit: str
    n: int
    positives: int
    auroc: float | None
    auprc: float | None
    roc: Points
    precision: Points
    scores: Scores
    threshold: float | None
    threshold_from: str
    confusion: Confusion | None


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of equally many rows: its mean score, and the share of positives with its 95% interval (Wilson's)."""

    score: float
    share: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far the scores of one label are what they say, bin by bin."""

    label: str
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that is called wrongly ("image X", "study Y"), its image if there is one here, and its score."""

    unit: str
    image: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Errors:
    """The rows of one label that are most wrong in one way ("false alarms", "misses"), and how many there are."""

    label: str
    kind: str
    n: int
    worst: tuple[Wrong, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One prediction that is worth a look, taken apart."""

    label: str
    what: str
    truth: bool
    threshold: float | None
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A figure beside the limits that a lab sets; it passes, warns or fails, or is "not judged", with the reason.

    Attributes:
        label: of which label.
        measure: of `MEASURES`.
        value: of the figure; None where there is none.
        judged: what is held against the limits: the value, or the end of its interval.
        warn: beyond which it warns.
        fail: beyond which it fails.
        verdict: what comes of it.
        about: what the figure is of, or why there is none.
    """

    label: str
    measure: str
    value: float | None
    judged: float | None
    warn: float | None
    fail: float | None
    verdict: Literal["pass", "warn", "fail", "not judged"]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where everything comes from: names and values, and the commands (as words) that make each part again."""

    facts: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """All that a report shows.

    Attributes:
        title: of the page.
        run: whose predictions.
        method: how they were made.
        source: the labels that they are judged by, in words.
        evaluation: the figures of all its labels, on the one part of the rows that the report is of.
        external: likewise on external rows, where there are any beside that part.
        beside: the figures of further runs on the same part, and how the AUROC of each differs from that of the run.
        beside_operating: their curves: one a run and label.
        labels: those that are shown in full.
        operating: one a label.
        calibration: one a label.
        segments: every group at the threshold, and segments that do worse: one a label for which there is any.
        drift: likewise, over time.
        confounders: one a label for which there is anything to say.
        slices: likewise.
        errors: the rows that are most wrong, two kinds a label.
        examples: predictions taken apart.
        thumbnails: data URIs of images, by id.
        heatmaps: data URIs of images with what speaks for a label laid over, by id and label.
        with_evidence: whether report sentences may be shown.
        ids_left_out: whether labels stand in the place of ids; see `encoder.audit.report.without_ids`.
        card: what its makers state of the model; None where nobody gave one.
        flags: figures beside the limits that a lab sets; none where it sets none.
        provenance: where it all comes from.
        notes: by part, what could not be said, and why.
    """

    title: str
    run: str
    method: str
    source: str
    evaluation: Evaluation
    external: Evaluation | None = None
    beside: Evaluation | None = None
    beside_operating: tuple[Operating, ...] = ()
    labels: tuple[str, ...] = ()
    operating: tuple[Operating, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    segments: tuple[SegmentAudit, ...] = ()
    drift: tuple[DriftAudit, ...] = ()
    confounders: tuple[ConfounderAudit, ...] = ()
    slices: tuple[Slices, ...] = ()
    errors: tuple[Errors, ...] = ()
    examples: tuple[Example, ...] = ()
    thumbnails: Mapping[str, str] = field(default_factory=dict, repr=False)
    heatmaps: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    with_evidence: bool = True
    ids_left_out: bool = False
    card: ModelCard | None = None
    flags: tuple[Flag, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    notes: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)

    def notes_of(self, part: Part) -> tuple[str, ...]:
        """What could not be said in a part."""
        return self.notes.get(part, ())
