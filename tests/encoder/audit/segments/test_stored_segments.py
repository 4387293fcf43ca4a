"""`audit segments` as a person runs it: on tables of another model without a picture, and on reports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import encoder
from cli import app
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.segment_tables import drawn_table

Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Scores and labels of 2,500 images that nobody has: women of 70 and over are scored by chance."""
    folder = tmp_path_factory.mktemp("foreign")
    judged, (sex, age, *_) = drawn_table(1, n=2500, owners=1800, fault="old women")
    told = ["image,patient_id,sex,age,Pneumonia"]
    scores = ["image,Pneumonia"]
    for row in range(2500):
        assert sex.names is not None
        kind = sex.names[int(sex.values[row])]
        told.append(f"i{row},p{judged.owners[row]},{kind},{age.values[row]:.0f},{int(judged.truth[row])}")
        scores.append(f"i{row},{1 / (1 + np.exp(-judged.logit[row])):.6f}")
    (folder / "truth.csv").write_text("\n".join(told))
    (folder / "scores.csv").write_text("\n".join(scores))
    base = KnowledgeBase.create(folder / "foreign.kb", by="tester")
    ingest_labels(base, folder / "truth.csv")
    ingest_predictions(base, folder / "scores.csv", "theirs")
    return base


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Runs `clear-kb audit segments --kb KB ...` in this process."""
    monkeypatch.chdir(tmp_path)

    def run(base: KnowledgeBase, *arguments: object) -> Result:
        return CliRunner().invoke(app, ["audit", "segments", "--kb", base.uri, *map(str, arguments)])

    return run


THEIRS = ("--run", "theirs", "--label", "pneumonia", "--threshold", "0.5")


def data(done: Result) -> Any:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.soak
def test_a_weak_pair_is_named_on_a_table_without_pictures(foreign: KnowledgeBase, ask: Ask) -> None:
    found = data(ask(foreign, *THEIRS, "--format", "json"))
    first = found["segments"][0]
    assert first["text"].startswith("sex F and age >= ")
    assert abs(float(first["text"].rpartition(" ")[2]) - 70) <= 3
    assert first["here"]["auroc"] < 0.6 < 0.9 < first["elsewhere"]["auroc"]
    wrong = first["here"]["false_alarms"] + first["here"]["missed"]
    assert 0.5 * wrong < first["extra"] < wrong
    assert first["per_100"] == pytest.approx(100 * first["extra"] / first["here"]["n"])
    assert first["more_misses_low"] > 0 and first["more_false_alarms_low"] > 0
    assert found["threshold"] == {"value": 0.5, "origin": "as asked for"}
    assert {row["attribute"] for row in found["groups"]} == {"sex", "age"}


@pytest.mark.soak
def test_it_is_told_in_words_with_the_groups_beneath(foreign: KnowledgeBase, ask: Ask) -> None:
    done = ask(foreign, *THEIRS)
    assert done.exit_code == 0, done.output
    assert "1. sex F and age >= " in done.stdout and "more are missed or falsely alarmed" in done.stdout
    assert "sensitivity" in done.stdout and "age 40 to < 60" in done.stdout
    assert "no picture is stored" in done.stderr
    assert "1.00 (1.00-1.00)" not in done.stdout
    assert "no picture is stored" not in ask(foreign, *THEIRS, "--quiet").stderr


def test_csv_holds_a_row_a_group(foreign: KnowledgeBase, ask: Ask) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(foreign, *THEIRS, "--format", "csv").stdout)))
    women = next(row for row in rows if (row["attribute"], row["value"]) == ("sex", "F"))
    assert float(women["specificity_low"]) < float(women["specificity"]) < float(women["specificity_high"])
    assert {"ppv", "npv", "alerts", "calibration", "bpsn", "bnsp"} <= set(women)


@pytest.mark.soak
def test_without_a_segment_it_is_said_what_would_have_been_seen(foreign: KnowledgeBase, ask: Ask) -> None:
    done = ask(foreign, *THEIRS, "--by", "sex", "--where", "age < 60")
    assert done.exit_code == 0, done.output
    assert "No segment of the" in " ".join(done.stdout.split())
    assert "points in false alarms" in " ".join(done.stdout.split())


def test_only_what_is_asked_for_is_looked_at(foreign: KnowledgeBase) -> None:
    found = encoder.audit.segments(foreign, "theirs", "Pneumonia", by=("AGE",), pairs=False, measures=("misses",))
    assert {group.attribute for group in found.groups} == {"age"}
    assert {one.measure for one in found.segments} <= {"misses"}
    assert found.threshold.origin.startswith("the middle of five that parts of these rows chose")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*THEIRS, "--by", "ward"), "by 'ward': rows can be cut by sex, age"),
        (("--run", "theirs", "--label", "pneumonia", "--threshold", "7"), "calls all rows alike: the scores lie"),
        ((*THEIRS, "--where", "sex = 'X'"), "is left where"),
        (("--run", "ours", "--label", "pneumonia"), "there is no run 'ours': theirs"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    foreign: KnowledgeBase, ask: Ask, arguments: tuple[str, ...], said: str
) -> None:
    error = ask(foreign, *arguments).exception
    assert isinstance(error, UsageError) and said in str(error) and "\n" not in str(error)


def test_findings_of_reports_and_attributes_are_cut_by(ward_kb: KnowledgeBase) -> None:
    found = encoder.audit.segments(
        ward_kb, "leaning", "pleural effusion", source="truth.csv", min_size=10, min_positives=2
    )
    names = {group.name for group in found.groups}
    assert {"chest tube stated", "chest tube not stated", "sex F", "device d0", "site A"} <= names
    assert not any(name.startswith("pleural effusion") for name in names), "it is the disease itself"
    assert found.segments[0].text == "chest tube stated"
    assert found.segments[0].more_false_alarms is not None and found.segments[0].more_false_alarms.low > 0


def test_rows_of_one_truth_tell_of_no_error(foreign: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match="none is positive"):
        encoder.audit.segments(foreign, "theirs", "Pneumonia", where="truth = 0")
