"""External images: nothing is learned from them nor chosen by them, and they are judged whole and apart."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

import encoder
import ingest
from encoder.audit.page.page import render
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report import gather
from encoder.evaluation import Evaluation, Options, evaluate
from encoder.evaluation.evaluation import MEAN
from encoder.prediction.predicting import PredictResult
from encoder.training.trainer import train
from encoder.vectors.encoding import encode
from kb.errors import UsageError
from kb.images.patients import read_patients
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from kb.vocabulary.check import check
from schemas.tables import IMAGES
from tests.support.shapes import CONFIG, SIZE, shapes_study
from tests.support.stored_rows import image, put, put_run

pytestmark = pytest.mark.soak

AWAY = 24
LABELS = ("pleural effusion", "nodule")


@dataclass(frozen=True)
class Site:
    """A knowledge base of 120 images of one place and 24 of another, with all that was learned and judged there."""

    kb: KnowledgeBase
    weights: bytes
    results: dict[str, PredictResult]
    evaluation: Evaluation


def another_place(kb: KnowledgeBase, folder: Path, *, inverted: bool) -> None:
    """Pictures of another place with reports and labels; inverted, both say the opposite of what is seen."""
    folder.mkdir()
    home = folder.parent / "home"
    with (home / "labels.csv").open(newline="") as file:
        seen = list(csv.DictReader(file))[:AWAY]
    reports, labels = ["report_id,study_id,findings"], [",".join(("image", "patient_id", *LABELS))]
    for number, row in enumerate(seen):
        (folder / f"away{number}.png").write_bytes((home / row["image"]).read_bytes() + b"\0")
        holds = [(row[label] == "1") != inverted for label in LABELS]
        said = " ".join(
            f"{'There is a left' if here else 'No'} {label}." for label, here in zip(LABELS, holds, strict=True)
        )
        reports.append(f"A{number},AS{number},{said}")
        labels.append(",".join((f"away{number}.png", f"A{number // 2}", *(str(int(here)) for here in holds))))
    table = ["image,study_id,split", *(f"away{n}.png,AS{n},{'train' if n % 2 else 'valid'}" for n in range(AWAY))]
    for name, lines in (("reports", reports), ("labels", labels), ("table", table)):
        (folder / f"{name}.csv").write_text("\n".join(lines))
    ingest.reports(kb, [folder / "reports.csv"])
    ingest.images(kb, [folder], table=folder / "table.csv", split="external", size=SIZE, workers=1)
    ingest.labels(kb, folder / "labels.csv", source="away")


def everything(folder: Path, embedder: Any, *, inverted: bool) -> Site:
    kb = shapes_study(folder / "home", embedder, count=120)
    ingest.labels(kb, folder / "home" / "labels.csv", source="home")
    another_place(kb, folder / "away", inverted=inverted)
    trained = train(kb, CONFIG.with_values({"epochs": 1}), folder / "encoder", device="cpu")
    assert trained is not None
    assert trained.images == {"train": 72, "validation": 24, "test": 24}
    encode(kb, trained.checkpoint)
    results = {
        "zero-shot": encoder.predict_zero_shot(kb),
        "probe": encoder.predict_probe(kb),
        "bottleneck": encoder.predict_bottleneck(kb, count=4),
    }
    judged = evaluate(kb, [one.run.name for one in results.values()], Options(bootstrap=20, min_positives=3))
    weights = (folder / "encoder" / "weights.safetensors").read_bytes()
    return Site(kb, weights, results, judged)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, embedder: Any) -> tuple[Site, Site]:
    """The same, but for what is said of the other place: the second says the opposite."""
    folder = tmp_path_factory.mktemp("external")
    return (
        everything(folder / "a", embedder, inverted=False),
        everything(folder / "b", embedder, inverted=True),
    )


def test_what_is_true_of_external_images_moves_no_weight_choice_or_threshold(sites: tuple[Site, Site]) -> None:
    one, other = sites
    assert one.weights == other.weights
    for method, result in one.results.items():
        again = other.results[method]
        assert [head.to_row() for head in result.run.heads] == [head.to_row() for head in again.run.heads], method
        assert (result.run.space, result.run.parameters) == (again.run.space, again.run.parameters), method
        assert result.notes == again.notes
        assert [row for row in result.rows if row["split"] == "test"] == [
            row for row in again.rows if row["split"] == "test"
        ]
    for mine, theirs in zip(one.evaluation.rows, other.evaluation.rows, strict=True):
        assert (mine.run, mine.label, mine.split) == (theirs.run, theirs.label, theirs.split)
        assert (mine.threshold, mine.threshold_from) == (theirs.threshold, theirs.threshold_from)
        assert mine.threshold_from in ("validation", "")
        if mine.split == "external" and mine.label != MEAN:  # only the judgement turns round
            assert theirs.values["auroc"] == pytest.approx(1 - (mine.values["auroc"] or 0))


def test_external_images_are_judged_whole_and_in_figures_of_their_own(sites: tuple[Site, Site]) -> None:
    found = sites[0].evaluation
    assert found.splits == ("test", "external")
    for run in ("zero-shot-encoder", "probe-encoder"):
        if run not in {row.run for row in found.rows}:
            continue
        for label in LABELS:
            assert found.get(run, label, split="test").n == 24
            assert found.get(run, label, split="external").n == AWAY
        assert found.get(run, MEAN, split="external").labels == len(LABELS)
    with Views(sites[0].kb) as session:
        rows = session.run(
            "SELECT truth, rank_by FROM outcomes "
            "WHERE run = 'probe-encoder' AND split = 'external' AND label = 'nodule'"
        ).rows()
        total = session.run(
            "SELECT value, n FROM metrics WHERE run = 'probe-encoder' AND grouping = 'all' AND label = 'nodule'"
        ).rows()
        cut = session.run("SELECT DISTINCT chosen_on, source FROM thresholds WHERE run = 'probe-encoder'").rows()
    expected = metrics.roc_auc_score([row["truth"] for row in rows], [row["rank_by"] for row in rows])
    assert found.get("probe-encoder", "nodule", split="external").values["auroc"] == pytest.approx(expected)
    assert {(row["value"], row["n"]) for row in total} == {("all", 24), ("external", AWAY)}, (
        "what it learned from is left out"
    )
    assert {(row["chosen_on"], row["source"]) for row in cut} == {("validation", "home"), ("nothing", "away")}
    asked = evaluate(sites[0].kb, ["probe-encoder"], Options(bootstrap=0, split="all", min_positives=3))
    assert [(row.split, row.n) for row in asked.rows if row.label == "nodule"] == [("internal", 120), ("external", 24)]


@pytest.mark.soak
def test_the_report_of_an_audit_shows_external_rows_apart(sites: tuple[Site, Site]) -> None:
    page = gather(sites[0].kb, "probe-encoder", ReportOptions(min_positives=3, bootstrap=20, images=False))
    assert page.evaluation.split == "test"
    assert page.external is not None and page.external.split == "external"
    assert all(row.split == "external" for row in page.external.rows)
    assert "External rows" in render(page)
    assert encoder.audit.confounders(sites[0].kb, "probe-encoder", "nodule").split == "test"


@pytest.mark.soak
def test_an_audit_looks_at_test_and_external_rows_one_after_the_other(
    sites: tuple[Site, Site], cli_json: Callable[..., Any]
) -> None:
    asked = ["--run", "probe-encoder", "--label", "nodule", "--kb", str(sites[0].kb.uri)]
    for audit in (["audit", "confounders", "--least", "3"], ["audit", "slices", "--slices", "2", "--min-size", "5"]):
        assert [(one["split"], one["n"]) for one in cli_json(*audit, *asked)] == [("test", 24), ("external", AWAY)]
        alone = cli_json(*audit, *asked, "--split", "external")
        assert (alone["split"], alone["n"]) == ("external", AWAY)


@pytest.mark.soak
def test_an_image_that_was_learned_from_is_no_external_one_afterwards(sites: tuple[Site, Site]) -> None:
    kb = sites[1].kb
    drop = "image_id IN ('im0040.png', 'im0041.png')"
    patients = read_patients(kb)
    assert patients.split_of_image("im0040.png") == "train"
    put(kb, "images", [rows("unseen", "U", "late", "external")])  # a picture that came since taught nobody anything
    assert evaluate(kb, ["probe-encoder"], Options(bootstrap=0)).splits == ("test", "external")

    said = [{"name": "split", "value": "external"}]

    def change(publication: Any) -> tuple[dict[str, Any], None]:
        stored = publication.dataset("images").to_table(filter=drop).to_pylist()
        publication.replace(
            "images",
            drop,
            [pa.RecordBatch.from_pylist([{**row, "attributes": said} for row in stored], schema=IMAGES.schema)],
        )
        return {}, None

    kb.publish("test", change)
    with pytest.raises(UsageError, match=r"has learned from 2 images that now lie in the external split .*im0040"):
        evaluate(kb, ["probe-encoder"], Options(bootstrap=0))


def rows(name: str, patient: str | None, source: str, split: str | None = None) -> dict[str, Any]:
    return image(name, patient_id=patient, attributes={"split": split} if split else {}, source=source)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (rows("2", "p", "home", "train"), r"patient p lies in two splits, external and train \(image 1 and image 2\)"),
        (rows("2", "p", "home"), r"patient p is external \(image 1\), and has images of home, which says no split"),
        (rows("2", "q", "home"), None),
        (rows("2", "p", "away"), None),
    ],
)
def test_a_patient_is_external_with_all_images_or_it_is_an_error(
    kb: KnowledgeBase, second: dict[str, Any], said: str | None
) -> None:
    put(kb, "images", [rows("1", "p", "away", "External"), second])
    broken = [problem.detail for problem in check(kb) if problem.rule == "patient-in-two-splits"]
    if said is None:
        assert broken == []
        expected = "external" if second["patient_id"] == "p" else None
        assert expected in (None, read_patients(kb).require_apart().split_of_image("2"))
        return
    assert len(broken) == 1
    with pytest.raises(UsageError, match=said):
        read_patients(kb).require_apart()


def predicted(kb: KnowledgeBase, places: dict[str, int]) -> None:
    """Predictions of a model from elsewhere, for so many labelled images of each split."""
    names = [(f"{split}{n}", split) for split, count in places.items() for n in range(count)]
    put(kb, "images", [rows(name, f"p{name}", split, split) for name, split in names])
    put(
        kb,
        "labels",
        [{"image_id": name, "label": "E", "value": n % 2, "source": "l"} for n, (name, _) in enumerate(names)],
    )
    draw = np.random.default_rng(0)
    scores = [(name, float((n % 2 + draw.random()) / 2)) for n, (name, _) in enumerate(names)]
    put_run(kb, "theirs", [{"image_id": name, "label": "E", "score": score} for name, score in scores])


@pytest.mark.parametrize(
    ("places", "judged", "chosen_on"),
    [
        ({"test": 60, "external": 20}, {"internal": 60, "external": 20}, "cross-fitted"),
        ({"external": 20}, {"external": 20}, "nothing"),
        ({"train": 60, "external": 20}, {"internal": 60, "external": 20}, "cross-fitted"),
        ({"test": 30}, {"all": 30}, None),
    ],
)
def test_a_run_from_elsewhere_is_judged_on_all_but_external_rows_never_count_with_others_nor_choose(
    kb: KnowledgeBase, places: dict[str, int], judged: dict[str, int], chosen_on: str | None
) -> None:
    predicted(kb, places)
    found = evaluate(kb, ["theirs"], Options(bootstrap=0, min_positives=3))
    assert {row.split: row.n for row in found.rows} == judged
    if chosen_on is None:
        return
    row = found.get("theirs", "E", split="external")
    assert row.threshold_from == chosen_on
    assert (row.threshold is None, row.values["f1"] is None) == (chosen_on == "nothing", chosen_on == "nothing")
    assert row.values["auroc"] is not None
    alone = evaluate(kb, ["theirs"], Options(bootstrap=0, min_positives=3, split="external"))
    assert [(one.split, one.n, one.threshold_from) for one in alone.rows] == [("external", 20, chosen_on)]


def test_rows_of_another_run_that_choose_a_threshold_are_never_external(kb: KnowledgeBase) -> None:
    predicted(kb, {"external": 40})
    put_run(kb, "other", [{"image_id": f"external{n}", "label": "E", "score": n / 40} for n in range(20)])
    found = evaluate(kb, ["theirs"], Options(bootstrap=0, min_positives=3, threshold_from="other"))
    assert [row.threshold_from for row in found.rows] == ["nothing"]


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.soak
def test_a_label_file_says_that_its_images_are_external(cli: Run, cli_json: Callable[..., Any], tmp_path: Path) -> None:
    lines = ["image,patient,split,Edema", *(f"i{n},p{n},train,{n % 2}" for n in range(30))]
    (tmp_path / "l.csv").write_text("\n".join(lines))
    (tmp_path / "r.csv").write_text("\n".join(["image,Edema", *(f"i{n},0.{n:02d}" for n in range(30))]))
    cli("ingest", "labels", "l.csv", "--split", "external", "--kb", "x.kb")
    cli("ingest", "predictions", "r.csv", "--run", "r", "--kb", "x.kb")
    rows = cli_json(
        "audit", "sql", "SELECT DISTINCT split, attributes['published split'] AS was FROM images", "--kb", "x.kb"
    )
    assert rows == [{"split": "external", "was": "train"}]
    found = cli_json("evaluate", "--bootstrap", "0", "--kb", "x.kb")
    assert [(row["split"], row["n"]) for row in found["rows"]] == [("external", 30)]
