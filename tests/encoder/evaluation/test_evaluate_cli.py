"""Labels and predictions in and `evaluate` out, as a person runs them."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
RunJson = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Labels of 60 images of 30 patients, and the predictions of two models, one of them in logits."""
    rows = [(n, n % 3 == 0, n % 4 == 0) for n in range(60)]
    labels = ["image,patient_id,Edema,No Finding", *(f"i{n},p{n // 2},{int(e)},{int(not e)}" for n, e, _ in rows)]
    good = [
        "image,device,Edema,No Finding",
        *(f"i{n},x,{(e + n / 60) / 2},{(1.2 - e + n / 90) / 2}" for n, e, _ in rows),
    ]
    poor = ["image_id,label,score", *(f"i{n},Edema,{m + n / 30 - 1}" for n, _, m in rows), "i1,Mass,", "i61,Edema,bad"]
    for name, lines in (("labels.csv", labels), ("good.csv", good), ("poor.csv", poor)):
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_from_files_to_figures(cli: Run, cli_json: RunJson, files: Path) -> None:
    told = cli_json("ingest", "labels", "labels.csv", "--kb", "x.kb", "--by", "ada", "--dry-run")
    assert (told["stored"], told["commit"], told["dry_run"]) == ("new", None, True)
    assert not (files / "x.kb").exists()
    told = cli_json("ingest", "labels", "labels.csv", "--kb", "x.kb", "--by", "ada", "--why", "truth")
    assert (told["labels"], told["positive"], told["rejected"]) == (["Edema", "No Finding"], 60, 0)
    assert "unchanged" in cli("ingest", "labels", "labels.csv", "--kb", "x.kb").stdout
    told = cli_json("ingest", "predictions", "good.csv", "--run", "good", "--kb", "x.kb")
    assert (told["scores"], told["attributes"]) == (120, ["device"])
    shown = cli("ingest", "predictions", "poor.csv", "--run", "poor", "--kb", "x.kb").stdout
    assert "logits" in shown and "status --rejects" in shown
    log = cli_json("log", "--kb", "x.kb")
    assert [row["operation"] for row in log[:3]] == ["ingest predictions", "ingest predictions", "ingest labels"]

    options = ["--kb", "x.kb", "--against", "poor", "--bootstrap", "100", "--min-positives", "5"]
    found = cli_json("evaluate", *options, "-o", "figure.png")
    rows = {(row["run"], row["label"]): row for row in found["rows"]}
    assert set(rows) == {("good", "Edema"), ("good", "No Finding"), ("poor", "Edema")}
    edema = rows["good", "Edema"]
    assert (edema["n"], edema["positives"], edema["patients"], edema["in_mean"]) == (60, 20, 30, True)
    assert edema["auroc_low"] <= edema["auroc"] <= edema["auroc_high"]
    assert not rows["good", "No Finding"]["in_mean"]
    assert found["comparisons"][0]["test"] == "patient bootstrap"
    assert (files / "figure.png").read_bytes().startswith(b"\x89PNG")

    shown = cli("evaluate", *options, "--label", "edema", "--threshold", "0.5").stdout
    assert "resamples of 30 patients" in " ".join(shown.split()) and "No Finding" not in shown
    lines = cli("evaluate", *options, "--format", "csv").stdout
    rows = [(row["row"], row["label"]) for row in csv.DictReader(io.StringIO(lines))]
    scores = [("score", label) for label in ("Edema", "No Finding", "Edema")]
    assert rows == [*scores, ("comparison", "Edema")]
    first = cli_json("log", "--kb", "x.kb")[1]["commit"]
    assert {row["run"] for row in cli_json("evaluate", "--kb", "x.kb", "--at", first)["rows"]} == {"good"}


def test_what_goes_wrong(cli: Run, files: Path) -> None:
    (files / "odd.csv").write_text("image,Edema\na,high\nb,low\n", encoding="utf-8")
    for arguments, code, message in [
        (["ingest", "labels", "none.csv"], 2, "there is no file none.csv"),
        (["ingest", "labels", "odd.csv"], 2, "holds labels"),
        (["evaluate"], 2, "there is no knowledge base"),
        (["ingest", "predictions", "odd.csv", "--run", "r", "--labels", "Edema"], 1, ""),
        (["evaluate", "--threshold", "0.5", "--threshold-from", "0.5"], 2, "leave one out"),
    ]:
        done = cli(*arguments, code=code)
        assert message in " ".join(done.stderr.split())
