"""A knowledge base in an object store: the requests of each command, and its seconds where each request waits 50 ms.

A command is a fork of a process that has imported the libraries: the seconds are those of the command alone.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from kb.knowledge_base import KnowledgeBase
from tests.support.command_process import run_command
from tests.support.s3_server import S3Server

DELAY_S = 0.05
REPORTS = (
    "Small left pleural effusion. No pneumothorax.",
    "The heart is enlarged. Mild pulmonary edema.",
    "Right lower lobe opacity. No effusion.",
    "Left basilar atelectasis.",
    "Endotracheal tube in place.",
)


def run() -> list[Row]:
    """Run the tour's commands one after the other on a new knowledge base, each in a process of its own."""
    with S3Server(delay_s=DELAY_S) as server, tempfile.TemporaryDirectory() as name:
        uri, folder = f"s3://{server.bucket}/bench.kb", Path(name)
        rows = []
        for command in _commands(folder, server, uri):
            seconds, requests = _seconds(command, server, uri)
            told = " ".join(Path(word).name for word in command)
            at_least = f"{requests * DELAY_S:.1f} s if each waited for the one before"
            value = f"{requests} requests, {seconds:.1f} s"
            rows.append(Row(f"clear-kb {told}", value, "", at_least, number=requests, better="lower"))
    return rows


def _commands(folder: Path, server: S3Server, uri: str) -> Iterator[list[str]]:
    yield ["init"]
    yield ["ingest", "reports", str(_reports(folder / "five.csv", 0)), "--no-embed"]
    yield ["ingest", "reports", str(_reports(folder / "five_more.csv", 5)), "--no-embed"]
    yield ["status"]
    yield ["log"]
    yield ["vocab", "search", "effusion", "--words"]
    concepts = KnowledgeBase.open(uri, storage_options=server.storage_options).vocabulary.list()
    yield ["vocab", "show", concepts[0]["concept_id"]]
    yield ["vocab", "accept", concepts[0]["concept_id"]]
    yield ["tag", "v1"]
    yield ["audit", "sql", "SELECT count(*) FROM concepts"]
    yield ["check"]
    yield ["vocab", "diff", "HEAD~1", "HEAD"]
    yield ["restore", "HEAD~1"]
    yield ["gc", "--keep", "2"]


def _seconds(command: list[str], server: S3Server, uri: str) -> tuple[float, int]:
    """The seconds and requests of one command; it has to end well."""
    environment = {**os.environ, **server.environment, "CLEAR_KB": uri}
    with tempfile.TemporaryDirectory() as captured:
        folder = Path(captured)
        before, began = len(server.requests), time.perf_counter()
        done = run_command(command, folder=folder, environment=environment, captured=folder, timeout=600)
    if done.returncode:
        raise RuntimeError(f"clear-kb {' '.join(command)}: {done.stderr}")
    return time.perf_counter() - began, len(server.requests) - before


def _reports(path: Path, first: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["uid", "findings"])
        writer.writerows((f"r{first + number}", text) for number, text in enumerate(REPORTS))
    return path
