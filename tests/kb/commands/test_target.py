"""A file that is there is replaced only if asked, at a terminal by a question, and never in a knowledge base."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.commands.target import check_target
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.terminal import printed

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS = {
    "vocab export": (["vocab", "export"], "out.csv"),
    "vocab export -o": (["vocab", "export", "-o"], "out.jsonl"),
    "observations export": (["observations", "export", "-o"], "out.jsonl"),
    "audit sql": (["audit", "sql", "SELECT 1 AS x", "-o"], "out.csv"),
    "audit run": (["audit", "run", "metrics", "-o"], "out.json"),
    "audit export": (["audit", "export"], "out.duckdb"),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_leaves_what_is_there(kb: KnowledgeBase, tmp_path: Path, cli: Run, name: str) -> None:
    command, target = COMMANDS[name]
    path = tmp_path / target
    path.write_text("mine", encoding="utf-8")
    refused = cli(*command, path, "--kb", kb.uri, code=2)
    assert "exists already" in refused.stderr and "--overwrite" in refused.stderr
    assert path.read_text(encoding="utf-8") == "mine"
    cli(*command, path, "--kb", kb.uri, "--overwrite")
    assert path.read_bytes() != b"mine"
    assert {one.name for one in tmp_path.iterdir()} == {path.name, Path(kb.uri).name}, "nothing is left beside it"
    inside = cli(*command, Path(kb.uri) / target, "--kb", kb.uri, "--overwrite", code=2)
    assert "lies in the knowledge base" in inside.stderr


@pytest.mark.soak
@pytest.mark.parametrize(("answer", "after"), [("n", "mine"), ("y", "x\n1\n")])
def test_a_person_is_asked(kb: KnowledgeBase, tmp_path: Path, answer: str, after: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine", encoding="utf-8")
    told = printed("audit", "sql", "SELECT 1 AS x", "-o", str(path), "--kb", kb.uri, typed=f"{answer}\n")
    assert any("exists already: replace it?" in line for line in told)
    assert path.read_text(encoding="utf-8") == after


def test_a_link_into_a_knowledge_base_leads_into_it(kb: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(kb.uri)
    for inside in ("elsewhere/out.csv", "test.kb/images.lance/out.csv"):
        with pytest.raises(UsageError, match="lies in the knowledge base"):
            check_target(tmp_path / inside, overwrite=True)
