"""Readers in an evaluation: readings that are kept or lie in files, their mean, their agreement, and what is noted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from encoder.evaluation import Options, evaluate
from ingest.labels.choices import Choices
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.statistics.kappa import cohens_kappa, fleiss_kappa
from tests.support.files import write

QUICK = Options(bootstrap=100, min_positives=3)
COUNT = 60


def read_study(kb: KnowledgeBase, folder: Path) -> np.ndarray:
    """Three readers of images of studies, a consensus of them, and a run that names the label otherwise."""
    random = np.random.default_rng(1)
    truth = random.random(COUNT) < 0.4
    lines = ["image_id,study_id,patient_id,rad_id,Effusion"]
    for reader, wrong in (("R1", 0.0), ("R2", 0.0), ("R3", 0.5)):
        said = truth ^ (random.random(COUNT) < wrong)
        lines += [f"i{n},s{n},p{n},{reader},{int(said[n])}" for n in range(COUNT)]
    ingest_labels(kb, write(folder / "l.csv", "\n".join(lines)), Choices(consensus="majority"))
    scores = [f"i{n},{0.5 + 0.3 * (2 * truth[n] - 1) + random.normal(0, 0.1):.4f}" for n in range(COUNT)]
    ingest_predictions(kb, write(folder / "p.csv", "\n".join(["image,Pleural Effusion", *scores])), "ours")
    return truth


class TestStored:
    @pytest.mark.soak
    def test_the_readings_that_are_kept_need_no_file(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        read_study(kb, tmp_path)
        for told in ("stored", "l.csv"):
            found = evaluate(kb, ["ours"], QUICK, readers=told)
            by_name = {one.reader: one for one in found.readers}
            assert set(by_name) == {"R1", "R2", "R3", "mean of 3 readers"}
            assert (by_name["R1"].sensitivity, by_name["R1"].specificity, by_name["R1"].n) == (1, 1, COUNT)
            mean = by_name["mean of 3 readers"]
            each = [by_name[name].sensitivity for name in ("R1", "R2", "R3")]
            assert mean.sensitivity == pytest.approx(np.mean(each)) and mean.lies in ("above", "on", "below")
            (agreed,) = found.agreement
            assert (agreed.measure, agreed.readers, agreed.n) == ("Fleiss' kappa", 3, COUNT)
            assert agreed.low is not None and agreed.low < agreed.kappa < agreed.high  # type: ignore[operator]

    def test_names_of_one_finding_meet_and_the_notes_say_so(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        read_study(kb, tmp_path)
        found = evaluate(kb, ["ours"], QUICK)
        assert found.get("ours", "Pleural Effusion").values["auroc"] > 0.9
        assert "'Pleural Effusion' is judged by 'Effusion' of l.csv: both name pleural effusion" in found.notes
        assert "labels of l.csv: the truth is what 3 readers come to by 'majority'" in found.notes

    def test_what_is_only_related_is_not_judged_by_it_and_said_so(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = "\n".join(f"i{n},{n % 2},{n % 2}" for n in range(40))
        ingest_labels(kb, write(tmp_path / "l.csv", f"image,Edema,Nodule/Mass\n{rows}\n"))
        ingest_predictions(kb, write(tmp_path / "p.csv", f"image,Edema,Nodule\n{rows}\n"), "ours")
        found = evaluate(kb, ["ours"], QUICK)
        assert [row.label for row in found.rows] == ["Edema"]
        assert "'Nodule' is not judged by 'Nodule/Mass' of l.csv, which is wider" in found.notes

    def test_a_source_that_keeps_none_is_told(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        read_study(kb, tmp_path)
        with pytest.raises(UsageError, match=r"no file other, and readings are kept of l\.csv"):
            evaluate(kb, ["ours"], QUICK, readers="other")


class TestFiles:
    def test_one_wide_file_a_reader_of_studies_stands_for_their_images(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        truth = read_study(kb, tmp_path)
        ingest_predictions(
            kb,
            write(
                tmp_path / "q.csv",
                "image,study,Effusion\n" + "\n".join(f"i{n},s{n},{0.2 + 0.6 * truth[n]}" for n in range(COUNT)),
            ),
            "with studies",
        )
        paths = []
        for name, wrong in (("bea", 0), ("cem", 5)):
            said = [int(value) ^ (n < wrong) for n, value in enumerate(truth)]
            rows = "\n".join(f"s{n},{value},0" for n, value in enumerate(said))
            paths.append(write(tmp_path / f"{name}.csv", f"Study,Pleural Effusion,Mass\n{rows}\n"))
        found = evaluate(kb, ["with studies"], QUICK, readers=paths)
        assert [one.reader for one in found.readers] == ["bea", "cem", "mean of 2 readers"]
        bea = found.readers[0]
        assert (bea.n, bea.sensitivity, bea.specificity) == (COUNT, 1, 1)
        (agreed,) = found.agreement
        expected = cohen_kappa_score(truth, [bool(v) ^ (n < 5) for n, v in enumerate(truth)])
        assert agreed.measure == "Cohen's kappa" and agreed.kappa == pytest.approx(expected)


def test_what_blanks_and_doubts_became_is_noted(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = "\n".join(f"i{n},{('1', '0', '', '-1')[n % 4]}" for n in range(40))
    ingest_labels(kb, write(tmp_path / "l.csv", f"image,Edema\n{rows}\n"), Choices(blank="negative"))
    scores = "\n".join(f"i{n},0.{n % 9 + 1}" for n in range(40))
    ingest_predictions(kb, write(tmp_path / "p.csv", f"image,Edema\n{scores}\n"), "ours")
    notes = evaluate(kb, ["ours"], QUICK).notes
    assert "labels of l.csv: 10 blank cells are negative; 10 uncertain ones (-1) are unknown" in notes


def test_a_named_list_of_labels(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = "\n".join(f"i{n},{n % 2},{n % 3 % 2}" for n in range(40))
    ingest_labels(kb, write(tmp_path / "l.csv", f"image,Edema,Mass\n{rows}\n"))
    scores = "\n".join(f"i{n},0.{n % 9 + 1},0.5" for n in range(40))
    ingest_predictions(kb, write(tmp_path / "p.csv", f"image,Edema,Mass\n{scores}\n"), "ours")
    found = evaluate(kb, ["ours"], Options(labels=("chexpert5",), bootstrap=0, min_positives=3))
    assert [row.label for row in found.rows] == ["Edema"]


class TestKappa:
    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
    def test_of_two_readers_is_cohens(self, calls: list[tuple[bool, bool]]) -> None:
        first, second = (np.array(column) for column in zip(*calls, strict=True))
        (found,) = cohens_kappa(first, second, np.arange(len(calls)), np.ones((1, len(calls))))
        if len({*first.tolist(), *second.tolist()}) == 1:
            assert np.isnan(found)  # chance alone would agree
        else:
            assert found == pytest.approx(cohen_kappa_score(first, second))

    def test_of_several_is_fleiss(self) -> None:
        # Three readers of four images: three of these are called the same by all.
        yes, many = np.array([3, 0, 2, 3]), np.array([3, 3, 3, 3])
        share = 8 / 12
        observed = np.mean([1, 1, 1 / 3, 1])
        expected = (observed - share**2 - (1 - share) ** 2) / (1 - share**2 - (1 - share) ** 2)
        assert fleiss_kappa(yes, many, np.arange(4), np.ones((1, 4)))[0] == pytest.approx(expected)

    def test_a_patient_who_is_drawn_twice_counts_twice(self) -> None:
        yes, many, cluster = np.array([2, 0, 1, 2]), np.array([2, 2, 2, 2]), np.array([0, 0, 1, 2])
        weighted = fleiss_kappa(yes, many, cluster, np.array([[2.0, 1, 0]]))[0]
        repeated = fleiss_kappa(yes[[0, 1, 0, 1, 2]], many[[0, 1, 0, 1, 2]], np.arange(5), np.ones((1, 5)))[0]
        assert weighted == pytest.approx(repeated)
