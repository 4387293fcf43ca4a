"""Search: how many queries find what was meant in the first five, and how long one waits while typing.

    python -m bench.search FILE --kb KB      a file of one's own: a query, a tab, and the wanted texts with | between

`bench/search_queries.tsv` is our own: lay words, Latin, other languages, abbreviations, slips, sides and denials, over
a vocabulary made from the lexicon; a wanted "-" says that nothing is near. It was written with the tables at hand, so
it guards them; how well a search does is read from queries of somebody who has not seen them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.large_vocabulary import BANK, bank_of
from bench.measure import Row, score_row

QUERIES = Path(__file__).with_name("search_queries.tsv")
TYPED = ("collapsed lung", "left pleural effusion", "cor magnum", "fracture of the rib", "no pneumothorax")
NOTHING = "-"
FIRST = 5


def queries(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """The queries of a file with the texts that are wanted; lines that begin with # and the header are passed over."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith(("#", "query\t")):
            query, wanted = line.split("\t")
            yield query, frozenset(wanted.split("|"))


def missed(kb: Any, asked: Sequence[tuple[str, frozenset[str]]], embedder: Any = None) -> list[tuple[str, list[str]]]:
    """The queries that find none of the wanted texts in the first five, or something where nothing is near."""
    failed = []
    for query, wanted in asked:
        found = [hit.text for hit in kb.search(query, k=FIRST, embedder=embedder, words_only=embedder is None)]
        if bool(found) if wanted == {NOTHING} else wanted.isdisjoint(found):
            failed.append((query, found))
    return failed


def run() -> list[Row]:
    """The rows of the results: our own queries, and typing at the published bank's size."""
    from kb.knowledge_base import KnowledgeBase

    asked = [*queries(QUERIES)]
    with tempfile.TemporaryDirectory() as folder:
        failed = missed(_lexicon_vocabulary(Path(folder)), asked)
    with tempfile.TemporaryDirectory() as folder:
        concepts, _ = bank_of(Path(folder), BANK, 8)
        KnowledgeBase.create(f"{folder}/bank.kb").import_clear(concepts, None)
        kb = KnowledgeBase.open(f"{folder}/bank.kb")
        first = _milliseconds(kb, "p")
        taken = [_milliseconds(kb, text[:length]) for text in TYPED for length in range(1, len(text) + 1)]
    own = f"search, {len(asked)} own queries by words alone, found in the first {FIRST}"
    typing = f"search by words at {BANK:,} concepts, after each of {len(taken)} letters"
    spread = f"95 % within {sorted(taken)[int(0.95 * len(taken))]:.0f} ms; the first one {first / 1000:.1f} s"
    share, told = 1 - len(failed) / len(asked), "; ".join(query for query, _ in failed) or "none missed"
    median, limit = statistics.median(taken), "limit 100 ms at the median"
    return [
        score_row(own, share, "", told, digits=2),
        Row(typing, f"{median:.0f} ms", spread, limit, number=median, better="lower"),
    ]


def _lexicon_vocabulary(folder: Path) -> Any:
    """A vocabulary of every finding, device and normal statement of the lexicon; findings also by side, and denied."""
    from kb.knowledge_base import KnowledgeBase
    from kb.language.lexicon import load_lexicon

    texts = []
    for label, kind, _ in load_lexicon().rows():
        texts += [label] if kind == "normal" else [label, f"no {label}", f"left {label}", f"right {label}"]
    path = folder / "lexicon.csv"
    path.write_text("concept_idx,concept\n" + "\n".join(f"{at},{text}" for at, text in enumerate(texts)), "utf-8")
    KnowledgeBase.create(f"{folder}/lexicon.kb").import_clear(path, None)
    return KnowledgeBase.open(f"{folder}/lexicon.kb")


def _milliseconds(kb: Any, typed: str) -> float:
    started = time.perf_counter()
    kb.search(typed, words_only=True)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Print which queries of a file do not find what they want in a knowledge base, and the share that does."""
    from kb.knowledge_base import KnowledgeBase
    from kb.vectors.embedding import load_stored_embedder

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kb", required=True)
    given = parser.parse_args()
    kb, asked = KnowledgeBase.open(given.kb), [*queries(given.file)]
    embedder = None if kb.embedder is None else load_stored_embedder(kb.embedder)
    failed = missed(kb, asked, embedder)
    for query, found in failed:
        print(f"{query}: {'; '.join(found) or 'nothing is near'}")
    print(f"{len(asked) - len(failed)} of {len(asked)} find what was meant in the first {FIRST}")


if __name__ == "__main__":
    main()
