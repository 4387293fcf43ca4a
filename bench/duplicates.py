"""Duplicates: precision and recall on labelled pairs beside plain cosine, and the whole vocabulary's run.

Two sets of pairs: one that was looked at while the word tables were written, and one that was written afterwards by
another hand, whose first result (precision 0.977 at recall 0.84, before five wrong lexicon entries that it showed were
mended) is the honest one.
"""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.large_vocabulary import BANK, bank_of
from bench.measure import Row, score_row

SETS = ("duplicate_pairs.tsv", "duplicate_pairs_held_out.tsv")
RECALLS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
DIMENSION = 384


def run() -> list[Row]:
    """Measure both sets, and a vocabulary of the published bank's size."""
    return [row for name in SETS for row in _pairs(Path(__file__).parent / name)] + _at_size()


def _pairs(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    same = [row["same"] == "1" for row in rows]
    ours, cosine = scores(rows)
    told = []
    for recall in RECALLS:
        own, plain = precision_at(ours, same, recall), precision_at(cosine, same, recall)
        told.append(score_row(f"{path.stem}: precision at recall {recall}", own, "", f"plain cosine, {plain:.3f}"))
    return told


def scores(rows: list[dict[str, str]]) -> tuple[list[float], list[float]]:
    """For every pair our likeness, with what facets hold apart at the end, and the plain cosine of its texts."""
    from kb.language.query_reading import read_query
    from kb.language.same_words import compare, likeness, wording_of
    from kb.language.severities import same_severity
    from kb.vectors.embedding import load_embedder

    embedder = load_embedder()
    first, second = (embedder.embed([row[side] for row in rows]) for side in "ab")
    cosines = (first * second).sum(axis=1).tolist()
    ours = []
    for row, cosine in zip(rows, cosines, strict=True):
        one, other = read_query(row["a"]), read_query(row["b"])
        apart = (one.assertion, one.laterality) != (other.assertion, other.laterality)
        apart = apart or not same_severity(one.severity, other.severity, one.finding)
        found = compare(wording_of(vars(one)), wording_of(vars(other)))
        ours.append(cosine - 2 if apart else likeness(found, cosine))
    return ours, cosines


def precision_at(scored: list[float], same: list[bool], recall: float) -> float:
    """The precision of the best pairs, as many as it takes to find that share of the true ones; ties count whole."""
    order = sorted(zip(scored, same, strict=True), key=lambda pair: -pair[0])
    needed, true = recall * sum(same), 0
    for count, (score, is_same) in enumerate(order, start=1):
        true += is_same
        tied = count < len(order) and order[count][0] == score
        if true >= needed - 1e-9 and not tied:
            return true / count
    raise ValueError(f"recall {recall} cannot be reached")


def _at_size() -> list[Row]:
    from kb.curation.suggest.duplicates import suggest_duplicates
    from kb.knowledge_base import KnowledgeBase

    with tempfile.TemporaryDirectory() as folder:
        kb = KnowledgeBase.create(Path(folder) / "bank.kb")
        csv_file, tensor = bank_of(Path(folder), BANK, DIMENSION)
        kb.import_clear(csv_file, tensor, embedder="bench")
        started = time.perf_counter()
        found: Any = suggest_duplicates(kb)
        taken = time.perf_counter() - started
    what, told = f"vocab suggest duplicates, {BANK:,} rows of {DIMENSION} numbers", f"{taken:.0f} s, limit 300 s"
    return [score_row(what, found.recall, told, "recall of brute force, 500 concepts of each large block")]
