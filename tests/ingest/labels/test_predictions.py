"""Predictions in: as a run, in the order of their raw scores whatever these are."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.labels.choices import Choices
from ingest.labels.predictions import ingest_predictions
from ingest.labels.score_scale import scale_scores
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.files import write


def scores(kb: KnowledgeBase) -> dict[tuple[str, str, str], tuple[float, float | None]]:
    rows = kb.dataset("predictions").to_table().to_pylist()
    return {(r["run"], r["image_id"] or r["study_id"], r["label"]): (r["score"], r["logit"]) for r in rows}


class TestScale:
    def test_probabilities_stay_as_they_are(self) -> None:
        scaled = scale_scores(["a", "a"], [0.0, 1.0])
        assert (scaled.kind, scaled.scores, scaled.logits, scaled.divided) == (
            "probabilities",
            [0, 1],
            [None, None],
            {},
        )

    def test_numbers_below_0_make_it_logits(self) -> None:
        scaled = scale_scores(["a", "a", "b"], [-2.0, 0.0, 800.0])
        assert scaled.kind == "logits" and scaled.logits == [-2.0, 0.0, 800.0]
        assert scaled.scores == pytest.approx([0.1192029, 0.5, 1.0])

    def test_minus_one_beside_probabilities_is_no_score(self) -> None:
        scaled = scale_scores(["a", "a"], [-1.0, 0.4])
        assert scaled.kind == "probabilities" and list(scaled.reasons) == [0]

    @given(st.lists(st.floats(0, 3, allow_subnormal=False), min_size=1, max_size=60))
    def test_above_1_the_order_stays_and_no_two_become_one(self, raw: list[float]) -> None:
        scaled = scale_scores(["a"] * len(raw), [*raw])
        assert all(0 <= score <= 1 for score in scaled.scores)
        for x, a in zip(raw, scaled.scores, strict=True):
            for y, b in zip(raw, scaled.scores, strict=True):
                assert (x < y) == (a < b)

    def test_scores_so_close_that_dividing_would_join_them_are_halved(self) -> None:
        raw = [1.5, 1.9, math.nextafter(1.9, 2), math.nextafter(math.nextafter(1.9, 2), 2)]
        scaled = scale_scores(["a"] * 4, raw)
        assert len(set(scaled.scores)) == 4


class TestIngest:
    def test_a_wide_file(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "Study,year,width_px,Edema,Mass\ns1,2001,1024,0.25,\ns2,2002,900,0.5,1.25\ns3,2003,800,nan,x\n"
        result = ingest_predictions(
            kb, write(tmp_path / "p.csv", text), "ours", choices=Choices(labels=("Edema", "Mass"))
        )
        assert scores(kb) == {
            ("ours", "s1", "Edema"): (0.25, None),
            ("ours", "s2", "Edema"): (0.5, None),
            ("ours", "s2", "Mass"): (1.0, None),
        }
        assert (result.scores, result.rejected, dict(result.divided)) == (3, 3, {"Mass": 1.25})
        assert {r["reason"] for r in kb.rejects()} == {"no score", "'x' is no score: a number was expected"}
        (run,) = kb.dataset("runs").to_table().to_pylist()
        assert (run["method"], run["heads"]) == ("imported", [])
        told = json.loads(run["parameters"])
        assert (told["source"], told["scores"], told["divided_by"]) == ("p.csv", "probabilities", {"Mass": 1.25})

    def test_columns_of_scores_are_found(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image,age,year,site,Edema,Mass\n" + "".join(
            f"i{n},{n},{2000 + n},x,{n / 9},{n / 8}\n" for n in range(8)
        )
        result = ingest_predictions(kb, write(tmp_path / "p.csv", text), "ours")
        assert (result.labels, result.attributes) == (("Edema", "Mass"), ("age", "year", "site"))

    def test_a_long_file_of_logits(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image_id,label,score\na,Edema,-1.5\nb,Edema,2\n"
        result = ingest_predictions(
            kb, write(tmp_path / "p.csv", text), "net", choices=Choices(rename={"Edema": "edema"}), method="a net"
        )
        assert result.scores_are == "logits"
        assert scores(kb)["net", "a", "edema"] == (pytest.approx(0.182426, abs=1e-6), -1.5)
        (run,) = kb.dataset("runs").to_table().to_pylist()
        assert (run["method"], json.loads(run["parameters"])["labels"]) == ("a net", {"Edema": "edema"})

    def test_what_they_are_can_be_said(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", "image,Edema\na,0.3\nb,-0.2\n")
        assert ingest_predictions(kb, path, "p", scores_are="probabilities").rejected == 1
        assert ingest_predictions(kb, path, "l", scores_are="logits").scores == 2

    def test_repeated_scores_are_one_and_unequal_ones_are_refused(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        text = "image,label,score\na,Edema,0.3\nb,Edema,0.4\na,Edema,0.3\nb,Edema,0.5\nc,Edema,\nc,Edema,0.1\n"
        result = ingest_predictions(kb, write(tmp_path / "p.csv", text), "ours")
        assert scores(kb) == {("ours", "a", "Edema"): (0.3, None), ("ours", "c", "Edema"): (0.1, None)}
        (reject,) = kb.rejects()
        assert result.rejected == 1
        assert reject["reason"].startswith("Edema of image b is 0.4 in row 2 (line 3), 0.5 in row 4 (line 5)")

    def test_a_run_is_replaced_by_its_own_file_only(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", "image,Edema\na,0.3\n")
        assert [ingest_predictions(kb, path, "r").stored for _ in range(2)] == ["new", "unchanged"]
        write(path, "image,Edema\na,0.4\nb,0.5\n")
        assert ingest_predictions(kb, path, "r", dry_run=True).stored == "replaced"
        assert ingest_predictions(kb, path, "r").stored == "replaced"
        assert scores(kb) == {("r", "a", "Edema"): (0.4, None), ("r", "b", "Edema"): (0.5, None)}
        assert kb.dataset("runs").count_rows() == 1
        with pytest.raises(UsageError, match=r"run 'r' already, from p\.csv"):
            ingest_predictions(kb, write(tmp_path / "q.csv", "image,Edema\na,0.1\n"), "r")
        with pytest.raises(UsageError, match="a name for the run"):
            ingest_predictions(kb, path, " ")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-30, 30), min_size=1, max_size=40))
def test_the_sigmoid_keeps_the_order(raw: list[float]) -> None:
    scaled = scale_scores(["a"] * len(raw), raw, "logits")
    pairs = sorted(zip(raw, scaled.scores, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(pairs))
