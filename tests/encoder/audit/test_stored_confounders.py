"""`audit confounders` and `audit slices` over a knowledge base: by images, by reports, by attributes alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cli import app
from encoder.audit.confounders.audit import ConfounderOptions, audit_confounders
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.find import SliceOptions
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from encoder.vectors.image_vectors import read_image_vectors
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import Shapes


@pytest.fixture(scope="module")
def study(shapes: Shapes, tmp_path_factory: pytest.TempPathFactory) -> Shapes:
    """The shapes in a copy of their own: other tests count on theirs having two labels."""
    folder = tmp_path_factory.mktemp("study") / "shapes.kb"
    shutil.copytree(shapes.kb.uri, folder)
    return replace(shapes, kb=KnowledgeBase.open(folder))


@pytest.fixture(scope="module")
def runs(study: Shapes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A probe of ours; and the predictions of others: one that reads effusions, and labels that go with them."""
    folder = tmp_path_factory.mktemp("foreign")
    predict_probe(study.now(), study.concepts, PredictOptions(run="c-probe"))
    draw = np.random.default_rng(0)
    held = study.now().dataset("labels").to_table(filter="label = 'pleural effusion'").to_pylist()
    labels, scores = ["image,Planted"], ["image,Planted"]
    for row in sorted(held, key=lambda one: one["image_id"]):
        truth = draw.random() < (0.85 if row["value"] else 0.15)
        logit = 1.2 * truth + 2.0 * row["value"] + draw.normal(0, 0.7) - 1.5
        labels.append(f"{row['image_id']},{int(truth)}")
        scores.append(f"{row['image_id']},{1 / (1 + np.exp(-logit))}")
    for name, lines in (("planted.csv", labels), ("scores.csv", scores)):
        (folder / name).write_text("\n".join(lines))
    ingest_labels(study.now(), folder / "planted.csv")
    ingest_predictions(study.now(), folder / "scores.csv", "c-theirs")
    return folder


@pytest.mark.soak
def test_a_foreign_run_is_audited_by_the_vectors_and_reports_of_its_images(study: Shapes, runs: Path) -> None:
    options = ConfounderOptions(encoder=str(study.concepts.folder))
    found = audit_confounders(study.now(), "c-theirs", "Planted", options=options)
    assert (found.n, found.split, found.source) == (300, "all", "planted.csv")
    first = found.found[0]
    assert str(first.leans) in found.found._repr_html_() and "{" not in found.found._repr_html_()
    assert (first.name, first.kind, first.verdict) == ("pleural effusion", "report", "confounder")
    assert set(found.tested) == {"image", "report"}, "sex, view and site are all the same here: there is no attribute"
    by_images = ConfounderOptions(encoder=str(study.concepts.folder), kinds=("image",))
    image = audit_confounders(study.now(), "c-theirs", "Planted", options=by_images).found[0]
    assert (image.kind, image.finding) == ("image", "pleural effusion")
    assert image.concept_id is not None and image.leans.value > 0.3


def test_a_run_of_ours_is_audited_on_the_images_it_was_not_trained_on(study: Shapes, runs: Path) -> None:
    found = audit_confounders(study.now(), "c-probe", "nodule")
    assert (found.split, found.n) == ("test", 60)
    assert "nodule" in found.disease and all(row.finding not in found.disease for row in found.found)
    assert found.found and all(row.strata is not None for row in found.found)


def test_erasing_goes_through_a_run_of_ours(study: Shapes, runs: Path) -> None:
    from encoder.audit.confounders.audit_space import open_audit_space, rescorer

    kb = study.now()
    space = open_audit_space(kb, "c-probe", None)
    rescore = rescorer(kb, "c-probe", "nodule", space=space)
    assert rescore is not None
    images = read_image_vectors(kb, study.concepts.encoder_id)
    rows = kb.dataset("predictions").to_table(filter="run = 'c-probe' AND label = 'nodule'").to_pylist()
    stored = {row["image_id"]: row["logit"] for row in rows}
    expected = [stored[image] for image in images.image_ids]
    assert rescore(images.matrix) == pytest.approx(expected, abs=1e-4)
    assert rescorer(kb, "c-theirs", "Planted", space=space) is None


@pytest.mark.soak
def test_without_images_and_reports_attributes_remain(kb: KnowledgeBase, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    labels, scores = ["image_id,patient_id,device,ward,study_date,Edema"], ["image_id,Edema"]
    for n in range(400):
        truth = draw.random() < 0.4
        portable = draw.random() < (0.9 if truth else 0.1)
        labels.append(f"i{n},p{n // 2},{'portable' if portable else 'none'},W{n % 3},2024-0{1 + n % 4}-01,{int(truth)}")
        scores.append(f"i{n},{draw.normal(truth + 1.5 * portable)}")
    scores += [f"unlabelled{n},0.1" for n in range(10)]
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    (tmp_path / "scores.csv").write_text("\n".join(scores))
    ingest_labels(kb, tmp_path / "labels.csv")
    ingest_predictions(kb, tmp_path / "scores.csv", "theirs", scores_are="logits")
    found = audit_confounders(KnowledgeBase.open(kb.uri), "theirs", "edema")
    assert found.tested.keys() == {"attribute"} and found.patients == 200
    (called,) = found.confounders
    assert called.name in ("device: portable", "device: none"), "one of both: the other says the same"
    assert called.effect.low < (1.5 if called.name.endswith("portable") else -1.5) < called.effect.high
    assert any("no image has a vector" in note for note in found.notes)
    assert any("no report belongs" in note for note in found.notes)
    assert not any("2024" in row.name for row in found.found), "a model leans on no month: that is what drift is for"
    assert "left out: 10 predictions that labels.csv says nothing of" in found.notes
    assert "month, study date: not tested as a thing to lean on; see `audit drift`" in found.notes
    elsewhere = ConfounderOptions(where="patient_id < 'p3'", against="nowhere")
    with pytest.raises(UsageError, match="no site, run or knowledge base"):
        audit_confounders(KnowledgeBase.open(kb.uri), "theirs", "edema", options=elsewhere)
    with pytest.raises(UsageError, match="slices are clusters of image vectors"):
        audit_slices(KnowledgeBase.open(kb.uri), "theirs", "Edema")


def test_two_runs_on_the_same_images_stand_side_by_side(study: Shapes, runs: Path) -> None:
    (runs / "good.csv").write_text((runs / "planted.csv").read_text())
    kb = study.now()
    rows = (runs / "planted.csv").read_text().splitlines()[1:]
    draw = np.random.default_rng(5)
    said = ["image,Planted", *(f"{r.split(',')[0]},{draw.normal(2.0 * int(r.split(',')[1]), 1)}" for r in rows)]
    (runs / "fair.csv").write_text("\n".join(said))
    ingest_predictions(kb, runs / "fair.csv", "c-fair", scores_are="logits")
    options = ConfounderOptions(encoder=str(study.concepts.folder), against="c-fair")
    found = audit_confounders(study.now(), "c-theirs", "Planted", options=options)
    first = found.found[0]
    assert first.elsewhere is not None and found.against.startswith("run 'c-fair' on 300 rows")
    assert first.elsewhere.leans.q < 0.001 and abs(first.elsewhere.leans.value) < 0.2
    assert first.elsewhere.goes_with.value == pytest.approx(first.goes_with.value, abs=1e-6), "the same images"


def test_slices_of_a_run_hold_its_test_images(study: Shapes, runs: Path) -> None:
    found = audit_slices(study.now(), "c-probe", "nodule", options=SliceOptions(slices=3, min_size=5))
    assert found.n == sum(one.n for one in found.slices) == 60
    assert {one.number for one in found.slices} == {1, 2, 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"run": "nobody"}, "there is no run 'nobody'"),
        ({"label": "Hernia"}, "predicts no 'Hernia'"),
        ({"options": ConfounderOptions(where="nonsense = 1")}, "nonsense"),
        ({"options": ConfounderOptions(split="train", source="other")}, "source 'other'"),
    ],
)
def test_what_is_missing_is_named(study: Shapes, runs: Path, options: dict[str, object], message: str) -> None:
    asked = {"run": "c-probe", "label": "nodule", **options}
    with pytest.raises(UsageError, match=message):
        audit_confounders(study.now(), **asked)


@pytest.mark.soak
def test_a_condition_cannot_reach_other_rows(study: Shapes, runs: Path) -> None:
    for where in ("1 = 0) OR (run = 'c-theirs'", "true) OR (true", "true; SELECT 1", "true -- a comment"):
        options = ConfounderOptions(where=where, kinds=("report",))
        try:
            found = audit_confounders(study.now(), "c-probe", "nodule", options=options)
        except UsageError:
            continue
        assert found.n == 60, where


def test_a_site_is_compared_with_the_others_under_the_same_condition(kb: KnowledgeBase, tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    labels, scores = ["image_id,patient_id,site,view,device,Edema"], ["image_id,Edema"]
    for n in range(600):
        truth, portable = draw.random() < 0.4, draw.random() < 0.4
        view = "PA" if n % 3 else "AP"
        labels.append(f"i{n},p{n},{'AB'[n % 2]},{view},{'portable' if portable else 'none'},{int(truth)}")
        scores.append(f"i{n},{draw.normal(truth + portable)}")
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    (tmp_path / "scores.csv").write_text("\n".join(scores))
    ingest_labels(kb, tmp_path / "labels.csv")
    ingest_predictions(kb, tmp_path / "scores.csv", "theirs", scores_are="logits")
    options = ConfounderOptions(where="view = 'PA'", against="B")
    found = audit_confounders(KnowledgeBase.open(kb.uri), "theirs", "Edema", options=options)
    assert found.n == 200 and found.against == "site B, 200 rows"
    device = next(row for row in found.found if row.name.startswith("device"))
    assert device.elsewhere is not None and device.elsewhere.leans.q > 0.05
    assert not any(row.name.startswith(("site", "view")) for row in found.found), "all the same on each side"


def test_two_spellings_of_a_label_in_one_run_are_not_read_as_one(kb: KnowledgeBase, tmp_path: Path) -> None:
    lines = ["image_id,label,score", *(f"i{n},{name},{n / 100}" for n in range(50) for name in ("Edema_X", "edema x"))]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    (tmp_path / "labels.csv").write_text("\n".join(["image_id,Edema x", *(f"i{n},{n % 2}" for n in range(50))]))
    ingest_labels(kb, tmp_path / "labels.csv")
    ingest_predictions(kb, tmp_path / "scores.csv", "two")
    with pytest.raises(UsageError, match="Edema_X and edema x: name one"):
        audit_confounders(KnowledgeBase.open(kb.uri), "two", "EDEMA X")


def test_a_mistyped_finding_is_no_disease(study: Shapes, runs: Path) -> None:
    with pytest.raises(UsageError, match=r"no such finding: did you mean .*chest tube"):
        audit_confounders(study.now(), "c-probe", "nodule", options=ConfounderOptions(disease=("chest tub",)))


def said(*arguments: object, code: int = 0) -> Result:
    """A command run in this process: torch is loaded here already."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit | UsageError):
        raise done.exception
    assert (done.exit_code != 0) == (code != 0), done.output
    return done


@pytest.mark.soak
def test_on_the_command_line(study: Shapes, runs: Path, cli_json: Callable) -> None:
    kb = ("--kb", study.kb.uri, "--encoder", str(study.concepts.folder))
    asked = ("audit", "confounders", "--run", "c-theirs", "--label", "planted", *kb)
    told = cli_json(*asked)
    assert told["found"][0]["name"] == "pleural effusion" and told["found"][0]["verdict"] == "confounder"
    assert json.dumps(told["found"][0]["strata"])
    assert all(-1 <= row["leans"][side] <= 1 for row in told["found"] for side in ("value", "low", "high"))
    shown = said(*asked, "--top", "2").stdout
    assert "pleural effusion" in shown and "confounder" in shown and "False alarms" in shown
    assert "with it" in shown and " of 300" in shown and "300 (all)" in shown
    lines = said(*asked, "--format", "csv").stdout.splitlines()
    assert "leans_usual" in lines[0] and "goes_with_usual" in lines[0]
    assert lines[0].endswith("n,positives,split") and lines[1].split(",")[-3] == "300"
    assert lines[0].startswith("name,kind,finding,concept_id,leans") and lines[1].startswith("pleural effusion,report")
    assert "harm_against_low" in lines[0] and "across" in lines[0] and "leans_own" in lines[0]
    assert "there is nothing to test" in str(said(*asked, "--by", "attribute", code=2).exception)


@pytest.mark.soak
def test_a_table_of_ones_own_tells_what_belongs_to_a_disease(
    study: Shapes, runs: Path, cli_json: Callable, tmp_path: Path
) -> None:
    asked = ("audit", "confounders", "--run", "c-theirs", "--label", "planted", "--kb", study.kb.uri, "--by", "report")
    own = tmp_path / "own.tsv"
    own.write_text("label\tkind\tfindings\nPlanted\tsign\tpleural effusion\n")
    first = cli_json(*asked, "--correlates", str(own))["found"][0]
    assert (first["name"], first["verdict"], first["known"]) == ("pleural effusion", "correlate", "sign")
    assert first["across"] == [] and 0 <= first["harm"]["against"]["low"] <= first["harm"]["against"]["value"] <= 1
    shown = said(*asked, "--correlates", str(own)).stdout
    assert "correlate: pleural effusion (q <0.001, known sign" in " ".join(shown.split())
    assert "there is no file" in str(said(*asked, "--correlates", str(tmp_path / "none"), code=2).exception)


@pytest.mark.soak
def test_slices_and_attribution_on_the_command_line(study: Shapes, runs: Path) -> None:
    kb = ("--kb", study.kb.uri, "--encoder", str(study.concepts.folder))
    cut = ("audit", "slices", "--run", "c-theirs", "--label", "Planted", "--slices", "3", *kb)
    assert len(json.loads(said(*cut, "--format", "json").stdout)["slices"]) == 3
    assert "AUROC" in said(*cut).stdout
    part = ("audit", "attribution", "--run", "c-probe", "--label", "nodule", *kb)
    told = said(*part, "--where", "truth = 1", "--against", "truth = 0", "--format", "json").stdout
    assert json.loads(told)["images_against"] > 100
    assert "residual" in said(*part).stdout
    assert "60: split = 'test'" in said(*part, "--where", "split = 'test'", "--top", "2").stdout
