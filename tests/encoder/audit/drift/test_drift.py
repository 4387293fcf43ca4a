"""`audit drift` on a knowledge base: a timeline, what changed since when, and what can be said without labels."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import app
from encoder.audit import drift
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.drifting import CHANGED, MONTHS, drifting_kb
from tests.support.tables import fill, run

Ask = Callable[..., Result]


def made(tmp_path_factory: pytest.TempPathFactory, planted: str, **told: Any) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("drift")
    return drifting_kb(KnowledgeBase.create(folder / "d.kb", by="tester"), planted, **told)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return made(tmp_path_factory, "ranking")


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return made(tmp_path_factory, "ranking", labelled=False)


@pytest.fixture
def ask(drifting: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Runs `clear-kb audit drift` in this process on predictions that change in May."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEAR_KB", drifting.uri)

    def run(*arguments: object) -> Result:
        told = ["audit", "drift", "--run", "r", "--permutations", "399", *map(str, arguments)]
        return CliRunner().invoke(app, told)

    return run


class TestWithLabels:
    def test_the_timeline_the_change_and_its_cause_are_printed(self, ask: Ask) -> None:
        done = ask()
        assert done.exit_code == 0, done.output
        printed = " ".join(done.stdout.split())
        for month in MONTHS:
            assert month in printed
        assert f"With {MONTHS[CHANGED]} AUROC fell from" in printed
        assert "The model ranks worse than before, and scores moved at the same truth" in printed
        assert "scanner: old" in printed or "scanner: new" in printed
        assert "ward" not in printed.partition("Of attributes")[2]

    @pytest.mark.soak
    def test_json_holds_every_interval_and_no_number_that_is_none(self, ask: Ask) -> None:
        told = json.loads(ask("--format", "json").stdout)
        assert told["drifted"] is True and told["since"]["since"] == MONTHS[CHANGED]
        assert [one["period"] for one in told["timeline"]] == list(MONTHS)
        for period in told["timeline"]:
            for name in ("prevalence", "alerts", "mean_score", "sensitivity", "specificity", "auroc", "calibration"):
                assert period[name]["low"] <= period[name]["value"] <= period[name]["high"]
        assert {one["measure"] for one in told["changes"]} >= {"AUROC", "alerts", "prevalence", "calibration"}
        assert "NaN" not in json.dumps(told)

    @pytest.mark.soak
    def test_csv_is_the_timeline(self, ask: Ask) -> None:
        rows = list(csv.DictReader(io.StringIO(ask("--format", "csv").stdout)))
        assert [row["period"] for row in rows] == list(MONTHS)
        assert float(rows[0]["auroc_low"]) <= float(rows[0]["auroc"]) <= float(rows[0]["auroc_high"])

    @pytest.mark.soak
    def test_the_figures_of_a_period_are_those_of_its_rows(self, ask: Ask, drifting: KnowledgeBase) -> None:
        from encoder.audit import session

        told = json.loads(ask("--format", "json", "--threshold", "0.4").stdout)["timeline"][0]
        sql = (
            "SELECT count(*) AS n, avg(truth) AS prevalence, avg(score) AS score, "
            "avg(CASE WHEN score >= 0.4 THEN 1.0 ELSE 0 END) AS alerts FROM outcomes WHERE month = '2024-01'"
        )
        with session(drifting) as views:
            (row,) = views.query(sql).rows()
        assert told["n"] == row["n"]
        assert told["prevalence"]["value"] == pytest.approx(row["prevalence"])
        assert told["mean_score"]["value"] == pytest.approx(row["score"])
        assert told["alerts"]["value"] == pytest.approx(float(row["alerts"]))

    @pytest.mark.soak
    def test_some_months_and_longer_periods(self, ask: Ask) -> None:
        rows = list(csv.DictReader(io.StringIO(ask("--format", "csv", "--from", "2024-02", "--to", "2024-05").stdout)))
        assert [row["period"] for row in rows] == list(MONTHS[1:5])
        quarters = list(csv.DictReader(io.StringIO(ask("--format", "csv", "--by", "quarter").stdout)))
        assert [row["period"] for row in quarters] == ["2024-Q1", "2024-Q2", "2024-Q3"]

    @pytest.mark.soak
    def test_small_periods_are_joined_and_that_is_said(self, ask: Ask) -> None:
        done = ask("--by", "week", "--least", "60", "--format", "csv")
        assert "2024-W" in done.stdout and " to 2024-W" in done.stdout
        assert "periods of few rows are joined" in " ".join(ask("--by", "week", "--least", "60").stderr.split())

    def test_values_of_an_attribute_in_their_order(self, ask: Ask) -> None:
        done = ask("--by", "scanner")
        assert "the values of 'scanner' are taken to follow each other as new, old" in " ".join(done.stderr.split())

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--by", "phase"], "'phase' is none of week, month, quarter, year, and no row has such an attribute"),
            (["--date", "ward"], "no row has a date: ward"),
            (["--by", "year"], "all 1,200 rows are of one period, 2024"),
            (["--from", "2025"], "no row is from 2025 to the last"),
            (["--from", "May"], "'May' is no date"),
            (["--label", "edema"], "predicts no 'edema': effusion"),
            (["--reference", "2024-08"], "2024-08 is the last period"),
            (["--source", "reader"], "effusion is spoken of by truth"),
        ],
    )
    def test_what_cannot_be_is_said_in_a_line(self, ask: Ask, arguments: list[str], said: str) -> None:
        error = ask(*arguments).exception
        assert isinstance(error, UsageError) and said in str(error)

    def test_the_program_ends_with_2_and_names_the_option(self, cli: Any, drifting: KnowledgeBase) -> None:
        done = cli("audit", "drift", "--run", "r", "--date", "phase", "--kb", drifting.uri, code=2)
        assert "say --date ATTRIBUTE" in " ".join(done.stderr.split())


class TestWithoutLabels:
    @pytest.mark.soak
    def test_scores_and_attributes_are_followed_and_performance_is_said_to_be_unknown(
        self, unlabelled: KnowledgeBase
    ) -> None:
        found = drift(unlabelled, "r", permutations=199)
        assert {one.measure for one in found.changes} == {"mean score"}
        assert found.drifted and found.causes == ("scores",)
        assert found.since is not None and found.since.since == MONTHS[CHANGED]
        assert [one.name.partition(":")[0] for one in found.shares] == ["scanner"]
        assert found.timeline[0].auroc is None and found.threshold is None
        assert "How well the model does is not known" in found.sentences[-1]
        assert any("no threshold is known" in note for note in found.notes)

    def test_a_threshold_of_ones_own_brings_alerts(self, unlabelled: KnowledgeBase) -> None:
        found = drift(unlabelled, "r", threshold=0.4, permutations=199)
        alerts = found.change("alerts")
        assert alerts is not None and alerts.sure and found.threshold_from == "told"


@pytest.mark.soak
def test_where_nothing_changed_that_is_said_with_what_could_have_been_missed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    found = drift(made(tmp_path_factory, "nothing"), "r", permutations=399)
    assert not found.drifted and found.since is None and found.causes == ()
    assert found.sentences[0].startswith("No drift of performance, prevalence or scores is shown")
    assert "What could have been missed: AUROC went from" in found.sentences[1]


def test_without_dates_the_attributes_that_were_looked_for_and_those_that_exist_are_named(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with pytest.raises(UsageError, match=r"looked for study date, .* known are scanner, ward"):
        drift(made(tmp_path_factory, "nothing", dates=False), "r")


@pytest.mark.soak
def test_rows_without_a_date_are_left_out_and_counted_and_months_alone_are_no_weeks(kb: KnowledgeBase) -> None:
    scores = [{"run": "r", "image_id": f"i{n}", "label": "edema", "score": n % 10 / 10} for n in range(90)]
    dates = [{"image_id": f"i{n}", "name": "acquired", "value": f"2024-0{1 + n % 2}", "source": "x"} for n in range(80)]
    images = [{"image_id": f"i{n}", "source": "x", "kind": "png"} for n in range(90)]
    fill(kb, images=images, attributes=dates, predictions=scores, runs=[run("r")])
    found = drift(kb, "r", least=10)
    assert [(one.period, one.n) for one in found.timeline] == [("2024-01", 40), ("2024-02", 40)]
    assert any("10 of 90 rows are left out: their date is not known" in note for note in found.notes)
    with pytest.raises(UsageError, match="dates are known by the month only"):
        drift(kb, "r", by="week")


def test_dates_that_were_shifted_are_told_of(kb: KnowledgeBase) -> None:
    scores = [{"run": "r", "image_id": f"i{n}", "label": "edema", "score": n % 10 / 10} for n in range(80)]
    dates = [
        {"image_id": f"i{n}", "name": "StudyDate", "value": f"{2110 + n % 2}0301", "source": "x"} for n in range(80)
    ]
    images = [{"image_id": f"i{n}", "source": "x", "kind": "png"} for n in range(80)]
    fill(kb, images=images, attributes=dates, predictions=scores, runs=[run("r")])
    assert any("shifted to hide who a patient is" in note for note in drift(kb, "r", by="year", least=10).notes)


def test_a_run_of_several_labels_wants_one_named_and_sources_that_contradict_one_too(kb: KnowledgeBase) -> None:
    scores = [{"run": "r", "image_id": "i", "label": label, "score": 0.5} for label in ("edema", "mass")]
    labels = [{"image_id": "i", "label": "mass", "value": 1, "source": source} for source in ("a", "b")]
    fill(kb, predictions=scores, labels=labels, runs=[run("r")])
    with pytest.raises(UsageError, match="predicts edema, mass: name one"):
        drift(kb, "r")
    with pytest.raises(UsageError, match="several sources speak of mass: a, b"):
        drift(kb, "r", "mass")
    with pytest.raises(UsageError, match="no run 'x'"):
        drift(kb, "x")
