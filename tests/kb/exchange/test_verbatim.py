"""The published bank as it stands: every text a concept of its own, with its own vector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase

TEXTS = [
    "enlarged heart",
    "the heart is enlarged",
    "Enlarged heart",
    "enlarged  heart",
    "enlarged heart",
    "enlarged heart ",
    "...",
    "no pleural effusion",
]
"""The second says what the first says; the next differ in case, in space, in nothing, in space around; "..."
says nothing that could be observed."""


@pytest.fixture
def bank(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def write(texts: list[str] = TEXTS, vectors: Any = None) -> tuple[Path, Path]:
        csv, tensor = tmp_path / "mimic_concepts.csv", tmp_path / "concept_embeddings.pt"
        order = np.random.default_rng(1).permutation(len(texts))
        lines = "".join(f'{index},"{texts[index]}"\n' for index in order)
        csv.write_text(f"concept_idx,concept\n{lines}", encoding="utf-8")
        torch.save(torch.eye(len(texts), 16) if vectors is None else vectors, tensor)
        return csv, tensor

    return write


def concepts(kb: KnowledgeBase) -> list[dict[str, Any]]:
    return kb.dataset("concepts").to_table().to_pylist()


def test_every_text_is_a_concept_with_its_own_vector(kb: KnowledgeBase, bank: Callable) -> None:
    result = kb.import_clear(*bank(), embedder="some/model", verbatim=True)
    assert (result.added, result.embedded, result.rejected, result.synonyms) == (8, 8, 0, 0)
    assert (result.apart, result.unread) == (5, 1)
    found = {row["source"]: row for row in concepts(kb)}
    for index, text in enumerate(TEXTS):
        row = found[f"mimic_concepts.csv#{index}"]
        assert row["text"] == text.strip()
        assert np.argmax(row["embedding"]) == index
    assert len({row["concept_id"] for row in found.values()}) == 8
    assert found["mimic_concepts.csv#7"]["assertion"] == "absent"
    assert not [problem for problem in kb.check() if problem.severity == "error"]


def test_the_first_of_those_that_say_the_same_is_what_reports_are_mined_for(kb: KnowledgeBase, bank: Callable) -> None:
    merged = KnowledgeBase.create(Path(kb.uri).parent / "merged.kb", by="tester")
    merged.import_clear(*bank(), embedder="some/model")
    kb.import_clear(*bank(), embedder="some/model", verbatim=True)
    plain = {row["concept_id"] for row in concepts(merged)}
    assert plain < {row["concept_id"] for row in concepts(kb)}


def test_the_same_bank_again_changes_nothing(kb: KnowledgeBase, bank: Callable) -> None:
    kb.import_clear(*bank(), embedder="some/model", verbatim=True)
    before = concepts(kb)
    again = kb.import_clear(*bank(), embedder="some/model", verbatim=True)
    assert (again.added, again.edited, again.unchanged, again.commit) == (0, 0, 8, None)
    assert concepts(kb) == before


@pytest.mark.soak
def test_merged_texts_are_told_at_the_import_and_so_are_kept_ones(cli: Callable, cli_json: Callable, bank) -> None:
    csv, tensor = bank()
    shown = cli("vocab", "import", "--clear", csv, tensor, "--embedder", "some/model", "--kb", "merged.kb").stdout
    assert "2 texts became another name of a concept: uncounted, unless --verbatim" in shown
    assert "3 texts stand there more than once: uncounted, unless --verbatim" in shown
    shown = cli("vocab", "import", "--clear", csv, tensor, "--verbatim", "--embedder", "m", "--kb", "all.kb").stdout
    assert "5 texts that would be another name of a concept" in shown
    assert "1 texts of which the lexicon knows nothing" in shown
    told = cli_json("vocab", "import", "--clear", csv, "--no-vectors", "--verbatim", "--kb", "bare.kb")
    assert (told["added"], told["apart"], told["embedded"]) == (8, 5, 0)


def test_options_of_the_bank_are_refused_elsewhere(cli: Callable, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text\nmass\n", encoding="utf-8")
    for option in (("--verbatim",), ("--embedder", "m")):
        assert "go with --clear" in cli("vocab", "import", "x.csv", *option, code=2).stderr
    assert "with --no-vectors the first is enough" in cli("vocab", "import", "--clear", "x.csv", code=2).stderr


def test_text_vectors_of_the_encoder_are_not_taken_for_embeddings(cli: Callable, bank: Callable) -> None:
    csv, tensor = bank(vectors=torch.nn.functional.normalize(torch.ones(8, 768), dim=1))
    refused = cli("vocab", "import", "--clear", csv, tensor, "--kb", "x.kb", code=2).stderr
    assert "768 numbers a row" in refused and "(say --no-vectors, or --embedder NAME)" in refused
    assert "8" in cli("vocab", "import", "--clear", csv, tensor, "--no-vectors", "--verbatim", "--kb", "x.kb").stdout
    cli("vocab", "import", "--clear", csv, tensor, "--embedder", "a/model", "--verbatim", "--kb", "y.kb")


def test_vectors_that_are_not_of_length_1_are_told(kb: KnowledgeBase, bank: Callable) -> None:
    result = kb.import_clear(*bank(vectors=torch.eye(8, 16) * 3), embedder="some/model", verbatim=True)
    assert "lengths from 3 to 3" in result.notes[0]
    assert not kb.import_clear(*bank(), embedder="some/model", verbatim=True).notes
    with pytest.raises(UsageError, match="768 numbers a row"):
        kb.import_clear(*bank(vectors=torch.ones(8, 768)))
