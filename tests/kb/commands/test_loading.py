"""What a command loads: seconds go by before it begins where it loads what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kb.knowledge_base import KnowledgeBase
from tests.support.paths import ROOT

LANGUAGE = ("kb.language.grammar", "kb.curation", "kb.exchange")
LIBRARIES = ("torch", "transformers", "sentence_transformers", "lancedb", "spacy")
RUN = "import sys, cli; sys.argv[1:] = {arguments}; cli.app(standalone_mode=False); print('loaded', *sys.modules)"


def loaded(*arguments: str) -> set[str]:
    script = RUN.format(arguments=[*arguments])
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.soak
@pytest.mark.parametrize("command", ["log", "status", "tag"])
def test_what_asks_nothing_of_concepts_loads_nothing_that_reads_them(ward_kb: KnowledgeBase, command: str) -> None:
    found = loaded(command, "--kb", ward_kb.uri)
    assert not {name for name in found if name.startswith((*LANGUAGE, *LIBRARIES))}


@pytest.mark.soak
def test_a_search_by_meaning_loads_no_library_of_networks(ward_kb: KnowledgeBase) -> None:
    found = loaded("vocab", "search", "fluid around the lung", "--kb", ward_kb.uri)
    assert "kb.vectors.embedding.bundled_queries" in found
    assert not found & {*LIBRARIES}
