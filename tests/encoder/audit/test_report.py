"""What a report gathers: figures that others confirm, reasons where there are none, and a page at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from encoder.audit.page.page import render
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report import gather
from encoder.audit.report.thumbnails import thumbnails_of
from encoder.audit.report.without_ids import refuse_ids, without_ids
from encoder.audit.report.writing import write_report
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot_run import predict_zero_shot
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
QUICK = ReportOptions(bootstrap=50, min_positives=5)


def foreign_tables(folder: Path, count: int = 160) -> tuple[Path, Path]:
    """Labels and predictions of a model that does better on women, and whose scores go with the device."""
    random = np.random.default_rng(1)
    labels, scores = ["image_id,patient_id,sex,age,device,Edema,Hernia"], ["image_id,Edema,Hernia"]
    for n in range(count):
        truth = random.random() < 0.4
        device = random.random() < (0.8 if truth else 0.2)
        sex = "F" if n % 2 else "M"
        logit = (2.0 if sex == "F" else 0.3) * truth + 1.5 * device + random.normal() - 1.5
        labels.append(
            f"i{n},p{n // 2},{sex},{30 + n % 50},{'portable' if device else 'fixed'},{int(truth)},{int(n < 3)}"
        )
        scores.append(f"i{n},{1 / (1 + np.exp(-logit)):.6f},{0.3 + n / 1000}")
    for name, lines in (("labels.csv", labels), ("scores.csv", scores)):
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder / "labels.csv", folder / "scores.csv"


@pytest.fixture
def foreign(tmp_path: Path, kb: KnowledgeBase) -> KnowledgeBase:
    labels, scores = foreign_tables(tmp_path)
    ingest_labels(kb, labels)
    ingest_predictions(kb, scores, "theirs")
    return KnowledgeBase.open(kb.uri)


@pytest.mark.soak
def test_a_foreign_run_is_judged_and_what_cannot_be_said_has_a_reason(foreign: KnowledgeBase) -> None:
    data = gather(foreign, "theirs", QUICK, now=NOW)
    assert (data.labels, data.method, data.source) == (("Edema",), "imported", "the labels of labels.csv")
    rows = data.evaluation.label_rows[0]
    assert data.evaluation.get("theirs", "Edema").values["auroc"] == pytest.approx(roc_auc_score(rows.truth, rows.rank))
    groups = {one.name: one for one in data.segments[0].groups}
    numbers = np.array([int(str(unit).removeprefix("image i")) for unit in rows.unit])
    for sex, odd in (("F", 1), ("M", 0)):
        mine, found = numbers % 2 == odd, groups[f"sex {sex}"].figures
        assert found is not None and found.auroc is not None
        assert found.auroc.value == pytest.approx(roc_auc_score(rows.truth[mine], rows.rank[mine]))
        assert (found.n, found.positives) == (80, int(rows.truth[mine].sum()))
    assert data.segments[0].label == data.labels[0]
    assert "no row has a date" in data.notes_of("timeline")[0]
    assert sum(one.n for one in data.calibration[0].bins) == 160
    (operating,) = data.operating
    scored = data.evaluation.get("theirs", "Edema")
    assert (operating.unit, operating.auroc, operating.threshold) == (
        "images",
        scored.values["auroc"],
        scored.threshold,
    )
    assert operating.confusion is not None and operating.confusion.sensitivity is not None
    assert operating.confusion.sensitivity.value == pytest.approx(scored.values["sensitivity"])
    assert sum(operating.scores.positives) == rows.positives and sum(operating.scores.negatives) == rows.negatives
    assert [one.reason for one in data.evaluation.left_out] == ["3 positives, under the minimum of 5 (min_positives)"]
    assert not data.examples and "came as a table" in data.notes_of("examples")[0]
    assert not data.slices and "vector" in data.notes_of("slices")[0]
    page = render(data)
    assert foreign.commit.commit_id in page and "2026-11-25 12:00 UTC" in page and "came as a table" in page


@pytest.mark.soak
def test_the_worst_errors_are_those_that_lie_furthest_on_the_wrong_side(foreign: KnowledgeBase) -> None:
    data = gather(foreign, "theirs", QUICK)
    rows, scored = data.evaluation.label_rows[0], data.evaluation.get("theirs", "Edema")
    alarms, misses = data.errors
    assert scored.calls is not None
    false = rows.score[scored.calls.judged & scored.calls.positive & ~rows.truth]
    assert alarms.n == len(false) and alarms.worst[0].score == pytest.approx(false.max())
    assert [one.score for one in misses.worst] == sorted(one.score for one in misses.worst)
    assert all(one.unit.startswith("image i") for one in alarms.worst)


@pytest.mark.soak
def test_further_runs_stand_beside_the_first(foreign: KnowledgeBase, tmp_path: Path) -> None:
    lines = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    flat = [lines[0], *(f"i{n},{0.1 + (n % 7) / 10},0.5" for n in range(160))]
    (tmp_path / "flat.csv").write_text("\n".join(flat), encoding="utf-8")
    ingest_predictions(foreign, tmp_path / "flat.csv", "flat")
    kb = KnowledgeBase.open(foreign.uri)
    data = gather(kb, "theirs", replace(QUICK, beside=("flat", "theirs")), now=NOW)
    assert data.beside is not None and {row.run for row in data.beside.rows} == {"flat"}
    (compared, *_) = data.beside.comparisons
    assert (compared.run, compared.against) == ("flat", "theirs") and compared.difference < 0
    assert data.evaluation.get("theirs", "Edema") == gather(kb, "theirs", QUICK).evaluation.get("theirs", "Edema")
    assert "Runs side by side" in render(data)
    assert "--run flat --run theirs" in " ".join(dict(data.provenance.commands)["this page"])
    with pytest.raises(UsageError, match="there is no run 'nobody'"):
        gather(kb, "theirs", replace(QUICK, beside=("nobody",)))


@pytest.mark.soak
def test_attributes_of_a_foreign_run_are_audited(foreign: KnowledgeBase) -> None:
    (audit,) = gather(foreign, "theirs", QUICK).confounders
    assert audit.found[0].name.startswith("device: ")
    page = render(gather(foreign, "theirs", QUICK))
    assert "Confounder: device: " in page and "ROC curves with and without device: " in page


@pytest.mark.soak
def test_the_same_state_gives_the_same_page(foreign: KnowledgeBase) -> None:
    assert render(gather(foreign, "theirs", QUICK, now=NOW)) == render(gather(foreign, "theirs", QUICK, now=NOW))


@pytest.mark.soak
def test_groups_under_the_minimum_have_no_figures(foreign: KnowledgeBase) -> None:
    few = gather(foreign, options=ReportOptions(bootstrap=0, min_positives=50)).segments[0]
    assert few.overall.n == 160 and all(one.figures is None for one in few.groups)


@pytest.mark.soak
def test_what_is_not_there_is_said(foreign: KnowledgeBase, kb: KnowledgeBase, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run 'ours': there are theirs"):
        gather(foreign, "ours")
    with pytest.raises(UsageError, match="predictions for Edema"):
        gather(foreign, "theirs", ReportOptions(labels=("Mass",)))
    with pytest.raises(UsageError, match="cannot be scored: 3 positives"):
        gather(foreign, "theirs", ReportOptions(labels=("hernia",)))
    ingest_predictions(foreign, tmp_path / "scores.csv", "again")
    with pytest.raises(UsageError, match=r"several runs: .*; name one"):
        gather(KnowledgeBase.open(kb.uri))
    with pytest.raises(UsageError, match="holds no predictions"):
        gather(KnowledgeBase.create(tmp_path / "empty.kb", by="tester"))


@pytest.mark.soak
def test_a_run_of_ours_is_explained_with_pictures_and_sentences(shapes, tmp_path: Path) -> None:
    options = PredictOptions(run="page", space="encoder")
    predict_zero_shot(
        shapes.now(), shapes.concepts, PromptSet(), options=options, embedder=lambda: shapes.embedder, contrast="absent"
    )
    kb = shapes.now()
    wanted = ReportOptions(labels=("nodule",), bootstrap=20, min_positives=3, encoder=str(shapes.concepts.folder))
    data = gather(kb, "page", wanted)
    first = data.examples[0]
    assert (first.what, first.label, first.truth) == ("Surest right positive", "nodule", True)
    assert abs(first.explanation.residual) < 1e-4
    assert all(one.explanation.image_id in data.thumbnails for one in data.examples)
    assert set(data.heatmaps) == {(one.explanation.image_id, one.label) for one in data.examples}
    facts = dict(data.provenance.facts)
    assert facts["encoder"] == shapes.concepts.encoder_id and facts["split"] == "test"
    assert facts["embedder"].startswith(shapes.embedder.info.name) and facts["vocabulary commit"]
    page = write_report(data, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page and "<q>" in page
    bare = ReportOptions(labels=("nodule",), bootstrap=0, min_positives=3, evidence=False, images=False, title="Plain")
    bare_page = render(gather(kb, "page", bare))
    assert "<img" not in bare_page and "<q>" not in bare_page and "<title>Plain</title>" in bare_page
    assert "--no-images" in bare_page
    untold = without_ids(data)
    refuse_ids(kb, untold)
    told = render(untold)
    assert "image 1" in told and "<q>" not in told and kb.uri not in told and "stand in the place of ids" in told
    assert len(untold.thumbnails) == len(data.thumbnails) and told.count("<img") == page.count("<img")
    assert not any(image in told for image in data.thumbnails)
    with pytest.raises(UsageError, match="would still tell 1 ids"):
        refuse_ids(kb, replace(untold, title=f"What is with {first.explanation.image_id}"))


def test_thumbnails_are_small_and_only_of_what_is_kept(shapes) -> None:
    kb = shapes.now()
    known = kb.dataset("images").to_table(columns=["image_id"])["image_id"].to_pylist()[:2]
    made = thumbnails_of(kb, [*known, "nowhere"])
    assert sorted(made) == sorted(known)
    assert all(uri.startswith("data:image/png;base64,") and len(uri) < 20_000 for uri in made.values())
    assert thumbnails_of(kb, []) == {}


def test_the_command_writes_a_page_and_says_so(
    cli: Callable[..., subprocess.CompletedProcess[str]], cli_json: Callable[..., Any], tmp_path: Path
) -> None:
    foreign_tables(tmp_path)
    cli("ingest", "labels", "labels.csv", "--kb", "x.kb")
    cli("ingest", "predictions", "scores.csv", "--run", "theirs", "--kb", "x.kb")
    told = cli_json("audit", "report", "--kb", "x.kb", "--bootstrap", "20", "-o", "r.html")
    assert (told["path"], told["labels"], told["run"]) == ("r.html", ["Edema"], "theirs")
    assert told["bytes"] == (tmp_path / "r.html").stat().st_size
    again = cli("audit", "report", "--kb", "x.kb", "--bootstrap", "0", "--label", "edema", "-o", "r.html")
    assert "r.html" in again.stdout and again.stderr == ""
    cli("audit", "report", "--kb", "x.kb", "--bootstrap", "0", "--no-ids", "-o", "untold.html")
    untold = (tmp_path / "untold.html").read_text(encoding="utf-8")
    assert ">image 1<" in untold and "x.kb" not in untold and "labels.csv" not in untold
    (tmp_path / "mine.html").write_text("mine", encoding="utf-8")
    refused = cli("audit", "report", "--kb", "x.kb", "-o", "mine.html", code=2)
    assert "--overwrite" in refused.stderr and (tmp_path / "mine.html").read_text(encoding="utf-8") == "mine"
    assert "ends in .html or .pdf" in cli("audit", "report", "--kb", "x.kb", "-o", "r.txt", code=2).stderr
    assert "ends in .pdf" in cli("audit", "report", "--kb", "x.kb", "--format", "pdf", "-o", "r.html", code=2).stderr


@pytest.mark.soak
def test_a_page_beyond_its_limits_is_written_and_ends_with_1_where_asked(
    cli: Callable[..., subprocess.CompletedProcess[str]], cli_json: Callable[..., Any], tmp_path: Path
) -> None:
    foreign_tables(tmp_path)
    cli("ingest", "labels", "labels.csv", "--kb", "x.kb")
    cli("ingest", "predictions", "scores.csv", "--run", "theirs", "--kb", "x.kb")
    (tmp_path / "limits.yaml").write_text("auroc: {warn: 0.999}\nsensitivity: {fail: 0.999}\n", encoding="utf-8")
    (tmp_path / "card.yaml").write_text("intended_use: triage\n", encoding="utf-8")
    page = ("audit", "report", "--kb", "x.kb", "--bootstrap", "0", "-o", "r.html", "--limits", "limits.yaml")
    told = cli_json(*page, "--card", "card.yaml")
    assert [(one["measure"], one["verdict"]) for one in told["flags"]] == [("sensitivity", "fail"), ("auroc", "warn")]
    (tmp_path / "r.html").unlink()
    refused = cli(*page, "--fail-on", "fail", code=1)
    assert "1 of 2 figures are beyond their limits or could not be judged: Edema: sensitivity" in refused.stderr
    assert (tmp_path / "r.html").exists()
    assert "2 of 2 figures" in cli(*page, "--fail-on", "warn", code=1).stderr
    assert "--fail-on goes with --limits" in cli(*page[:-2], "--fail-on", "warn", code=2).stderr
    (tmp_path / "limits.yaml").write_text("acc: {fail: 0.9}\n", encoding="utf-8")
    assert "there is no 'acc'" in cli(*page, code=2).stderr
