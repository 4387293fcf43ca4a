"""Mining speed against negspacy (spaCy + NegEx) on the same reports, one process and two.

negspacy finds no terms by itself, so it gets the same lexicon as an entity ruler and a sentence splitter,
without a parser or a statistical model: the fastest pipeline it runs in.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from bench.measure import Row, ratio, rounds, seconds
from ingest.mining import MinerSetup, mine_chunks
from ingest.options import ExtractorOptions
from ingest.report import Report, Section
from ingest.rules import RulesExtractor, forget_sentences
from ingest.synthetic import synthetic_reports
from kb.batched import batched
from kb.lexicon import load_lexicon

REPORTS = 150_000
REPEATS = 3


def run() -> list[Row]:
    """Measure, and tell the ratios."""
    reports = [
        Report(r.report_id, (Section("findings", r.findings), Section("impression", r.impression)), f"row {n}")
        for n, r in enumerate(synthetic_reports(REPORTS, seed=1))
    ]
    peer = negspacy_pipeline()
    texts = [f"{r.sections[0].text} {r.sections[1].text}" for r in reports]
    taken = rounds(
        {
            "negspacy": lambda: seconds(lambda: exhaust(peer.pipe(texts))) / REPORTS,
            "one": lambda: seconds(lambda: mine(reports, workers=1)) / REPORTS,
            "two": lambda: seconds(lambda: mine(reports, workers=2)) / REPORTS,
        },
        REPEATS,
    )
    rate = {name: f"{1 / statistics.median(values):,.0f} reports/s" for name, values in taken.items()}
    against = f"negspacy, {rate['negspacy']}"
    return [
        Row(f"mining, one process ({rate['one']})", *ratio(taken["negspacy"], taken["one"]), against),
        Row(f"mining, two processes ({rate['two']})", *ratio(taken["negspacy"], taken["two"]), against),
        Row("mining, two processes", *ratio(taken["one"], taken["two"]), f"one process, {rate['one']}"),
    ]


def mine(reports: Sequence[Report], workers: int) -> None:
    """Mine `reports` as an ingest does: a new extractor with nothing remembered, rows made, nothing stored."""
    chunks = batched(reports, RulesExtractor.chunk_reports)
    setup = MinerSetup(ExtractorOptions(), "bench", ("findings", "impression"))
    forget_sentences()
    exhaust(mine_chunks(chunks, list, setup, workers))


def negspacy_pipeline() -> Any:
    """Sentences, our lexicon as entities, and NegEx over them."""
    import spacy
    from negspacy.negation import Negex  # noqa: F401 - registers the component
    from negspacy.termsets import termset

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    ruler = pipeline.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "FINDING", "pattern": term} for term in load_lexicon().terms()])
    pipeline.add_pipe("negex", config={"neg_termset": termset("en_clinical").get_patterns(), "ent_types": ["FINDING"]})
    return pipeline


def exhaust(things: Iterable[object]) -> None:
    """Go through `things`."""
    for _ in things:
        pass
