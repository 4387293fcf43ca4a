"""What an evaluation found: rows of figures, comparisons, readers, and notes on how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from rich.console import Group
from rich.text import Text

from encoder.evaluation.confusion import Calls, Confusion
from encoder.evaluation.rows import LabelRows
from kb.display import Listing, html_table, table_of
from kb.statistics.p_values import told_p

Interval = tuple[float, float]
AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv", "alerts", "f1", "mcc")
CALIBRATION = ("ece_beyond_chance", "calibration_slope", "calibration_intercept", "observed_less_expected")
AVERAGED = ("auroc", "auprc", *AT_THRESHOLD, "brier", "ece")
"""What has a mean over labels; how scores would have to be corrected is a matter of each label."""

MEASURES = (*AVERAGED, "ece_by_chance", *CALIBRATION)
WITH_INTERVAL = ("auroc", "auprc", *AT_THRESHOLD, *CALIBRATION)
MEAN = "mean over labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The figures of one run on one label, or their mean over labels; `in_mean` is false for "No Finding".

    `calls` says which rows of the label the threshold calls, and `confusion` what comes of those that it is judged by.
    `ece_p` is how often chance alone gives an ECE as large, below that figure where `ece_p_is_floor`; `without` says of
    figures and intervals why there are none, or of fewer rows.
    """

    run: str
    label: str
    n: int | None
    positives: int | None
    negatives: int | None
    unknown: int | None
    patients: int | None
    values: Mapping[str, float | None]
    intervals: Mapping[str, Interval | None]
    threshold: float | None
    threshold_from: str
    in_mean: bool = True
    labels: int = 1
    split: str = ""
    group: str | None = None
    confusion: Confusion | None = None
    calls: Calls | None = field(default=None, repr=False, compare=False)
    ece_p: float | None = None
    ece_p_is_floor: bool = False
    without: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The figures as one flat row."""
        names = ("run", "label", "split", *(("group",) if self.group is not None else ()))
        counted = ("n", "positives", "negatives", "unknown", "patients")
        flat: dict[str, Any] = {name: getattr(self, name) for name in (*names, *counted)}
        for name in MEASURES:
            flat[name] = self.values.get(name)
            if name in WITH_INTERVAL:
                flat[f"{name}_low"], flat[f"{name}_high"] = self.intervals.get(name) or (None, None)
        return {
            **flat,
            "ece_p": self.ece_p,
            "ece_p_is_floor": self.ece_p_is_floor,
            "threshold": self.threshold,
            "threshold_from": self.threshold_from,
            "in_mean": self.in_mean,
        }

    def named(self) -> dict[str, Any]:
        """Which run and label the figures are of, as a person reads it."""
        label = f"{self.label} ({self.labels})" if self.labels > 1 else self.label
        group = {} if self.group is None else {"group": self.group}
        return {"run": self.run, **group, "label": label if self.in_mean else f"{label} (apart)"}

    def ranked(self) -> dict[str, Any]:
        """The figures that no threshold enters, as a person reads them."""
        return {
            **self.named(),
            **self._counted(),
            "unknown": self.unknown,
            **{title: self._told(name) for title, name in _RANKED.items()},
        }

    def called(self) -> dict[str, Any]:
        """The figures at the threshold, of the rows that have not chosen it, as a person reads them."""
        cut = "" if self.threshold is None else f"{self.threshold:.3g}"
        figures = {title: self._told(name) for title, name in _CALLED.items()}
        return {**self.named(), **self._judged(), "cut": cut, "chosen on": self.threshold_from, **figures}

    def confirmed(self) -> dict[str, Any]:
        """What a call is worth, and both kinds of error in one figure, as a person reads it."""
        return {**self.named(), **self._judged(), **{title: self._told(name) for title, name in _CONFIRMED.items()}}

    def recalibrated(self) -> dict[str, Any]:
        """What would have to be done to scores, as a person reads it."""
        figures = {title: self._told(name, between=" to ") for title, name in _RECALIBRATED.items()}
        return {**self.named(), **self._counted(), **figures}

    def calibrated(self) -> dict[str, Any]:
        """What scores are worth as probabilities, as a person reads it."""
        p = told_p(self.ece_p, is_floor=self.ece_p_is_floor)
        return {
            **self.named(),
            **self._counted(),
            "ECE": self._told("ece"),
            "by chance": self._told("ece_by_chance"),
            "p": p,
            "beyond chance": self._told("ece_beyond_chance"),
        }

    def _counted(self) -> dict[str, str]:
        return {"positives": "" if self.n is None else f"{self.positives:,} of {self.n:,}"}

    def _judged(self) -> dict[str, str]:
        """Positives among the rows that the threshold is judged on; all rows where there is no threshold."""
        if self.confusion is None:
            return self._counted()
        return {"positives": f"{self.confusion.positives:,} of {self.confusion.n:,}"}

    def _told(self, name: str, between: str = "-") -> str:
        value, interval = self.values.get(name), self.intervals.get(name)
        if value is None:
            return ""
        return f"{value:.3f}" + (f" ({interval[0]:.3f}{between}{interval[1]:.3f})" if interval else "")


_RANKED = {"AUROC": "auroc", "AUPRC": "auprc", "Brier": "brier"}
_CALLED = {"sensitivity": "sensitivity", "specificity": "specificity", "alerts": "alerts"}
_CONFIRMED = {"PPV": "ppv", "NPV": "npv", "F1": "f1", "MCC": "mcc"}
_RECALIBRATED = {
    "slope": "calibration_slope",
    "intercept": "calibration_intercept",
    "observed - expected": "observed_less_expected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A label that was not scored, and why; `unlabelled` says that nothing at all is held to be true of it."""

    run: str
    label: str
    n: int
    positives: int
    negatives: int
    unknown: int
    reason: str
    split: str = ""
    group: str | None = None
    unlabelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The AUROC of one run minus that of another on the rows of both.

    Where `p_is_floor`, no resample came near: the p, and what it is adjusted to, is below the figure.
    """

    run: str
    against: str
    label: str
    n: int | None
    positives: int | None
    auroc: float
    auroc_against: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    test: str
    split: str = ""
    group: str | None = None
    p_adjusted: float | None = None
    p_is_floor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderScore:
    """One reader beside a run on the rows that the reader read; `lies` says where: above, on or below its ROC curve."""

    run: str
    label: str
    reader: str
    n: int
    positives: int
    sensitivity: float
    specificity: float
    model_sensitivity: float
    lies: str
    split: str = ""
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far readers agree on a label beyond chance; `alike`: the share of images that all of them call the same."""

    label: str
    readers: int
    n: int
    measure: str
    kappa: float | None
    low: float | None
    high: float | None
    alike: float
    split: str = ""
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The figures of some runs; shows itself in a terminal and a notebook.

    `splits` are the parts of the rows that were judged, each by itself: no figure is of two. `split` is all of them, as
    one word. `by` is what the rows of each were grouped by.
    """

    rows: Listing[Scored]
    left_out: Listing[LeftOut]
    comparisons: Listing[Comparison]
    readers: Listing[ReaderScore]
    agreement: Listing[Agreement] = field(default_factory=lambda: Listing((), ()))
    notes: tuple[str, ...]
    commit: str
    split: str
    by: str | None = None
    label_rows: tuple[LabelRows, ...] = field(default=(), repr=False)

    @property
    def splits(self) -> tuple[str, ...]:
        """The parts of the rows that were judged."""
        return tuple(self.split.split(", "))

    def get(self, run: str, label: str, *, split: str | None = None, group: str | None = None) -> Scored:
        """The figures of a run on a label (in the first part that has it); KeyError if it was not scored."""
        for row in self.rows:
            if (row.run, row.label) == (run, label) and split in (None, row.split) and group in (None, row.group):
                return row
        raise KeyError((run, label))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the curves, for JSON."""
        return {
            "commit": self.commit,
            "split": self.split,
            "by": self.by,
            "rows": self.rows.rows(),
            "left_out": self.left_out.rows(),
            "comparisons": self.comparisons.rows(),
            "readers": self.readers.rows(),
            "agreement": self.agreement.rows(),
            "notes": list(self.notes),
        }

    def tables(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """What there is to show, as titles and rows of text: part by part."""
        return [table for split in self.splits for table in self._tables_of(split)]

    def _tables_of(self, split: str) -> list[tuple[str, list[dict[str, Any]]]]:
        scored = [row for row in self.rows if row.split == split]
        ranked = [row.ranked() for row in scored]
        if not any(row.unknown for row in scored):
            ranked = [{name: cell for name, cell in row.items() if name != "unknown"} for row in ranked]
        called = [row for row in scored if any(one.threshold is not None for one in scored)]
        labels = [row for row in scored if row.label != MEAN]
        parts = [
            ("ranking", ranked),
            ("at a threshold", _without_one_origin([row.called() for row in called])),
            ("at that threshold", [row.confirmed() for row in called]),
            ("calibration", [row.calibrated() for row in labels]),
            ("recalibration", [row.recalibrated() for row in labels]),
            ("left out", [_rounded(_told(row)) for row in self.left_out if row.split == split and not row.unlabelled]),
            ("AUROC compared", [_rounded(_told(row)) for row in self.comparisons if row.split == split]),
            ("readers", [_rounded(_told(row)) for row in self.readers if row.split == split]),
            ("agreement of the readers", [_rounded(_told(row)) for row in self.agreement if row.split == split]),
        ]
        of = PART.get(split, f"{split} split")
        return [(f"{title}, {of}{_size(scored) if rows is ranked else ''}", rows) for title, rows in parts if rows]

    def __rich__(self) -> Group:
        shown: list[Any] = []
        for title, rows in self.tables():
            shown += [table_of(rows, list(rows[0]), title or None), Text("")]
        return Group(*shown, *(Text(f"- {note}") for note in self.notes))

    def _repr_html_(self) -> str:
        text = "".join(f"<p>{escape(title)}</p>{html_table(rows, list(rows[0]))}" for title, rows in self.tables())
        return text + "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in self.notes) + "</ul>"


PART = {"all": "all rows", "internal": "all rows but external ones", "external": "external rows"}
"""Parts of the rows in words; the others are splits."""


def _size(scored: list[Scored]) -> str:
    """How many rows there are of the label that has most, and of how many patients."""
    n = max((row.n or 0 for row in scored), default=0)
    patients = max((row.patients or 0 for row in scored), default=0)
    return f": {n:,} images or studies of {patients:,} patients"


def _without_one_origin(called: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows at a threshold without what it was chosen on, where that is the same for all: a note says it."""
    if len({row["chosen on"] for row in called} - {""}) > 1:
        return called
    return [{name: cell for name, cell in row.items() if name != "chosen on"} for row in called]


def _told(row: LeftOut | Comparison | ReaderScore | Agreement) -> dict[str, Any]:
    """A row as a person reads it: its split stands above, and its group only where there are groups."""
    empty = [name for name in ("group", "p_adjusted") if getattr(row, name, None) is None]
    hidden = {"split", "unlabelled", "p_is_floor", *empty}
    told = {name: value for name, value in asdict(row).items() if name not in hidden}
    floor = isinstance(row, Comparison) and row.p_is_floor
    return {name: told_p(value, is_floor=floor) if name in _P else value for name, value in told.items()}


_P = ("p", "p_adjusted")


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:.3f}" if isinstance(value, float) else value for name, value in row.items()}
