"""Interventions under a name: kept with their run, read again by the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.intervention import bottlenecks_of
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.runs import read_run
from encoder.prediction.saved_interventions import apply_saved, find_saved, save_intervention, saved_interventions
from kb.errors import UsageError

IMAGE = "im0008.png"


@pytest.fixture(scope="module")
def run(shapes) -> str:
    predict_bottleneck(shapes.now(), shapes.concepts, PredictOptions(run="s-bottleneck"), count=4)
    return "s-bottleneck"


def first_concept(shapes, run: str) -> tuple[str, str]:
    (bottleneck,) = [one for one in bottlenecks_of(read_run(shapes.now(), run)) if one.label == "nodule"]
    return bottleneck.concepts[0].concept_id, bottleneck.concepts[0].text


def test_what_was_set_is_kept_and_comes_to_the_same_again(shapes, run: str) -> None:
    concept, text = first_concept(shapes, run)
    kb = shapes.now()
    kept = save_intervention(kb, run, "without it", {concept: 0.0}, labels=("nodule",), image=IMAGE, by="ada")
    assert (kept.by, kept.in_words()) == ("ada", f"{text} = +0.0")
    assert kb.commit.operation == "intervention" and kb.commit.author == "ada"
    assert find_saved(read_run(shapes.now(), run), "without it") == kept
    (row,) = apply_saved(shapes.now(), shapes.concepts, run, "without it").rows
    assert (row["image"], row["label"]) == (IMAGE, "nodule")
    assert row["score_before"] != row["score_after"]


def test_a_name_is_taken_once(shapes, run: str) -> None:
    concept, _ = first_concept(shapes, run)
    save_intervention(shapes.now(), run, "twice", {concept: 1.0}, by="ada")
    with pytest.raises(UsageError, match="has an intervention 'twice' already"):
        save_intervention(shapes.now(), run, "twice", {concept: 2.0}, by="bea")
    save_intervention(shapes.now(), run, "twice", {concept: 2.0}, by="bea", replace=True)
    assert find_saved(read_run(shapes.now(), run), "twice").values == {concept: 2.0}


def test_what_cannot_be_kept_says_why(shapes, run: str) -> None:
    concept, _ = first_concept(shapes, run)
    for name, values, told in (
        (" ", {concept: 0.0}, "needs a name"),
        ("x", {}, "nothing is set"),
        ("x", {"C0000000000000000": 0.0}, "has the concept C0000000000000000"),
    ):
        with pytest.raises(UsageError, match=told):
            save_intervention(shapes.now(), run, name, values)
    with pytest.raises(UsageError, match="has no intervention 'none'"):
        find_saved(read_run(shapes.now(), run), "none")


@pytest.mark.soak
def test_the_command_keeps_lists_and_shows(shapes, run: str, cli: Callable, cli_json: Callable) -> None:
    _, text = first_concept(shapes, run)
    about = ("predict", "bottleneck", "--run", run, "--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder)
    done = cli(*about, "--label", "nodule", "--set", f"{text}=0", "--image", IMAGE, "--save", "by hand", "--by", "ada")
    assert "kept as 'by hand'" in done.stderr
    assert [row["name"] for row in cli_json(*about, "--saved", "?")] == sorted(
        one.name for one in saved_interventions(read_run(shapes.now(), run))
    )
    (row,) = cli_json(*about, "--saved", "by hand")
    assert row["image"] == IMAGE
    assert "name a concept" in cli(*about, "--save", "x", code=2).stderr
