"""A vocabulary of the published bank's size: its import, search by vectors, float16, and the cost of curating it."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bench.large_vocabulary import BANK, bank_of
from bench.measure import Row, peak_mb, score_row

DIMENSIONS = (768, 4096)
ACTS = 200
FRESH = 20_000


def run() -> list[Row]:
    """Measure, for every dimension in a folder of its own: 4096 numbers take 13 GB there."""
    return [row for dimension in DIMENSIONS for row in _at(dimension)] + [_curated()]


def _at(dimension: int) -> list[Row]:
    from kb.knowledge_base import KnowledgeBase

    shape = f"{BANK:,} x {dimension}"
    with tempfile.TemporaryDirectory() as folder:
        concepts, tensor = bank_of(Path(folder), BANK, dimension)
        where = f"{folder}/bank.kb"
        started = time.perf_counter()
        command = [str(Path(sys.executable).with_name("clear-kb")), "vocab", "import", "--clear"]
        peak = peak_mb([*command, str(concepts), str(tensor), "--embedder", "bench", "--kb", where, "--quiet"])
        taken = time.perf_counter() - started
        tensor.unlink()
        kb = KnowledgeBase.open(where)
        index = kb.build_index()
        exact = index.exact_ms / index.p50_ms
        stored = kb.store_vectors("float16")
        assert stored.recall is not None
    return [
        Row(
            f"import of {shape}",
            f"{peak:,.0f} MB",
            f"{taken:.0f} s",
            "its peak memory",
            number=peak,
            better="lower",
        ),
        Row(
            f"vector search, {shape}",
            f"{exact:.0f}x",
            f"{index.p50_ms:.1f} ms, built in {index.build_s:.0f} s",
            f"exact search, {index.exact_ms:,.0f} ms; recall@10 {index.recall:.3f}",
            number=exact,
            better="higher",
        ),
        score_row(f"float16 vectors, {shape}", stored.recall, "", "recall@10 of the float32 ones", digits=4),
    ]


def _curated() -> Row:
    """Storage after single-row changes and `gc`, beside that of a fresh import of the same vocabulary."""
    from kb.knowledge_base import KnowledgeBase

    with tempfile.TemporaryDirectory() as folder:
        concepts, tensor = bank_of(Path(folder), FRESH, 384)
        kb = KnowledgeBase.create(f"{folder}/curated.kb")
        kb.import_clear(concepts, tensor, embedder="bench")
        ids = [row["concept_id"] for row in kb.vocabulary.list(limit=ACTS)]
        for concept_id in ids:
            kb.curate.accept(concept_id)
        kb.gc()
        kb.export_vocabulary(f"{folder}/all.parquet", vectors=True)
        fresh = KnowledgeBase.create(f"{folder}/fresh.kb")
        fresh.import_vocabulary(f"{folder}/all.parquet")
        ratio = (kb.storage.size_bytes() or 0) / (fresh.storage.size_bytes() or 1)
    what, against = f"storage after {ACTS} single-row changes and gc", "a fresh import (limit 1.5x)"
    return Row(what, f"{ratio:.2f}x", "", against, number=ratio, better="lower")
