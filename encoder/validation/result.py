"""What a validation found: a row for each model, site and label, readers beside them, and notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.console import Group
from rich.text import Text

from encoder.evaluation.evaluation import MEAN
from kb.display import Listing, html_table, table_of
from kb.statistics.p_values import told_p


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The AUROC of one model at one site for one label, or its mean over labels, and what it is above the baseline.

    Attributes:
        model: its name.
        seeds: the runs that it is the mean of.
        site: where.
        split: of the rows: test, external, internal, ...
        label: which, or "mean over labels".
        labels: how many it is of.
        n: images or studies; of a mean, those judged for any of its labels.
        positives: of these; of a mean, summed over its labels.
        patients: that they are of.
        auroc: over seeds, the mean of their AUROCs.
        low: of the 95% interval; of several runs or labels, by resampled patients.
        high: likewise.
        sd: the standard deviation over seeds.
        difference: to the baseline, on the rows of both.
        difference_low: of its 95% interval.
        difference_high: likewise.
        p: of the paired test.
        p_adjusted: adjusted for all p values of the validation.
        p_is_floor: no resample came near: p, and what it is adjusted to, is below the figure.
        test: which: DeLong, or the patient bootstrap.
        in_mean: false for "No Finding".
    """

    model: str
    seeds: int
    site: str
    split: str
    label: str
    labels: int = 1
    n: int
    positives: int
    patients: int
    auroc: float
    low: float | None
    high: float | None
    sd: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    p_is_floor: bool = False
    test: str = ""
    in_mean: bool = True

    @property
    def name(self) -> str:
        """The label as a person reads it."""
        if self.label == MEAN:
            return f"mean of {self.labels} labels"
        return self.label if self.in_mean else f"{self.label} (apart)"

    @property
    def name_of_label(self) -> str:
        """The label in one spelling for all sites and models."""
        return MEAN if self.label == MEAN else " ".join(self.label.replace("_", " ").split())

    @property
    def figure(self) -> str:
        """The AUROC with its interval, as a person reads it."""
        between = "" if self.low is None or self.high is None else f" ({self.low:.3f}-{self.high:.3f})"
        return f"{self.auroc:.3f}{between}"

    @property
    def told_p(self) -> str:
        """The p value as a person reads it, adjusted where it is."""
        return told_p(self.p if self.p_adjusted is None else self.p_adjusted, is_floor=self.p_is_floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRow:
    """One reader, or the mean of all, beside one model: both at the reader's specificity."""

    site: str
    split: str
    label: str
    reader: str
    n: int
    positives: int
    specificity: float
    sensitivity: float
    model: str
    model_sensitivity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A label that a model was not scored on at a site, and why."""

    model: str
    site: str
    split: str
    label: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Models by sites and labels; shows itself in a terminal and a notebook. No figure is of two sites or splits."""

    rows: Listing[Row]
    readers: Listing[ReaderRow]
    left_out: Listing[Unscored]
    notes: tuple[str, ...]
    baseline: str | None
    by: str
    commit: str

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """The splits and sites that there are rows of, in order."""
        return list(dict.fromkeys((row.split, row.site) for row in self.rows))

    @property
    def models(self) -> list[str]:
        """The models that there are rows of, in order."""
        return list(dict.fromkeys(row.model for row in self.rows))

    def get(self, model: str, site: str, label: str) -> Row:
        """The row of a model, site and label; KeyError if there is none."""
        for row in self.rows:
            if (row.model, row.site, row.label) == (model, site, label):
                return row
        raise KeyError((model, site, label))

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "commit": self.commit,
            "by": self.by,
            "baseline": self.baseline,
            "rows": self.rows.rows(),
            "readers": self.readers.rows(),
            "left_out": self.left_out.rows(),
            "notes": list(self.notes),
        }

    def tables(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """What there is to show, as titles and rows of text: a table a site, and then its readers."""
        return [table for split, site in self.blocks for table in self._tables_of(split, site)]

    def _tables_of(self, split: str, site: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        rows = [row for row in self.rows if (row.split, row.site) == (split, site)]
        n, patients = max(row.n for row in rows), max(row.patients for row in rows)
        yield (
            f"{site} ({split}): {n:,} images or studies, {patients:,} patients",
            [self._shown(row, rows[at - 1] if at else None) for at, row in enumerate(rows)],
        )
        readers = [row for row in self.readers if (row.split, row.site) == (split, site)]
        if readers:
            yield f"{site} ({split}): readers, and each model at their specificity", list(_beside(readers))

    def _shown(self, row: Row, before: Row | None) -> dict[str, Any]:
        again = before is not None and before.label == row.label
        same = again and before is not None and (before.n, before.positives) == (row.n, row.positives)
        counts = f"of {row.n:,}" if row.label == MEAN else f"{row.positives:,}/{row.n:,}"
        cells = {
            "label": "" if again else row.name,
            "positives": "" if same else counts,
            "model": row.model,
            "AUROC (95%)": row.figure,
        }
        if any(one.sd is not None for one in self.rows):
            cells["sd"] = "" if row.sd is None else f"{row.sd:.3f}"
        if self.baseline is not None:
            cells["diff"] = "" if row.difference is None else f"{row.difference:+.3f}"
            cells["p"] = row.told_p
        return cells

    def __rich__(self) -> Group:
        shown: list[Any] = []
        for title, rows in self.tables():
            shown += [table_of(rows, list(rows[0]), title), Text("")]
        return Group(*shown, *(Text(f"- {note}") for note in self.notes))

    def _repr_html_(self) -> str:
        text = "".join(f"<p>{escape(title)}</p>{html_table(rows, list(rows[0]))}" for title, rows in self.tables())
        return text + "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in self.notes) + "</ul>"


def _beside(readers: list[ReaderRow]) -> Iterator[dict[str, Any]]:
    """A line for each label and reader, with the sensitivity of each model at that reader's specificity."""
    lines: dict[tuple[str, str, int, int], dict[str, Any]] = {}
    for row in readers:
        line = lines.setdefault(
            (row.label, row.reader, row.n, row.positives),
            {
                "label": row.label,
                "reader": row.reader,
                "positives": f"{row.positives:,} of {row.n:,}",
                "specificity": f"{row.specificity:.3f}",
                "sensitivity": f"{row.sensitivity:.3f}",
            },
        )
        line[row.model] = f"{row.model_sensitivity:.3f}"
    columns = list(dict.fromkeys(name for line in lines.values() for name in line))
    return ({name: line.get(name, "") for name in columns} for line in lines.values())
