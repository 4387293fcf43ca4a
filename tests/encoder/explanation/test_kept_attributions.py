"""`explain --all`: what many predictions owe most to is kept once, sums exactly, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import encoder.audit.kept_attributions as work
from encoder.audit.kept_attributions import KeptAttributions, keep_attributions
from encoder.explanation.explanation import Explainer
from encoder.explanation.largest import NONE, directions_by_finding, largest_contributions
from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from kb.errors import UsageError
from kb.sql.views import Views
from tests.support.shapes import Shapes

RUNS = ["k-llm", "k-encoder", "k-bottleneck"]


@pytest.fixture(scope="module")
def runs(shapes: Shapes) -> list[str]:
    predict_probe(shapes.now(), shapes.concepts, PredictOptions(run="k-llm", space="llm"))
    predict_probe(shapes.now(), shapes.concepts, PredictOptions(run="k-encoder"))
    predict_bottleneck(shapes.now(), shapes.concepts, PredictOptions(run="k-bottleneck"), count=4)
    return RUNS


def keep(shapes: Shapes, run: str, **values: object) -> KeptAttributions:
    return keep_attributions(shapes.now(), run, encoder=str(shapes.concepts.folder), **values)


def asked(shapes: Shapes, sql: str) -> list[dict]:
    with Views(shapes.now()) as session:
        return session.run(sql).rows()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 7), st.sampled_from([3, 8, 1_024]))
def test_the_largest_are_those_of_the_whole_matrix(seed: int, concepts: int, top: int, at_once: int) -> None:
    from encoder.explanation import largest

    dice = np.random.default_rng(seed)
    vectors, above = dice.standard_normal((concepts, 4)).astype(np.float32), dice.standard_normal((5, 4))
    weights = dice.standard_normal((concepts, 2)) * (dice.random((concepts, 2)) < 0.6)
    before, largest.CONCEPTS = largest.CONCEPTS, at_once
    try:
        found = largest_contributions(vectors, weights, above, top=top)
    finally:
        largest.CONCEPTS = before
    for label, one in enumerate(found):
        whole = (above @ vectors.T) * weights[:, label]
        for row, (places, kept) in enumerate(zip(one.places, one.contributions, strict=True)):
            sizes = np.sort(np.abs(whole[row]))[::-1][:top]
            count = int((sizes > 0).sum())
            assert np.abs(kept[:count]) == pytest.approx(sizes[:count], rel=1e-4, abs=1e-6)
            assert whole[row][places[:count]] == pytest.approx(kept[:count], rel=1e-4, abs=1e-6)
            assert (places[count:] == NONE).all()
        assert one.sums == pytest.approx(whole.sum(axis=1), abs=1e-4)
    codes = np.arange(concepts) % 3
    by_finding = above @ directions_by_finding(vectors, weights[:, 0], codes, findings=3).T
    whole = (above @ vectors.T) * weights[:, 0]
    assert by_finding == pytest.approx(np.stack([whole[:, codes == n].sum(axis=1) for n in range(3)], axis=1), abs=1e-5)


@pytest.mark.soak
@pytest.mark.parametrize("run", RUNS)
def test_what_is_kept_is_what_explain_says_of_each_and_sums_to_its_logit(shapes: Shapes, runs, run: str) -> None:
    kept = keep(shapes, run, labels=["nodule"], where="split = 'test'", top=3)
    assert (kept.predictions, kept.added, kept.known, kept.left_out) == (60, 60, 0, {})
    rows = asked(shapes, f"FROM attributions WHERE run = '{run}' AND grouping = 'concept' ORDER BY image_id, rank")
    sums = asked(shapes, f"FROM attribution_sums WHERE run = '{run}' ORDER BY image_id")
    logits = asked(shapes, f"SELECT image_id, logit FROM predictions WHERE run = '{run}' AND label = 'nodule'")
    logits = {row["image_id"]: row["logit"] for row in logits}
    for one in sums:
        mine = [row for row in rows if row["image_id"] == one["image_id"]]
        total = sum(row["contribution"] for row in mine)
        told = one["base"] + one["outside"] + total + one["others"] + one["residual"]
        assert told == pytest.approx(logits[one["image_id"]], abs=1e-4)
        assert one["logit"] == pytest.approx(told, abs=1e-9)
        assert abs(one["residual"]) <= kept.largest_residual < 1e-4
    explainer = Explainer(shapes.now(), shapes.concepts, run)
    for image in (sums[0]["image_id"], sums[-1]["image_id"]):
        plain = explainer.explain(image, "nodule", top=3, evidence=0)
        mine = [row for row in rows if row["image_id"] == image]
        wanted = [one for one in plain.top if one.contribution]
        for row, one in zip(mine, wanted, strict=True):
            assert row["contribution"] == pytest.approx(one.contribution, rel=1e-3, abs=1e-5)
            assert row["score"] == pytest.approx(one.score, rel=1e-3, abs=1e-5)
            assert row["concept"] == one.text and row["finding"] == one.finding


@pytest.mark.soak
def test_summed_by_finding_they_are_the_groups_of_explain(shapes: Shapes, runs) -> None:
    keep(shapes, "k-llm", labels=["nodule"], grouping="finding", top=2)
    rows = asked(shapes, "FROM attributions WHERE run = 'k-llm' AND grouping = 'finding' AND image_id = 'im0008.png'")
    plain = Explainer(shapes.now(), shapes.concepts, "k-llm").explain("im0008.png", "nodule", evidence=0)
    told = {group.finding: group.contribution for group in plain.groups}
    assert len(rows) == 2 and all(row["concept_id"] is None and row["score"] is None for row in rows)
    assert {row["finding"]: row["contribution"] for row in rows} == pytest.approx(told, abs=1e-5)


@pytest.mark.soak
def test_a_second_run_adds_only_what_is_missing_and_larger_lists_take_the_place_of_shorter(shapes, runs) -> None:
    some = keep(shapes, "k-encoder", labels=["pleural effusion"], where="split = 'test'", top=2)
    assert keep(shapes, "k-encoder", labels=["pleural effusion"], where="split = 'test'", top=1).added == 0
    both = keep(shapes, "k-encoder", labels=["pleural effusion"], top=2)
    assert (some.added, both.added, both.known) == (60, 240, 60)
    longer = keep(shapes, "k-encoder", labels=["pleural effusion"], where="split = 'test'", top=4)
    assert longer.added == 60
    counts = asked(
        shapes,
        "SELECT n, count(*) AS images FROM (SELECT image_id, count(*) AS n FROM attributions WHERE run = 'k-encoder' "
        "AND label = 'pleural effusion' GROUP BY image_id) GROUP BY n ORDER BY n",
    )
    assert [(row["n"], row["images"]) for row in counts] == [(2, 240), (4, 60)]


def test_an_interrupted_work_keeps_what_was_committed_and_goes_on_from_there(shapes, runs, monkeypatch) -> None:
    monkeypatch.setattr(work, "IMAGES", 50)
    monkeypatch.setattr(work, "COMMIT_EVERY", 100)

    class Cut:
        def stage(self, name: str, total: int | None) -> None:
            assert (name, total) == ("attributing", 300)

        def advance(self, done: int, items: int) -> None:
            if done > 200:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep(shapes, "k-bottleneck", labels=["pleural effusion"], watcher=Cut())
    rest = keep(shapes, "k-bottleneck", labels=["pleural effusion"])
    assert (rest.known, rest.added) == (200, 100)
    (row,) = asked(
        shapes,
        "SELECT count(*) AS n, count(DISTINCT image_id) AS images FROM attribution_sums "
        "WHERE run = 'k-bottleneck' AND label = 'pleural effusion'",
    )
    assert (row["n"], row["images"]) == (300, 300)


@pytest.mark.soak
def test_a_run_that_is_replaced_takes_what_was_kept_of_it_along(shapes: Shapes, runs) -> None:
    predict_probe(shapes.now(), shapes.concepts, PredictOptions(run="k-again"))
    keep(shapes, "k-again", labels=["nodule"], top=1)
    assert keep(shapes, "k-again", labels=["nodule"], top=1, dry_run=True).added == 0
    predict_probe(shapes.now(), shapes.concepts, PredictOptions(run="k-again", replace=True))
    for table in ("attributions", "attribution_sums"):
        assert not asked(shapes, f"FROM {table} WHERE run = 'k-again'")


@pytest.mark.soak
def test_predictions_of_other_pictures_are_left_out_and_counted(shapes: Shapes, runs) -> None:
    kb = shapes.now()
    predict_probe(kb, shapes.concepts, PredictOptions(run="k-stale"))
    rows = kb.dataset("predictions").to_table(filter="run = 'k-stale' AND label = 'nodule'").to_pylist()
    moved = [{**row, "logit": row["logit"] + (0.5 if n < 7 else 0)} for n, row in enumerate(rows)]

    def change(publication):
        import pyarrow as pa

        batch = pa.RecordBatch.from_pylist(moved, schema=kb.dataset("predictions").schema)
        publication.replace("predictions", "run = 'k-stale' AND label = 'nodule'", [batch])
        return {}, None

    kb.publish("predict", change)
    found = keep(shapes, "k-stale", labels=["nodule"])
    assert found.added == len(rows) - 7
    assert list(found.left_out.items()) == [("encoded anew since the prediction: predict again", 7)]
    with pytest.raises(UsageError, match="is left where truth = 7"):
        keep(shapes, "k-stale", where="truth = 7")


@pytest.mark.soak
def test_the_command_keeps_all_and_says_what_does_not_go_with_it(
    shapes: Shapes, runs, cli: Callable, cli_json: Callable
) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder, "--run", "k-llm")
    told = cli_json("explain", "--all", *where, "--label", "nodule", "--per", "finding", "--top", 1)
    assert told["predictions"] == 300 and told["largest_residual"] < 1e-4
    said = cli("explain", "--all", *where, "--label", "nodule", "--per", "finding", "--top", 1).stdout
    assert "0 taken apart" in said and "300 kept already" in said
    assert "IMAGE and LABEL" in cli("explain", *where, code=2).stderr
    assert "go with --all" in cli("explain", "im0008.png", "nodule", *where, "--where", "true", code=2).stderr
    assert "no IMAGE" in cli("explain", "im0008.png", "nodule", "--all", *where, code=2).stderr
