"""A release: what the wheel holds, that it runs without the checkout, and that the pages about it agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.reports import write_csv

PACKAGES = ("schemas", "kb", "ingest", "encoder", "workbench")


def tracked() -> list[str]:
    """The files of the packages that belong to the project."""
    done = subprocess.run(["git", "ls-files", "--", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git tracks, built in a folder of its own, from what is installed here."""
    folder = tmp_path_factory.mktemp("release")
    for name in (*tracked(), "cli.py", "pyproject.toml", "README.md", "LICENSE"):
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "source"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows which files belong to the project")
def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {*tracked(), "cli.py"}
    assert {f"{package}/py.typed" for package in PACKAGES} <= expected
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


@pytest.mark.soak
def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """The package comes from the wheel; what it depends on is what is installed here, so that no network is needed."""
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run([*map(str, install)], check=True, capture_output=True, timeout=300)
    (packages,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages")
    spec = find_spec("numpy")
    assert spec is not None and spec.origin is not None
    # A line in a .pth puts a folder on the path without reading the .pth files in it: an editable checkout stays out.
    (packages / "dependencies.pth").write_text(f"{Path(spec.origin).parents[1]}\n")
    ours = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("CLEAR_KB")
    }
    work = tmp_path / "elsewhere"
    work.mkdir()

    def run(*command: object) -> str:
        done = subprocess.run(
            [*map(str, command)], cwd=work, env=ours, capture_output=True, text=True, timeout=1800, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = run(
        python, "-c", "import cli, schemas, kb, ingest, encoder as e; print(cli.__file__, kb.__path__, e.__path__)"
    )
    assert where.count(str(packages)) == 3
    assert str(ROOT) not in where
    clear_kb = python.with_name("clear-kb")
    assert run(clear_kb, "--version") == f"clear-kb {project()['version']}\n"
    story = run(clear_kb, "demo", "--images", "40")
    assert "too few to judge a prediction by" in story
    assert story.splitlines()[-1] == "$ clear-kb serve --kb demo/demo.kb"
    status = json.loads(run(clear_kb, "status", "--kb", "demo/demo.kb", "--format", "json"))
    assert status["reports"] > 0 and status["not_embedded"] == 0


@pytest.mark.soak
def test_the_wheel_and_pandas_install_beside_each_other(wheel: Path, tmp_path: Path) -> None:
    """As a notebook user does it, with all that pip brings: numpy 2, and the pandas of the day."""
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / "bin" / "python"
    ours = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("CLEAR_KB")
    }

    def run(*command: object, fails: str | None = None) -> str:
        done = subprocess.run(
            [*map(str, command)], cwd=tmp_path, env=ours, capture_output=True, text=True, timeout=3600, check=False
        )
        if done.returncode and fails:
            pytest.skip(fails)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--dry-run", "--no-deps", "pandas", fails="pip finds no index here")
    run(*pip, wheel, "pandas")
    run(python, "-m", "pip", "check")
    clear_kb = python.with_name("clear-kb")
    assert "ingest" in run(clear_kb, "--help")
    write_csv(tmp_path / "r.csv", [{"uid": "a", "findings": "Left pulmonary embolism (PE).", "impression": "PE."}])
    run(clear_kb, "ingest", "reports", "r.csv", "--kb", "x.kb", "--no-embed")
    told = run(python, "-c", READ_WITH_PANDAS)
    assert json.loads(told) == {"numpy": 2, "texts": ["left pulmonary embolism", "pulmonary embolism"]}


READ_WITH_PANDAS = """
import json, kb, numpy, pandas
concepts = kb.open("x.kb").dataset("concepts").to_table().to_pandas()
assert isinstance(concepts, pandas.DataFrame)
print(json.dumps({"numpy": int(numpy.__version__.split(".")[0]), "texts": sorted(concepts["text"])}))
"""


def project() -> dict[str, str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


def test_the_citation_and_the_changelog_are_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (project()["version"], project()["license"])
    assert citation["preferred-citation"]["title"].startswith("CLEAR: Concept-Level Embeddings")
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "]
    assert headings[0] == "## Unreleased"
    assert headings[1].startswith(f"## {project()['version']} - ")
