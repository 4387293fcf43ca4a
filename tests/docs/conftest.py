"""What the examples of the documentation stand in: a folder with a knowledge base of the tutorial's reports."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ingest
import kb
from tests.support.paths import ROOT

TUTORIAL = ROOT / "docs" / "tutorial"


@pytest.fixture(scope="session")
def made_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`openi.kb` of ten reports, not embedded, and of 40 images with labels and the predictions of a run, `theirs`."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(TUTORIAL / "reports.csv", folder)
    labels, scores = ["image_id,site,edema"], ["image_id,edema"]
    for number in range(40):
        truth = number % 2
        score = 0.5 if number % 5 == 0 else 0.1 + 0.8 * truth
        labels.append(f"im{number:02d},{'hill' if number < 20 else 'harbor'},{truth}")
        scores.append(f"im{number:02d},{score}")
    (folder / "labels.csv").write_text("\n".join(labels))
    (folder / "theirs.csv").write_text("\n".join(scores))
    base = kb.create(folder / "openi.kb", by="tester")
    ingest.labels(base, folder / "labels.csv")
    ingest.predictions(base, folder / "theirs.csv", "theirs")
    ingest.reports(base, [folder / "reports.csv"], embed=False, workers=1)
    base.tag("v1", by="tester")
    return folder


@pytest.fixture
def example(made_example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that the process stands in."""
    folder = tmp_path / "example"
    shutil.copytree(made_example, folder)
    monkeypatch.chdir(folder)
    return folder
