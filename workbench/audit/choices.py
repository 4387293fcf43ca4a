"""What can be chosen: the runs of a state, what each predicts, and the sources of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from kb.language.label_names import is_no_finding
from kb.store.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as a list shows it."""

    name: str
    method: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a state offers to look at."""

    runs: tuple[Run, ...]
    sources: tuple[str, ...]
    encoders: tuple[str, ...]

    @property
    def labels(self) -> Mapping[str, Sequence[str]]:
        """What each run predicts."""
        return {run.name: run.labels for run in self.runs}

    @property
    def all_labels(self) -> list[str]:
        """The labels of all runs."""
        return sorted({label for run in self.runs for label in run.labels}, key=_order)


def choices_of(state: State) -> Choices:
    """The runs and sources of one state; asked by `state.remember(choices_of)`, for tables are read."""
    methods = {row["run"]: row["method"] for row in _rows(state, "runs", ["run", "method"])}
    predicted = state.dataset("predictions").to_table(columns=["run", "label"])
    pairs = predicted.group_by(["run", "label"]).aggregate([]).to_pylist()
    labels: dict[str, list[str]] = {run: [] for run in methods}
    for pair in pairs:
        labels.setdefault(pair["run"], []).append(pair["label"])
    runs = (
        Run(name=name, method=methods.get(name, ""), labels=tuple(sorted(found, key=_order)))
        for name, found in sorted(labels.items())
        if found
    )
    sources = pc.unique(state.dataset("labels").to_table(columns=["source"])["source"]).to_pylist()
    encoders = pc.unique(state.dataset("image_vectors").to_table(columns=["encoder"])["encoder"]).to_pylist()
    return Choices(
        runs=tuple(runs), sources=tuple(sorted(filter(None, sources))), encoders=tuple(sorted(filter(None, encoders)))
    )


def _rows(state: State, table: str, columns: list[str]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = state.dataset(table).to_table(columns=columns).to_pylist()
    return found


def _order(label: str) -> tuple[bool, str]:
    """By name, "No Finding" last."""
    return is_no_finding(label), label.lower()
