"""Pages written by hand: what they name exists, their links lead somewhere, and the site reads without a network."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import encoder.audit
import ingest
import kb
from docs.generate.command_pages import all_commands, parameters
from ingest.sources.exports import fhir_report, hl7_report
from kb.curation.curator import Curator
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.vocabulary import Vocabulary
from tests.support.paths import ROOT

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference"
PAGES = [README, *(path for path in sorted((ROOT / "docs").rglob("*.md")) if REFERENCE not in path.parents)]
KNOWN = {"kb": kb, "ingest": ingest, "encoder": encoder}
OF_BASE = {"vocabulary": Vocabulary, "curate": Curator}
IDS = {"argvalues": PAGES, "ids": [str(path.relative_to(ROOT)) for path in PAGES]}


@cache
def options() -> dict[str, set[str]]:
    """The options of every command by its full name."""
    found: dict[str, set[str]] = {}
    for name, _, entry in all_commands():
        of = parameters(name.split()[-1], entry)
        found[name] = {option for one in of for option in (*one.opts, *one.secondary_opts)}
    return found


def commands_in(text: str) -> list[list[str]]:
    """The words after `clear-kb` of every command that a page shows."""
    joined = text.replace("\\\n", " ")
    shown = re.findall(r"^(?:    |\$ )+(?:torchrun .*)?(clear-kb .*)$", joined, re.M)
    shown += re.findall(r"`(clear-kb [a-z][^`]*)`", joined)
    return [shlex.split(one.replace("$'", "'"), comments=True)[1:] for one in shown]


@pytest.mark.parametrize("page", **IDS)
def test_commands_that_a_page_shows_exist_with_their_options(page: Path) -> None:
    known = options()
    for words in commands_in(page.read_text(encoding="utf-8")):
        if words[0].startswith(("-", "[")) or words[0] == "COMMAND":
            continue
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        group = any(command.startswith(f"{name} ") for command in known)
        assert name in known or group, words
        used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert group or used <= known[name] | {"--help", "-h"}, (name, used - known[name])


@pytest.mark.parametrize("page", **IDS)
def test_python_that_a_page_shows_calls_what_exists_by_its_parameters(page: Path, ward_kb: KnowledgeBase) -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        for call in ast.walk(ast.parse(block)):
            if isinstance(call, ast.Call) and (called := _named(call.func, ward_kb)) is not None:
                inspect.signature(called).bind_partial(
                    *(None for _ in call.args), **{word.arg: None for word in call.keywords if word.arg}
                )


def _named(node: ast.expr, base: KnowledgeBase) -> Any:
    """What a dotted name of a page stands for; None if it begins with a name of the page's own."""
    if isinstance(node, ast.Name):
        return KNOWN.get(node.id) or (base if node.id == "base" else None)
    if isinstance(node, ast.Attribute) and (owner := _named(node.value, base)) is not None:
        return getattr(owner, node.attr)
    return None


def test_the_checks_of_pages_see_what_is_wrong(ward_kb: KnowledgeBase) -> None:
    assert commands_in("    $ clear-kb vocab lisst --limti 3   # so\n") == [["vocab", "lisst", "--limti", "3"]]
    with pytest.raises(AttributeError):
        _named(ast.parse("base.vocabulary.gett", mode="eval").body, ward_kb)
    with pytest.raises(TypeError):
        inspect.signature(_named(ast.parse("base.search", mode="eval").body, ward_kb)).bind_partial(None, kk=5)


@pytest.mark.parametrize("page", **IDS)
def test_files_of_the_tree_that_a_page_names_are_there(page: Path) -> None:
    rooms = "schemas|kb|ingest|encoder|bench|docs|tests"
    named = re.findall(rf"`((?:{rooms})/[\w./-]*\w)`", page.read_text(encoding="utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert links and all((ROOT / link).exists() for link in links), links


def test_the_site_builds_without_a_broken_link_and_reads_without_a_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=\"?(https?:[^\" >]+)", path.read_text(encoding="utf-8"))
        loaded += re.findall(r"<link[^>]+href=\"?(https?:[^\" >]+)", path.read_text(encoding="utf-8"))
        assert not loaded, (path.name, loaded)
    assert (tmp_path / "site" / "search" / "search_index.js").exists()


def test_the_page_of_exports_names_every_field_that_can_be_asked_about() -> None:
    page = (ROOT / "docs" / "how-to" / "hospital.md").read_text(encoding="utf-8")
    for kind, fields in (("HL7", hl7_report.FIELDS), ("FHIR", fhir_report.FIELDS)):
        (row,) = re.findall(rf"^\| {kind} \| (.*) \|$", page, re.M)
        assert tuple(re.findall(r"`(\w+)`", row)) == fields


SQL = [
    (path, sql)
    for path in PAGES
    for sql in re.findall(r"^```sql\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)
]


@pytest.mark.parametrize(("path", "sql"), SQL, ids=[str(path.relative_to(ROOT)) for path, _ in SQL])
def test_a_query_that_a_page_shows_gives_rows(path: Path, sql: str, ward_kb: KnowledgeBase) -> None:
    with encoder.audit.session(ward_kb) as session:
        assert session.query(sql).rows()
