"""Runs side by side: the figures are those of an evaluation, the points those of its curves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

import encoder
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase

LABEL = "pleural effusion"
Cli = Callable[..., subprocess.CompletedProcess[str]]


def test_figures_are_those_of_an_evaluation_and_points_lie_on_its_curves(ward_kb: KnowledgeBase) -> None:
    found = encoder.audit.side_by_side(ward_kb, ["leaning", "good"], LABEL, source="truth.csv", bootstrap=50)
    judged = encoder.evaluate(ward_kb, ["leaning", "good"], source="truth.csv", bootstrap=50, against="leaning")
    first, second = found.points("figures")
    assert (first["run"], second["run"]) == ("leaning", "good")
    assert second["auroc"] == judged.get("good", second["label"]).values["auroc"]
    assert second["auroc_less_first"] == pytest.approx(second["auroc"] - first["auroc"])
    assert first["auroc_less_first"] is None
    for run in ("leaning", "good"):
        (confusion,) = [row for row in found.points("confusion") if row["run"] == run]
        at = [row for row in found.points("roc") if row["run"] == run]
        assert (at[0]["sensitivity"], at[-1]["sensitivity"]) == (0, 1)
        assert confusion["true_positives"] + confusion["false_negatives"] <= first["positives"]
        assert sum(row["positives"] for row in found.points("scores") if row["run"] == run) == first["positives"]
        assert sum(row["n"] for row in found.points("reliability") if row["run"] == run) == first["n"]


def test_a_run_that_is_not_there_is_said(ward_kb: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match="nobody"):
        encoder.audit.side_by_side(ward_kb, ["good", "nobody"], LABEL, source="truth.csv")
    with pytest.raises(UsageError, match="one run at least"):
        encoder.audit.side_by_side(ward_kb, [], LABEL)


@pytest.mark.soak
def test_the_command_says_which_runs_could_not_be_scored(ward_kb: KnowledgeBase, cli: Cli) -> None:
    asked = ("audit", "compare", "--kb", ward_kb.uri, "--run", "good", "--label", LABEL, "--source", "truth.csv")
    done = cli(*asked, "--min-positives", 100_000, code=2)
    assert "under the minimum" in done.stderr and "no run could be scored" in done.stderr
    assert cli(*asked, "--show", "roc", "--format", "csv").stdout.startswith(
        "run,label,false_positive_rate,sensitivity"
    )
