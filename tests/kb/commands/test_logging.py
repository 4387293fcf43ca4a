"""Logging: off unless asked for, on standard error, and never a word of a report or an id."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.knowledge_base import KnowledgeBase
from tests.support.reports import write_csv

Run = Callable[..., subprocess.CompletedProcess[str]]

SECRETS = ("MRN4711", "mediastinum", "Jane", "effusion")
REPORTS = [{"uid": "MRN4711", "findings": "Jane: the mediastinum is wide. No effusion.", "impression": "No effusion."}]


@pytest.fixture
def ingest(cli: Run, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    write_csv(tmp_path / "MRN4711.csv", REPORTS)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return cli(*options, "ingest", "reports", "MRN4711.csv", "--quiet", "--format", "json", "--workers", "1")

    return run


def test_nothing_is_logged_unless_asked_for(ingest: Run) -> None:
    assert ingest().stderr == ""


def test_what_is_done_is_logged_and_nothing_of_a_patient(ingest: Run) -> None:
    done = ingest("-vv")
    lines = [line.split(" ", 1)[1] for line in done.stderr.splitlines()]
    assert all(line.startswith("clear_kb.") for line in lines), done.stderr
    rooms = {line.split(":")[0] for line in lines}
    assert rooms >= {"clear_kb.store", "clear_kb.ingest", "clear_kb.vectors"}
    assert any(line.startswith("clear_kb.store: ingest reports: commit ") for line in lines)
    assert not [secret for secret in SECRETS if secret.lower() in done.stderr.lower()]
    assert done.stdout.startswith("{"), "standard output holds the data alone"


def test_once_tells_what_and_twice_tells_how(caplog: pytest.LogCaptureFixture, kb: KnowledgeBase) -> None:
    with caplog.at_level(logging.DEBUG, "clear_kb"):
        kb.publish("a change", lambda _: ({}, None))
    levels = {record.levelno: record.getMessage() for record in caplog.records}
    assert f"a change: commit {kb.commit.commit_id}" in levels[logging.INFO]
    assert "lock" in levels[logging.DEBUG]
