"""What the readers of others make of our files: skipped where sssom-py and skosify are not installed (on PATH)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import add_concepts

pytestmark = pytest.mark.soak
TEXTS = ("nodule", "calcified nodule", "left calcified nodule", "pleural effusion")
NODULE, CALCIFIED, LEFT, EFFUSION = (read_query(text).concept_id for text in TEXTS)


@pytest.fixture
def mapped(kb: KnowledgeBase) -> KnowledgeBase:
    """A hierarchy with mappings of every kind: reviewed, denied, following from others, of a prefix of its own."""
    add_concepts(kb, TEXTS)
    for of in (CALCIFIED, LEFT):
        kb.curate.map_to(of, "RADLEX:RID3", "skos:broadMatch", "nodule", by="ada")
    kb.curate.map_to(EFFUSION, "RADLEX:RID34539", by="ada")
    kb.curate.map_to(EFFUSION, "RADLEX:RID34539", by="bob")
    kb.curate.map_to(NODULE, "WARD:7", by="ada", denied=True, prefixes={"WARD": "https://ward.example/"})
    return kb


def run(tool: str, *arguments: object) -> str:
    """What a tool says of a file; it has to take it."""
    if (found := shutil.which(tool)) is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_sssom_takes_the_mappings_and_they_come_back(mapped: KnowledgeBase, tmp_path: Path) -> None:
    mapped.export_vocabulary(tmp_path / "x.sssom.tsv")
    run("sssom", "validate", tmp_path / "x.sssom.tsv")
    run("sssom", "parse", tmp_path / "x.sssom.tsv", "-o", tmp_path / "parsed.sssom.tsv")
    result = mapped.import_vocabulary(tmp_path / "parsed.sssom.tsv")
    assert (result.read, result.edited, result.rejected) == (4, 0, 0)


def test_skosify_has_no_warning_about_the_concepts(mapped: KnowledgeBase, tmp_path: Path) -> None:
    mapped.export_vocabulary(tmp_path / "x.ttl")
    assert "WARNING" not in run("skosify", tmp_path / "x.ttl", "-o", tmp_path / "out.ttl")
