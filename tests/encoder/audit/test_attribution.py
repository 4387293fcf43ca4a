"""Attribution of slices: means and differences that sum up exactly, and what is kept in the view `attributions`."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.audit.attribution import attribute
from encoder.explanation.explanation import Explainer
from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot_run import predict_zero_shot
from encoder.vectors.image_vectors import read_image_vectors
from ingest.labels.predictions import ingest_predictions
from kb.errors import UsageError
from kb.sql.views import Views
from tests.support.shapes import Shapes

RUNS = ["a-llm", "a-encoder", "a-bottleneck"]
LEFT, RIGHT = "truth = 1", "truth = 0"


@pytest.fixture(scope="module")
def runs(shapes: Shapes) -> list[str]:
    options = PredictOptions(run="a-llm", space="llm")
    predict_zero_shot(shapes.now(), shapes.concepts, PromptSet(), options=options, embedder=lambda: shapes.embedder)
    predict_probe(shapes.now(), shapes.concepts, PredictOptions(run="a-encoder", space="encoder"))
    predict_bottleneck(shapes.now(), shapes.concepts, PredictOptions(run="a-bottleneck"), count=4)
    return RUNS


def of(shapes: Shapes, run: str, **values: object):
    return attribute(shapes.now(), run, "nodule", encoder=str(shapes.concepts.folder), **values)


def mean_logit(shapes: Shapes, run: str, where: str) -> float:
    with Views(shapes.now()) as session:
        sql = f"SELECT avg(logit) AS mean FROM outcomes WHERE run = $run AND label = 'nodule' AND {where}"
        return session.run(sql, {"run": run}).rows()[0]["mean"]


@pytest.mark.parametrize("run", RUNS)
def test_the_mean_logit_of_a_slice_is_what_its_parts_sum_to(shapes: Shapes, runs, run: str) -> None:
    found = of(shapes, run, where=LEFT, top=5)
    assert found.logit == pytest.approx(mean_logit(shapes, run, LEFT), abs=1e-5)
    listed = sum(one.contribution for one in found.top)
    assert found.base + found.outside + listed + found.others + found.residual == pytest.approx(found.logit, abs=1e-9)
    assert abs(found.residual) < 1e-4 and found.stored_difference < 1e-4
    whole = of(shapes, run, where=LEFT, top=10_000)
    assert sum(one.contribution for one in whole.groups) == pytest.approx(
        sum(o.contribution for o in whole.top), abs=1e-5
    )


@pytest.mark.soak
@pytest.mark.parametrize("run", RUNS)
def test_a_difference_of_two_slices_is_the_difference_of_their_parts(shapes: Shapes, runs, run: str) -> None:
    found = of(shapes, run, where=LEFT, against=RIGHT)
    assert found.logit == pytest.approx(mean_logit(shapes, run, LEFT) - mean_logit(shapes, run, RIGHT), abs=1e-5)
    assert abs(found.residual) < 1e-4
    one, other = of(shapes, run, where=LEFT, top=10_000), of(shapes, run, where=RIGHT, top=10_000)
    parts = [{row.concept_id: row.contribution for row in side.top} for side in (one, other)]
    for row in found.top:
        assert row.contribution == pytest.approx(parts[0][row.concept_id] - parts[1][row.concept_id], abs=1e-5)


@pytest.mark.soak
def test_what_tells_nodules_from_their_absence_is_the_finding_itself_with_its_sentences(shapes: Shapes, runs) -> None:
    found = of(shapes, "a-llm", where=LEFT, against=RIGHT, evidence=2)
    assert found.groups[0].finding == "nodule"
    assert found.groups[0].evidence and "nodule" in (found.groups[0].evidence[0].sentence or "")
    assert len(found.top[0].evidence) == 2


def test_one_image_is_what_explain_says_of_it(shapes: Shapes, runs) -> None:
    found = of(shapes, "a-llm", image="im0008.png", evidence=0)
    plain = Explainer(shapes.now(), shapes.concepts, "a-llm").explain("im0008.png", "nodule", evidence=0)
    assert (found.images, found.of) == (1, "image im0008.png")
    assert found.logit == pytest.approx(plain.logit, abs=1e-9)
    assert [row.concept_id for row in found.top] == [row.concept_id for row in plain.top]


@pytest.mark.soak
def test_what_cannot_be_taken_apart_says_why(shapes: Shapes, runs, tmp_path) -> None:
    with pytest.raises(UsageError, match="is left where truth = 7"):
        of(shapes, "a-llm", where="truth = 7")
    with pytest.raises(UsageError, match="image or where"):
        of(shapes, "a-llm", where=LEFT, image="im0008.png")
    with pytest.raises(UsageError, match="no view 'secrets'"):
        of(shapes, "a-llm", where="truth IN (SELECT 1 FROM secrets)")
    (tmp_path / "p.csv").write_text("image,nodule\nim0000.png,0.4\nim0001.png,0.7\n")
    ingest_predictions(shapes.now(), tmp_path / "p.csv", "theirs")
    with pytest.raises(UsageError, match="came as a table"):
        of(shapes, "theirs")


def test_parts_of_many_images_are_the_means_of_their_own(shapes: Shapes, runs) -> None:
    explainer = Explainer(shapes.now(), shapes.concepts, "a-llm")
    head = explainer.run.head("nodule")
    vectors = read_image_vectors(shapes.now(), shapes.concepts.encoder_id).matrix[:5]
    whole = explainer.parts(head, vectors)
    single = [explainer.parts(head, vectors[n : n + 1]) for n in range(5)]
    assert whole.contributions == pytest.approx(np.mean([part.contributions for part in single], axis=0), abs=1e-5)
    assert whole.base == pytest.approx(np.mean([part.base for part in single]))
    assert whole.above == pytest.approx(np.mean([part.above for part in single], axis=0), abs=1e-5)
