"""Thresholds that a model is used with: given with its predictions or later, in the numbers of its own scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.labels.predictions import PredictionResult, ingest_predictions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql.operating_points import give_points, operating_points
from kb.sql.views import Views
from tests.support.files import write

SCORES = "image,Edema,Pleural_Effusion\n" + "".join(f"i{n},0.{n}5,0.{9 - n}5\n" for n in range(10))
LOGITS = "image,Edema\n" + "".join(f"i{n},{n - 4.5}\n" for n in range(10))
ABOVE = "image,Edema\n" + "".join(f"i{n},{n / 4}\n" for n in range(9))


def stored(kb: KnowledgeBase, run: str = "r") -> dict[str, float]:
    (row,) = kb.dataset("runs").to_table(filter=f"run = '{run}'").to_pylist()
    return operating_points(row["parameters"])


Take = Callable[..., PredictionResult]


@pytest.fixture
def take(kb: KnowledgeBase, tmp_path: Path) -> Take:
    """Ingests predictions with operating points."""

    def take(*told: str, text: str = SCORES) -> PredictionResult:
        return ingest_predictions(kb, write(tmp_path / "p.csv", text), "r", operating_points=told, by="tester")

    return take


class TestWithPredictions:
    def test_one_for_all_labels_and_some_of_their_own(self, kb: KnowledgeBase, take: Take) -> None:
        assert take("0.5", "pleural effusion=0.25").operating_points == {"Edema": 0.5, "Pleural_Effusion": 0.25}
        assert stored(kb) == {"Edema": 0.5, "Pleural_Effusion": 0.25}
        with Views(kb) as session:
            calls = "SELECT label, count(*) FILTER (decision) AS n FROM outcomes GROUP BY label ORDER BY label"
            assert [row["n"] for row in session.run(calls)] == [5, 8]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("t.csv", "Label,Threshold\nedema,0.3\nMass,0.9\n"),
            ("t.tsv", "finding\tcutoff\nEdema\t0.3\nMass\t0.9\n"),
            ("t.json", '{"Edema": 0.3, "Mass": 0.9}'),
            ("t.yaml", "operating_points:\n  Edema: 0.3\n  Mass: 0.9\n"),
        ],
    )
    def test_from_a_file_whose_other_labels_are_told(self, take: Take, tmp_path: Path, name: str, text: str) -> None:
        found = take(str(write(tmp_path / name, text)))
        assert (found.operating_points, found.points_passed_over) == ({"Edema": 0.3}, ("Mass",))

    def test_logits_and_scores_above_1_have_thresholds_of_their_own_kind(self, kb: KnowledgeBase, take: Take) -> None:
        assert take("-1", text=LOGITS).operating_points == {"Edema": pytest.approx(0.2689414)}
        with Views(kb) as session:
            assert session.run("SELECT count(*) AS n FROM outcomes WHERE decision").rows() == [{"n": 6}]

    def test_scores_above_1_are_divided_and_so_is_the_threshold(self, kb: KnowledgeBase, take: Take) -> None:
        assert take("1.5", text=ABOVE).operating_points == {"Edema": 0.75}
        with Views(kb) as session:
            assert session.run("SELECT count(*) AS n FROM outcomes WHERE decision").rows() == [{"n": 3}]

    def test_the_same_file_again_keeps_them_and_other_ones_replace_them(self, kb: KnowledgeBase, take: Take) -> None:
        assert take("0.5").stored == "new"
        again = take()
        assert (again.stored, again.operating_points["Edema"]) == ("unchanged", 0.5)
        assert take("0.6").stored == "replaced"
        assert set(stored(kb).values()) == {0.6}

    @pytest.mark.parametrize(
        ("told", "message"),
        [
            ("Edem=0.5", "did you mean Edema"),
            ("Edema=1.5", "1.5 is no score of this run, which lie in 0 to 1"),
            ("Edema=-0.1", "is no score of this run"),
            ("Edema=nan", "a number was expected"),
            ("Edema=", "a number was expected"),
            ("high", "a number, LABEL=NUMBER or a file that is there was expected"),
        ],
    )
    def test_what_is_no_threshold_is_refused(self, take: Take, told: str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            take(told)

    def test_contradictions_are_refused(self, take: Take, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="one number for all labels stands there already"):
            take("0.5", "0.6")
        with pytest.raises(UsageError, match="it stands there twice"):
            take("Edema=0.5", "edema=0.6")
        with pytest.raises(UsageError, match="no operating point is of a label of the run"):
            take(str(write(tmp_path / "t.csv", "label,threshold\nMass,0.5\n")))
        with pytest.raises(UsageError, match="a column label and a column threshold were expected, and there are a, b"):
            take(str(write(tmp_path / "u.csv", "a,b\n1,2\n")))


class TestLater:
    def test_are_given_to_a_stored_run_and_taken_back(self, kb: KnowledgeBase, take: Take) -> None:
        take(text=LOGITS)
        given = give_points(kb, "r", ["0"], by="tester", why="as in the clinic")
        assert (given.points, stored(kb)) == ({"Edema": 0.5}, {"Edema": 0.5})
        assert kb.log()[0].operation == "operating points"
        assert give_points(kb, "r", ["0"], by="tester").commit is None, "nothing is new"
        assert give_points(kb, "r", [], by="tester").points == {}
        assert stored(kb) == {}
        with pytest.raises(UsageError, match="there is no run 's'"):
            give_points(kb, "s", ["0.5"])
