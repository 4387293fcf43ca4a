"""What is asked of a page of the audit: which runs, which label, on which rows; as the address says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlencode

from kb.errors import UsageError
from kb.images.patient_split import PARTS
from kb.images.view_choice import FRONTAL

MOST_RUNS = 4
"""Runs side by side: more curves cannot be told apart."""

PERIODS = ("week", "month", "quarter", "year")


class Query(Protocol):
    """The query of an address: a name may stand there several times."""

    def getlist(self, key: str) -> list[str]:
        """All values of a name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked.

    Attributes:
        runs: those that stand side by side.
        of: the one that is audited by itself.
        label: that they predict.
        source: of labels; None for whatever speaks.
        split: of the rows; None for what nothing learned from.
        views: of the images.
        where: SQL over the rows.
        by: what periods of a timeline are.
        encoder: whose image vectors count, for a run that is of none; None where there is one only.
    """

    runs: tuple[str, ...]
    of: str
    label: str
    source: str | None = None
    split: str | None = None
    views: str = FRONTAL
    where: str | None = None
    by: str = "month"
    encoder: str | None = None

    def on(self, split: str) -> Asked:
        """The same on a part of the rows that is named."""
        return replace(self, split=split)

    def query(self) -> str:
        """The query of an address that asks the same."""
        one = {"of": self.of, "label": self.label, "source": self.source, "split": self.split, "where": self.where}
        one["encoder"] = self.encoder
        one |= {"views": self.views if self.views != FRONTAL else None, "by": self.by if self.by != "month" else None}
        pairs = [("run", run) for run in self.runs] + [(name, value) for name, value in one.items() if value]
        return urlencode(pairs)


def read_asked(query: Query, labels: Mapping[str, Sequence[str]]) -> Asked:
    """What an address asks; what it does not say is chosen: the first run, and the first label that all predict.

    Args:
        query: of the address.
        labels: what each run predicts.

    Raises:
        UsageError: there is no such run, label or split, or too many runs, or no run at all.
    """
    if not labels:
        raise UsageError("there are no predictions here yet: nothing can be audited", need="predictions")
    named = _one(query, "of")
    runs = tuple(dict.fromkeys(filter(None, query.getlist("run")))) or ((named,) if named else tuple(labels)[:1])
    if len(runs) > MOST_RUNS:
        raise UsageError(f"{len(runs)} runs: {MOST_RUNS} at the most can be told apart side by side")
    if unknown := [run for run in runs if run not in labels]:
        raise UsageError(f"there is no run '{unknown[0]}': {', '.join(labels)}")
    of = named or runs[0]
    if of not in labels:
        raise UsageError(f"there is no run '{of}': {', '.join(labels)}")
    split, by = _one(query, "split"), _one(query, "by") or "month"
    if split is not None and split not in PARTS:
        raise UsageError(f"split '{split}': one of {', '.join(PARTS)} was expected", parameter="split")
    if by not in PERIODS:
        raise UsageError(f"by '{by}': one of {', '.join(PERIODS)} was expected", parameter="by")
    return Asked(
        runs=runs,
        of=of,
        label=_one(query, "label") or first_label([labels[run] for run in {*runs, of}]),
        source=_one(query, "source"),
        split=split,
        views=_one(query, "views") or FRONTAL,
        where=_one(query, "where"),
        by=by,
        encoder=_one(query, "encoder"),
    )


def first_label(predicted: Sequence[Sequence[str]]) -> str:
    """The first label that all of some runs predict, else the first that any does; "" where there is none."""
    shared = [label for label in predicted[0] if all(label in others for others in predicted)] if predicted else []
    return next(iter([*shared, *(label for labels in predicted for label in labels)]), "")


def _one(query: Query, name: str) -> str | None:
    return next((value.strip() for value in query.getlist(name) if value.strip()), None)
