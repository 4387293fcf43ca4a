"""Examples in docstrings run, and give what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import encoder.audit
import encoder.audit.face
import encoder.face
import ingest
import ingest.face
import kb
import kb.curation.curator
import kb.knowledge_base
import kb.vocabulary.vocabulary

MODULES = (
    kb.knowledge_base,
    kb.vocabulary.vocabulary,
    kb.curation.curator,
    ingest.face,
    encoder.face,
    encoder.audit.face,
)
EXAMPLES = [found for module in MODULES for found in doctest.DocTestFinder().find(module) if found.examples]


@pytest.mark.parametrize("found", EXAMPLES, ids=lambda found: found.name)
def test_an_example_gives_what_it_says(found: doctest.DocTest, example: Path) -> None:
    found.globs |= {"kb": kb, "ingest": ingest, "encoder": encoder, "base": kb.open("openi.kb")}
    told: list[str] = []
    doctest.DocTestRunner().run(found, out=told.append)
    assert not told, "".join(told)


def test_no_example_is_skipped_and_every_face_has_one() -> None:
    assert not [found.name for found in EXAMPLES for one in found.examples if doctest.SKIP in one.options]
    assert {found.name.rpartition(".face.")[0] or found.name.split(".")[0] for found in EXAMPLES} == {
        "kb",
        "ingest",
        "encoder",
        "encoder.audit",
    }
