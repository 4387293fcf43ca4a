"""What a long history costs: an act, files and bytes after 2,000 acts, against a fresh import of the vocabulary."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.large_vocabulary import bank_of
from bench.measure import Row
from kb.knowledge_base import KnowledgeBase

CONCEPTS, DIMENSION = 3_000, 384
ACTS = 2_000
PAIRS = 60
"""Acts on the fresh and on the old knowledge base in turn, so that a noisy machine disturbs both alike."""

LOOK = 10
"""Acts between two looks at files and bytes."""


def run() -> list[Row]:
    """Make `ACTS` acts on one knowledge base, nobody running gc, then as many on it as on a fresh one in turn."""
    with tempfile.TemporaryDirectory(prefix="clear-kb-growth-") as folder:
        concepts, tensor = bank_of(Path(folder), CONCEPTS, DIMENSION)
        fresh, old = (KnowledgeBase.create(Path(folder) / name) for name in ("fresh.kb", "old.kb"))
        for base in (fresh, old):
            base.import_clear(concepts, tensor, embedder="drawn")
        files, size = _storage(fresh)
        seen = list(_acted(old, ACTS))
        ratios = _in_turn(old, fresh)
        many = [one / files for one, _ in seen]
        big = [one / size for _, one in seen]
        return [
            Row(
                f"CPU of an act after {ACTS:,} acts on {CONCEPTS:,} concepts",
                f"{statistics.median(ratios):.2f}x",
                f"quartiles {' to '.join(f'{one:.2f}' for one in statistics.quantiles(ratios, n=4)[::2])}",
                f"an act on a fresh import, in turn, {PAIRS} pairs",
                number=statistics.median(ratios),
                better="lower",
            ),
            Row(
                f"files after {ACTS:,} acts",
                f"{many[-1]:.2f}x",
                f"at most {max(many):.2f} on the way",
                f"{files} files",
                number=many[-1],
                better="lower",
            ),
            Row(
                f"bytes after {ACTS:,} acts",
                f"{big[-1]:.2f}x",
                f"at most {max(big):.2f} on the way, above 2 at {sum(one > 2 for one in big)} of {len(big)} looks",
                f"{size / 1e6:.1f} MB of a fresh import",
                number=big[-1],
                better="lower",
            ),
        ]


def _acted(base: KnowledgeBase, count: int) -> Iterator[tuple[int, int]]:
    """Act, and look at files and bytes every so often."""
    acts = _acts(base, 0)
    for number in range(1, count + 1):
        next(acts)
        if number % LOOK == 0:
            yield _storage(base)
        if number % 200 == 0:
            print(f"  {number:,} acts", file=sys.stderr)


def _in_turn(old: KnowledgeBase, fresh: KnowledgeBase) -> list[float]:
    """How much more CPU an act takes on the old one: of each pair of acts of one kind."""
    taken: list[list[float]] = [[], []]
    actors = [_acts(old, 1), _acts(fresh, 1)]
    for _ in range(PAIRS):
        for seconds, acts in zip(taken, actors, strict=True):
            began = time.process_time()
            next(acts)
            seconds.append(time.process_time() - began)
    return [a / b for a, b in zip(*taken, strict=True)]


def _acts(base: KnowledgeBase, seed: int) -> Iterator[None]:
    """Renames, notes, rejections and acceptances of concepts at random, one at each step."""
    concepts = base.vocabulary.list(limit=CONCEPTS)
    dice = random.Random(seed)
    number = 0
    while True:
        one = dice.choice(concepts)
        concept_id, word = one["concept_id"], f"n{seed}{number}q"
        match number % 4:
            case 0:
                base.curate.rename(concept_id, f"{one['text']} {word}", keep_facets=True)
            case 1:
                base.curate.set_note(concept_id, word)
            case 2:
                base.curate.reject(concept_id, why=word)
            case _:
                base.curate.accept(concept_id, why=word)
        number += 1
        yield


def _storage(base: KnowledgeBase) -> tuple[int, int]:
    """Files and bytes of a knowledge base."""
    sizes = [path.stat().st_size for path in Path(base.uri).rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)
