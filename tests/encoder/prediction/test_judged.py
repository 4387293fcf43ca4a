"""What runs are judged on: what nothing here was trained on, decided from what is recorded, alike by all that judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from encoder.audit.segments.audit import SegmentOptions, audit_segments
from encoder.evaluation import Options, evaluate
from encoder.prediction.judged import judged_parts, warnings, why_judged
from encoder.validation.validate import validate
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql.trained_here import learns_here, trained_here
from kb.sql.views import Views
from kb.store.gc import collect_garbage
from tests.support.stored_rows import image
from tests.support.tables import fill, run
from tests.support.terminal import printed

PARTS = {"train": 60, "validation": 40, "test": 40}
QUICK = Options(bootstrap=0, min_positives=3)
OBJECTIVES = {"concepts": True, "report": True, "imported": False, "foreign": False, "frozen": False}
"""Of an encoder, and whether images here taught it."""


def study(kb: KnowledgeBase, *, named: bool = True, parts: Mapping[str, int] = PARTS) -> list[dict[str, Any]]:
    """Images and labels, and the scores of a model; the splits are named by a table, or lie in the name alone."""
    units = [(f"{part}{n}", part, n) for part, count in parts.items() for n in range(count)]
    told = [{"split": part, "ward": "AB"[n % 3 == 0]} for _, part, n in units]
    fill(
        kb,
        images=[
            image(name, patient_id=f"p{name}", attributes=about if named else {"ward": about["ward"]})
            for (name, _, _), about in zip(units, told, strict=True)
        ],
        labels=[{"image_id": name, "label": "E", "value": n % 2, "source": "l"} for name, _, n in units],
    )
    return [{"image_id": name, "label": "E", "score": (n % 2 + n % 7 / 8) / 2} for name, _, n in units]


def runs_of(kb: KnowledgeBase, scores: list[dict[str, Any]], runs: Mapping[str, Mapping[str, Any]]) -> None:
    """Runs that predict all of these, and the encoders that they name: `encoder` is an objective too."""
    objectives = {facts["encoder"] for facts in runs.values() if facts.get("encoder")}
    known = [{"encoder": name, "objective": name, "checkpoint": "c", "dimension": 2} for name in objectives]
    fill(
        kb,
        encoders=known,
        runs=[run(name, **facts) for name, facts in runs.items()],
        predictions=[{"run": name, **row} for name in runs for row in scores],
    )


@pytest.fixture
def everywhere(kb: KnowledgeBase) -> KnowledgeBase:
    """A run of each method over each kind of encoder, and one that came as a table."""
    made = {
        f"{method} {objective}": {"method": method, "encoder": objective}
        for method in ("zero-shot", "probe", "bottleneck", "imported")
        for objective in OBJECTIVES
    }
    runs_of(kb, study(kb), {**made, "table": {}, "unknown": {"method": "zero-shot", "encoder": None}})
    fill(kb, runs=[run("nobody", method="zero-shot", encoder="of which nobody knows")])
    return kb


def test_a_head_is_trained_here_whatever_it_reads_and_an_encoder_unless_it_came_from_elsewhere(
    everywhere: KnowledgeBase,
) -> None:
    expected = {
        f"{method} {objective}"
        for method in ("zero-shot", "probe", "bottleneck", "imported")
        for objective, taught in OBJECTIVES.items()
        if taught or method in ("probe", "bottleneck")
    }
    assert trained_here(everywhere) == expected | {"nobody"}
    for name in expected | {"zero-shot imported", "zero-shot frozen"}:
        method, objective = name.split()
        assert learns_here(everywhere, method, objective) == (name in expected)
    assert not learns_here(everywhere, "imported", None)


@pytest.mark.soak
def test_all_that_judges_looks_at_the_same_rows(everywhere: KnowledgeBase) -> None:
    trained = trained_here(everywhere)
    with Views(everywhere) as session:
        counted = session.run("SELECT run, count(*) FILTER (judged) AS n FROM outcomes GROUP BY run").rows()
    for name, n in ((row["run"], row["n"]) for row in counted):
        ours = name in trained
        assert n == (40 if ours else 140), name
        assert judged_parts(everywhere, [name]) == (("test",) if ours else ("all",)), name
        assert [row.n for row in evaluate(everywhere, [name], QUICK).rows] == [n], name
    for name, n in (("zero-shot imported", 140), ("zero-shot concepts", 40)):
        assert [row.n for row in validate(everywhere, [name], QUICK, by="source").rows] == [n]


def test_runs_of_both_kinds_are_judged_on_the_same_rows_and_it_is_told_why(everywhere: KnowledgeBase) -> None:
    found = evaluate(everywhere, ["zero-shot imported", "probe imported"], QUICK)
    assert {(row.split, row.n) for row in found.rows} == {("test", 40)}
    assert (
        "judged on the test split: the training images taught probe imported; zero-shot imported learned from none "
        "here, and without the former all rows are judged"
    ) in found.notes
    assert why_judged(everywhere, ["zero-shot frozen"]) == [
        "judged on all rows: none of them taught zero-shot frozen, which came from elsewhere"
    ]
    assert why_judged(everywhere, ["table"]) == []


def test_a_split_that_was_asked_for_is_judged_and_what_was_learned_from_it_is_told(everywhere: KnowledgeBase) -> None:
    found = evaluate(everywhere, ["probe imported"], Options(bootstrap=0, split="all"))
    assert [row.n for row in found.rows] == [140]
    said = "probe imported learned from rows that are judged here (split 'all'): no figure of new patients"
    assert said in found.notes
    assert warnings(everywhere, ["probe imported"], "test") == warnings(everywhere, ["zero-shot frozen"], "all") == []


@pytest.mark.soak
def test_an_encoder_that_another_knowledge_base_trained_is_judged_on_the_test_split_and_told(kb: KnowledgeBase) -> None:
    scores = study(kb)
    runs_of(kb, scores, {"zs": {"method": "zero-shot", "encoder": "e"}})
    kb.publish("test", lambda publication: (publication.delete("encoders", "true") or {}, None))
    row = {"encoder": "e", "objective": "concepts", "checkpoint": "c", "dimension": 2}
    fill(kb, encoders=[{**row, "vocabulary_commit": "0123456789ab"}])
    found = evaluate(kb, ["zs"], QUICK)
    assert found.split == "test"
    assert any(note.startswith("e: trained at a commit that is not here") for note in found.notes)
    kb.publish("test", lambda publication: (publication.delete("encoders", "true") or {}, None))
    fill(kb, encoders=[{**row, "vocabulary_commit": kb.commit.commit_id}])
    assert not any("commit that is not here" in note for note in evaluate(kb, ["zs"], QUICK).notes)


@pytest.mark.parametrize(
    ("method", "objective", "chosen", "refused"),
    [
        ("zero-shot", "imported", {}, False),
        ("zero-shot", "imported", {"calibrated": ["E"]}, True),
        ("probe", "imported", {}, True),
        ("zero-shot", "concepts", {}, True),
    ],
)
def test_images_that_became_external_since_are_refused_to_what_learned_from_them_alone(
    kb: KnowledgeBase, method: str, objective: str, chosen: dict[str, Any], refused: bool
) -> None:
    scores = study(kb)
    facts = {"vocabulary_commit": kb.commit.commit_id, "parameters": json.dumps(chosen)}
    runs_of(kb, scores, {"r": {"method": method, "encoder": objective, **facts}})

    def moved(publication: Any) -> tuple[dict[str, Any], None]:
        publication.delete("images", "image_id LIKE 'train%'")
        return {}, None

    kb.publish("test", moved)
    names = sorted(row["image_id"] for row in scores if row["image_id"].startswith("train"))
    fill(kb, images=[image(name, patient_id=f"p{name}", attributes={"split": "external"}) for name in names])
    if refused:
        with pytest.raises(UsageError, match="now lie in the external split"):
            judged_parts(kb, ["r"])
    else:
        assert judged_parts(kb, ["r"]) == ("internal", "external")


@pytest.mark.soak
@pytest.mark.parametrize("method", ["zero-shot", "probe"])
def test_images_that_moved_are_found_after_a_clean_up_and_told_of_where_nobody_can_look(
    kb: KnowledgeBase, method: str
) -> None:
    scores = study(kb)
    made_at = kb.commit.commit_id
    facts = {"vocabulary_commit": made_at, "parameters": json.dumps({"calibrated": ["E"]})}
    runs_of(kb, scores, {"r": {"method": method, "encoder": "imported", **facts}})
    names = [row["image_id"] for row in scores if row["image_id"].startswith("train")]
    kb.publish("test", lambda publication: (publication.delete("images", "image_id LIKE 'train%'") or {}, None))
    fill(kb, images=[image(name, patient_id=f"p{name}", attributes={"split": "external"}) for name in names])
    for label in "FGH":
        fill(kb, labels=[{"image_id": "test0", "label": label, "value": 1, "source": "l"}])
    kb.gc(keep=1)
    with pytest.raises(UsageError, match="now lie in the external split"):
        judged_parts(kb, ["r"])
    said = f"r: the data of commit {made_at}, which it learned from, cannot be read any more"
    assert not any(note.startswith(said) for note in why_judged(kb, ["r"]))
    collect_garbage(kb, keep=1, unnamed=True)  # as where a patient is forgotten
    assert any(note.startswith(said) for note in why_judged(kb, ["r"]))
    assert any(note.startswith(said) for note in evaluate(kb, ["r"], QUICK).notes)


@pytest.mark.soak
def test_rows_that_chose_a_threshold_are_judged_by_it_in_no_table(kb: KnowledgeBase) -> None:
    runs_of(kb, study(kb), {"r": {}})
    found = evaluate(kb, ["r"], QUICK)
    (row,) = found.rows
    assert (row.n, row.threshold_from, row.confusion and row.confusion.n) == (140, "validation", 100)
    tables = dict(found.tables())
    assert tables["ranking, all rows: 140 images or studies of 140 patients"][0]["positives"] == "70 of 140"
    assert tables["at a threshold, all rows"][0]["positives"] == "50 of 100"
    assert tables["at that threshold, all rows"][0]["positives"] == "50 of 100"
    audited = audit_segments(kb, "r", "E", options=SegmentOptions(pairs=False))
    assert (audited.overall.n, audited.overall.positives) == (100, 50)
    assert audited.overall.sensitivity.value == pytest.approx(row.values["sensitivity"])
    assert "left out: 40 validation rows, which chose the threshold" in audited.notes
    told = audit_segments(kb, "r", "E", options=SegmentOptions(pairs=False, threshold=0.5))
    assert told.overall.n == 140
    with pytest.raises(UsageError, match="without 40 validation rows, which chose the threshold"):
        audit_segments(kb, "r", "E", options=SegmentOptions(split="validation"))


@pytest.mark.soak
def test_operating_points_say_on_which_rows(kb: KnowledgeBase, cli_json: Callable[..., Any]) -> None:
    runs_of(kb, study(kb), {"theirs": {}, "probe": {"method": "probe", "encoder": "imported"}})
    rows = {row["run"]: row for row in cli_json("audit", "operating-points", "--kb", kb.uri)}
    told = {name: [row[key] for key in ("judged_on", "n", "positives", "patients")] for name, row in rows.items()}
    assert told == {"probe": ["test", 40, 20, 40], "theirs": ["test, train", 100, 50, 100]}


@pytest.mark.soak
@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (("evaluate", "--bootstrap", "20"), ("ranking, all rows: 140 images or studies of 140 patients", "50 of 100")),
        (("audit", "operating-points"), ("r, judged by l, on rows of test, train, 100 patients", "50 of 100")),
    ],
)
def test_at_80_columns_every_table_says_n_positives_and_split_and_cuts_no_number(
    kb: KnowledgeBase, command: tuple[str, ...], wanted: tuple[str, str]
) -> None:
    runs_of(kb, study(kb), {"r": {}})
    lines = printed(*command, "--run", "r", "--kb", kb.uri)
    assert wanted[0] in lines
    assert any(wanted[1] in line for line in lines)
    assert max(map(len, lines)) <= 80
    rests = [line for line in lines if re.search(r"\d", line) and not re.search(r"[A-Za-z.]", line)]
    assert not [line for line in rests if not re.search(r"\d-\d", line)], "a line of digits alone is a number's end"
