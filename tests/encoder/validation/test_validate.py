"""`validate`: models by sites and labels; its figures are those of `evaluate` and of scikit-learn."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics

import encoder
from encoder.evaluation import Options, evaluate
from encoder.evaluation.evaluation import MEAN
from encoder.validation.forest import draw_forest
from encoder.validation.result import Row, Validation
from encoder.validation.tables import csv_text, latex, markdown
from encoder.validation.validate import validate
from kb.display import Listing
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.statistics.delong import delong_contrast, delong_test
from kb.statistics.multiplicity import holm
from kb.statistics.ranking import Ranking, sensitivity_at
from tests.support.stored_rows import image, put, put_run

LABELS = ("Edema", "Mass", "Rare_One", "No Finding")
PLACES = {"home": (90, "test"), "away": (60, "external"), "school": (30, "train")}
OURS = ("ours-0", "ours-1", "ours-2")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Three places, one of them external; a baseline, a model of three seeds, and another with labels of its own.

    Patients away have two images each. Runs are of an encoder of this knowledge base, so that the school is no test.
    """
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("validate") / "v.kb", by="tester")
    draw = np.random.default_rng(4)
    names = [(f"{place}{n:02d}", place, n) for place, (count, _) in PLACES.items() for n in range(count)]
    put(kb, "images", [
        image(name, patient_id=f"{place}-{n // 2 if place == 'away' else n}", source=f"{place}.csv",
              attributes={"site": place, "split": PLACES[place][1]})
        for name, place, n in names
    ])  # fmt: skip
    truth = {label: draw.random(len(names)) < (0.02 if label == "Rare_One" else 0.4) for label in LABELS}
    held = [(name, label, int(truth[label][at])) for label in LABELS for at, (name, *_) in enumerate(names)]
    put(
        kb, "labels", [{"image_id": name, "label": label, "value": value, "source": "l"} for name, label, value in held]
    )
    known = {"encoder": "N1", "checkpoint": "c", "dimension": 2, "objective": "report", "preprocessing": ""}
    put(kb, "encoders", [{**known, "vocabulary_commit": kb.commit.commit_id}])
    for run, noise in (("base", 2.0), *((run, 1.0) for run in OURS), ("other", 1.4)):
        logits = {label: 2 * truth[label] - 1 + draw.normal(0, noise, len(names)) for label in LABELS}
        spelt = {label: label.replace("_", " ") for label in LABELS if not (run == "other" and label == "Mass")}
        put_run(kb, run, [
            {"image_id": name, "label": spelt[label], "score": 1 / (1 + np.exp(-z)), "logit": float(z)}
            for label in spelt for (name, *_), z in zip(names, logits[label], strict=True)
        ], encoder="N1")  # fmt: skip
    return kb


QUICK = Options(bootstrap=60, min_positives=5)


def rows_of(kb: KnowledgeBase, run: str, site: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    found = evaluate(kb, [run], Options(bootstrap=0, min_positives=5), by="site")
    (one,) = [rows for rows in found.label_rows if (rows.label, rows.group) == (label, site)]
    return one.truth, one.rank


@pytest.mark.soak
def test_each_site_is_judged_by_itself_and_its_figures_are_those_of_evaluate(base: KnowledgeBase) -> None:
    found = validate(base, ["base", "other"], QUICK)
    assert found.blocks == [("test", "home"), ("external", "away")]  # the school was trained on
    same = evaluate(base, ["base", "other"], QUICK, by="site")
    compared = 0
    for row in found.rows:
        if row.label == MEAN:
            continue
        theirs = same.get(row.model, row.label, split=row.split, group=row.site)
        assert (row.n, row.positives, row.patients, row.in_mean) == (
            theirs.n,
            theirs.positives,
            theirs.patients,
            theirs.in_mean,
        )
        assert row.auroc == pytest.approx(theirs.values["auroc"])
        assert (row.low, row.high) == pytest.approx(theirs.intervals["auroc"])
        compared += 1
    assert compared == 10  # three labels of one model and two of the other, at two sites
    truth, rank = rows_of(base, "base", "away", "Edema")
    assert found.get("base", "away", "Edema").auroc == pytest.approx(metrics.roc_auc_score(truth, rank))


@pytest.mark.soak
def test_the_mean_is_over_the_labels_that_all_models_have(base: KnowledgeBase) -> None:
    alone = validate(base, ["base", OURS[0]], QUICK)
    mean = alone.get("base", "home", MEAN)
    parts = [alone.get("base", "home", label) for label in ("Edema", "Mass")]
    assert (mean.labels, mean.n, mean.positives) == (2, 90, sum(row.positives for row in parts))
    assert mean.auroc == pytest.approx(np.mean([row.auroc for row in parts]))
    evaluated = evaluate(base, ["base", OURS[0]], QUICK, by="site").get("base", MEAN, group="home")
    assert (mean.low, mean.high) == pytest.approx(evaluated.intervals["auroc"])
    with_other = validate(base, ["base", "other"], QUICK)
    assert not any(row.label == MEAN for row in with_other.rows)  # Edema alone is in both
    reasons = {(one.model, one.site, one.label): one.reason for one in with_other.left_out}
    assert reasons["other", "home", "Mass"] == "not predicted"
    assert "under the minimum of 5" in reasons["base", "home", "Rare One"]


@pytest.mark.soak
def test_seeds_are_one_row_with_their_mean_and_spread(base: KnowledgeBase) -> None:
    found = validate(base, ["base"], QUICK, seeds={"ours": OURS}, baseline="base")
    row = found.get("ours", "away", "Edema")
    each = [metrics.roc_auc_score(*rows_of(base, run, "away", "Edema")) for run in OURS]
    assert (row.seeds, row.auroc, row.sd) == (3, pytest.approx(np.mean(each)), pytest.approx(np.std(each, ddof=1)))
    assert row.low is not None and row.high is not None and row.low < row.auroc < row.high
    assert row.test == "patient bootstrap"  # two images a patient
    assert found.get("base", "away", "Edema").difference is None
    baseline = found.get("base", "away", "Edema")
    assert row.difference == pytest.approx(row.auroc - baseline.auroc)
    home = found.get("ours", "home", "Edema")
    truth, first = rows_of(base, "base", "home", "Edema")
    ranks = np.stack([*(rows_of(base, run, "home", "Edema")[1] for run in OURS), first])
    expected = delong_contrast(truth, ranks, np.array([1 / 3, 1 / 3, 1 / 3, -1]))
    assert (home.test, home.p) == ("DeLong", pytest.approx(expected.p))
    assert (home.difference_low, home.difference_high) == pytest.approx((expected.low, expected.high))


@pytest.mark.soak
def test_one_run_against_one_is_delongs_test_as_evaluate_has_it_and_p_are_holms(base: KnowledgeBase) -> None:
    found = validate(base, ["base", OURS[0]], QUICK, baseline="base")
    same = evaluate(base, [OURS[0]], QUICK, against="base", by="site")
    for theirs in same.comparisons:
        row = next(
            row for row in found.rows if (row.model, row.site, row.label) == (OURS[0], theirs.group, theirs.label)
        )
        assert (row.difference, row.test) == (pytest.approx(theirs.difference), theirs.test)
        if theirs.test == "DeLong":
            assert row.p == pytest.approx(theirs.p)
    tested = [row for row in found.rows if row.p is not None]
    assert len(tested) == len(same.comparisons) == 8
    assert [row.p_adjusted for row in tested] == pytest.approx(holm([row.p or 0.0 for row in tested]))
    assert all(
        row.p_adjusted is None for row in validate(base, ["base", OURS[0]], QUICK, baseline="base", adjust=None).rows
    )


def test_a_contrast_of_two_is_delongs_test_and_weights_add_up() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(80) < 0.4
    scores = truth + draw.normal(0, 1, (3, 80))
    assert delong_contrast(truth, scores[:2], np.array([1.0, -1.0])) == delong_test(truth, scores[0], scores[1])
    same = delong_contrast(truth, scores[[0, 0, 1]], np.array([0.5, 0.5, -1.0]))
    assert same == pytest.approx(delong_test(truth, scores[0], scores[1]))


@pytest.fixture
def readings(base: KnowledgeBase, tmp_path: Path) -> Path:
    lines = ["reader,image_id,label,value"]
    for reader in (1, 2):
        lines += [f"r{reader},away{n:02d},Edema,{int(n % (reader + 2) == 0)}" for n in range(60)]
    (tmp_path / "readers.csv").write_text("\n".join(lines))
    return tmp_path / "readers.csv"


@pytest.mark.soak
def test_readers_stand_beside_every_model_each_and_as_mean(base: KnowledgeBase, readings: Path) -> None:
    found = validate(base, ["base"], QUICK, seeds={"ours": OURS}, readers=readings)
    assert {(row.site, row.label) for row in found.readers} == {("away", "Edema")}
    mine = {(row.model, row.reader): row for row in found.readers}
    assert set(mine) == {(model, reader) for model in ("base", "ours") for reader in ("r1", "r2", "mean of 2 readers")}
    truth, rank = rows_of(base, "base", "away", "Edema")
    said = np.arange(60) % 3 == 0
    one = mine["base", "r1"]
    assert (one.n, one.positives) == (60, int(truth.sum()))
    assert one.sensitivity == pytest.approx(said[truth].mean())
    assert one.specificity == pytest.approx((~said[~truth]).mean())
    assert one.model_sensitivity == pytest.approx(sensitivity_at(Ranking(truth, rank).curve(), one.specificity))
    mean = mine["base", "mean of 2 readers"]
    assert mean.sensitivity == pytest.approx((one.sensitivity + mine["base", "r2"].sensitivity) / 2)


def test_where_there_are_labels_alone_a_site_is_called_by_their_source(kb: KnowledgeBase) -> None:
    for source in ("chexpert.csv", "vindr.csv"):
        ids = [f"{source[:2]}{n}" for n in range(40)]
        put(
            kb,
            "labels",
            [{"study_id": one, "label": "E", "value": n % 2, "source": source} for n, one in enumerate(ids)],
        )
        put_run(kb, source, [{"study_id": one, "label": "E", "score": n % 3 / 3} for n, one in enumerate(ids)])
    found = validate(kb, (), QUICK)
    assert [(row.model, row.site, row.n) for row in found.rows] == [
        ("chexpert.csv", "chexpert.csv", 40),
        ("vindr.csv", "vindr.csv", 40),
    ]
    assert sum("nobody knows the patient" in note for note in found.notes) == 2


def test_what_is_asked_for_wrongly(base: KnowledgeBase) -> None:
    for given, message in (
        ({"sites": ["rome"]}, "site 'rome': predictions are of away, home"),
        ({"baseline": "nobody"}, "baseline 'nobody': the models are base, other"),
        ({"seeds": {"x": ["ours-0"]}}, "seeds of 'x': two runs or more"),
        ({"seeds": {"x": ["base", "ours-0"]}}, "the run 'base' stands in the validation twice"),
        ({"seeds": {"base": ["ours-0", "ours-1"]}}, "the model 'base' stands in the validation twice"),
        ({"by": "ward"}, "by 'ward': nothing is known by that name"),
    ):
        with pytest.raises(UsageError, match=message):
            validate(base, ["base", "other"], QUICK, **given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="there is no run 'gone'"):
        validate(base, ["gone"], QUICK)


@pytest.fixture(scope="module")
def found(base: KnowledgeBase) -> Validation:
    return validate(base, ["base"], QUICK, seeds={"ours": OURS}, baseline="base")


class TestShown:
    def test_in_a_terminal_of_80_columns_and_a_notebook(self, found: Validation) -> None:
        console = Console(width=80)
        with console.capture() as capture:
            console.print(found)
        told = capture.get()
        assert "away (external): 60 images or studies, 30 patients" in told
        figures = [line for line in told.splitlines() if re.search(r"0\.\d{3} \(0\.\d{3}-", line)]
        assert len(figures) == len(found.rows)  # no cell is broken over lines
        assert "home (test)" in found._repr_html_()
        assert json.loads(json.dumps(found.to_dict()))["baseline"] == "base"

    def test_as_markdown_latex_and_csv_with_split_n_and_positives_in_every_row(self, found: Validation) -> None:
        lines = [line for line in markdown(found).splitlines() if line.startswith("|")]
        assert lines[0] == "| Site | Split | Label | n | Positives | base | ours | sd (ours) | ours - base | p (ours) |"
        row: Row = found.get("ours", "away", "Edema")
        (edema,) = [line for line in lines if line.startswith("| away | external | Edema |")]
        assert edema.startswith(f"| away | external | Edema | 60 | {row.positives} |") and row.figure in edema
        assert len(lines) == 2 + 8  # three labels and a mean at two sites
        text = latex(found)
        assert text.count(r"\\") == 1 + 8 and r"\begin{tabular}{lllrrrrrrr}" in text
        table = list(csv.DictReader(io.StringIO(csv_text(found))))
        assert len(table) == len(found.rows)
        assert all(line["split"] and line["n"] and line["positives"] for line in table)

    def test_what_a_name_holds_does_not_break_a_table(self, found: Validation) -> None:
        odd = replace(found, rows=Listing([replace(row, label="a|b & 50%_c\\") for row in found.rows[:1]], ()))
        assert r"a\|b & 50%_c" in markdown(odd)
        assert r"a|b \& 50\%\_c\textbackslash{}" in latex(odd)

    @pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
    def test_as_a_forest_figure(self, found: Validation, tmp_path: Path, ending: str) -> None:
        assert draw_forest(found, tmp_path / f"f.{ending}") == ()
        assert (tmp_path / f"f.{ending}").stat().st_size > 5_000


Run = Callable[..., subprocess.CompletedProcess[str]]


def test_from_the_command_line(cli: Run, cli_json: Callable[..., Any], base: KnowledgeBase, tmp_path: Path) -> None:
    asked = ["--run", "base", "--seeds", "ours=ours-0, ours-1,ours-2", "--kb", str(base.uri), "--min-positives", "5"]
    more = ["--markdown", "t.md", "--latex", "t.tex", "--figure", "f.png", "-o", "t.csv", "-o", "t.json"]
    shown = cli("validate", *asked, "--bootstrap", "20", "--baseline", "base", *more)
    assert "away (external)" in shown.stdout and "ours" in shown.stdout
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    written = json.loads((tmp_path / "t.json").read_text())
    assert written == cli_json("validate", *asked, "--bootstrap", "20", "--baseline", "base")
    assert "\\toprule" in (tmp_path / "t.tex").read_text()
    lines = cli("validate", *asked, "--bootstrap", "0", "--site", "away", "--label", "edema", "--format", "csv").stdout
    assert {(row["site"], row["label"]) for row in csv.DictReader(io.StringIO(lines))} == {("away", "Edema")}
    done = cli("validate", *asked, "-o", "t.txt", code=2)
    assert "a file ends in .md, .tex, .csv, .json, .png" in " ".join(done.stderr.split())
    assert encoder.validate(base, ["base"], bootstrap=0, min_positives=5).models == ["base"]
