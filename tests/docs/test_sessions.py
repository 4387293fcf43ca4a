"""Pages with sessions: their commands run through the real entry point and print what the page shows."""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from docs.generate.sessions import BLOCK, PYTHON, bare_environment, comparable, copy_data, run, steps
from tests.support.command_process import run_command
from tests.support.paths import ROOT
from tests.support.s3_server import S3Server

IN_A_STORE = "how-to/object-store.md"
"""The page whose session is held in an object store: that of the tests."""

PAGES = {
    "tutorial/your-reports.md": 10,
    "tutorial/six-audits.md": 5,
    "how-to/hospital.md": 5,
    "how-to/at-scale.md": 2,
    IN_A_STORE: 12,
}
"""Pages, and more commands than these are to be found in each."""


QUICK = (IN_A_STORE, "how-to/at-scale.md")
"""The pages whose sessions are run each time: what is least like all else."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in PAGES]
)
def test_a_session_prints_what_its_page_shows(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, s3: S3Server
) -> None:
    path = ROOT / "docs" / name
    page, environment = path.read_text(encoding="utf-8"), bare_environment()
    if name == IN_A_STORE:
        environment |= s3.environment
    copy_data(path, tmp_path)
    session = [step for block in BLOCK.findall(page) for step in steps(block)]
    assert len(session) > PAGES[name]
    captured = tmp_path_factory.mktemp("printed")

    def launch(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
        for file in captured.iterdir():
            file.unlink()
        done = run_command(
            arguments, folder=folder, environment=environment, captured=captured, timeout=600, one_stream=True
        )
        return done.returncode, done.stdout

    for step in session:
        assert comparable(run(step, tmp_path, environment, launch)) == comparable(step.shown), step.command

    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    for number, block in enumerate(PYTHON.findall(page)):
        example = doctest.DocTestParser().get_doctest(block, {}, f"{path.name}, block {number}", str(path), 0)
        assert example.examples
        doctest.DocTestRunner().run(example, out=told.append)
    assert not told, "".join(told)


def test_what_changes_from_run_to_run_is_not_compared_and_all_else_is() -> None:
    assert comparable("commit  771d37f26543 in 13.4 s\n\n") == comparable("commit 15d5b73563a1 in 0.2 s")
    assert comparable("X9ef8a6db0084 2026-11-29T13:09+00:00") == comparable("Xb489cf1d3fca 2027-01-01T00:00+00:00")
    assert comparable("Cd3f066afafc3b593") != comparable("Cd77fc7af26984154")
    assert comparable("mentions 4") != comparable("mentions 5")


def test_the_tables_of_the_six_audits_are_those_that_their_script_makes(tmp_path: Path) -> None:
    made = subprocess.run([sys.executable, ROOT / "docs/tutorial/six_audits.py", tmp_path], check=False)
    assert made.returncode == 0
    tables = sorted(path.name for path in (ROOT / "docs" / "tutorial").glob("six_audits_*.csv"))
    assert tables == sorted(path.name for path in tmp_path.iterdir()) and len(tables) == 3
    for name in tables:
        assert (tmp_path / name).read_text() == (ROOT / "docs" / "tutorial" / name).read_text(), name
