"""De-identification: planted identifiers that reach no byte of a knowledge base or an export, and what mining loses.

    python -m bench deidentification

Reports of `bench.planted_identifiers` are ingested without their texts and exported; an identifier counts as met where
a word of it stands in an observation of its report, in the concept of one, or in the export.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.accuracy import annotated_sets, score
from bench.measure import Row, score_row
from bench.planted_identifiers import DEV, FINDINGS, HELD_OUT, Planted, Style, planted
from ingest.extractors.load import make_extractor
from ingest.identifiers.identifiers import identifiers_in
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.exchange.formats import export_vocabulary
from kb.knowledge_base import KnowledgeBase

REPORTS = 600
SEED = 20
_WORD = re.compile(r"[^\W_]{2,}")
_CLINICAL = frozenset(word.lower() for text in FINDINGS for word in _WORD.findall(text)) | {
    "st",
    "mary",
    "march",
    "pm",
    "general",
}


def run() -> list[Row]:
    """Recall in what is stored and exported, in the texts, and F1 with and without."""
    rows = []
    for name, style in (("dev", DEV), ("held out", HELD_OUT)):
        rows += _recall(name, style)
    return [*rows, *_f1()]


def _recall(name: str, style: Style) -> list[Row]:
    reports = planted(style, REPORTS, seed=SEED)
    total = sum(len(report.identifiers) for report in reports)
    kept_out = {kept: total - _stored(reports, keep_identifiers=kept) for kept in (False, True)}
    in_text = total - sum(_left_in_text(report) for report in reports)
    against = f"{total:,} planted in {REPORTS} reports, seed {SEED}"
    off = f"{kept_out[True] / total:.4f} with --keep-identifiers"
    stored, mined = "in no concept, mention or export", "taken out of the text that is mined"
    return [
        score_row(f"planted identifiers {stored}, {name}", kept_out[False] / total, off, against, digits=4),
        score_row(f"planted identifiers {mined}, {name}", in_text / total, "", against, digits=4),
    ]


def _stored(reports: Sequence[Planted], *, keep_identifiers: bool) -> int:
    """How many identifiers have a word in what an ingest stores of the reports and an export of it writes."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "reports.csv", Path(folder) / "out.jsonl"
        with source.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["report_id", "findings"])
            writer.writerows([f"r{at}", report.text] for at, report in enumerate(reports))
        base = KnowledgeBase.create(Path(folder) / "planted.kb", by="bench")
        options = IngestOptions(store_text=False, extractor=ExtractorOptions(keep_identifiers=keep_identifiers))
        ingest_reports(base, [source], options, by="bench")
        concepts = base.dataset("concepts").to_table().to_pylist()
        told = base.dataset("observations").to_table(columns=["report_id", "concept_id", "text"]).to_pylist()
        export_vocabulary(base, out)
        said = {row["concept_id"]: f"{row['text']} {row['normal_form']} {row['synonyms']}" for row in concepts}
        exported = out.read_text(encoding="utf-8").lower()
        of_report: dict[str, str] = {}
        for row in told:
            words = f"{of_report.get(row['report_id'], '')} {row['text']} {said[row['concept_id']]}"
            of_report[row["report_id"]] = words.lower()
        return sum(
            _is_met(one, of_report.get(f"r{at}", "")) or _is_met(one, exported)
            for at, report in enumerate(reports)
            for one in report.identifiers
        )


def _is_met(identifier: str, text: str) -> bool:
    """Whether a word of a name, or a number as it was planted, stands in a text."""
    lower = identifier.lower()
    if any(letter.isdigit() for letter in lower):
        return re.search(rf"(?<!\w){re.escape(lower)}(?!\w)", text) is not None and len(lower) > 3
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in set(_WORD.findall(lower)) - _CLINICAL)


def _left_in_text(report: Planted) -> int:
    return _left(report, identifiers_in(report.text))


def _left(report: Planted, spans: Sequence[tuple[int, int]]) -> int:
    """How many identifiers of a report are not covered by spans, in one of their words."""
    covered = {at for start, end in spans for at in range(start, end)}
    left = 0
    for identifier in report.identifiers:
        found = report.text.find(identifier)
        words = [m.span() for m in _WORD.finditer(identifier) if m[0].lower() not in _CLINICAL]
        left += any(found + place not in covered for start, end in words for place in range(start, end))
    return left


def _f1() -> list[Row]:
    plain, shown = (make_extractor(ExtractorOptions(keep_identifiers=kept)) for kept in (True, False))
    rows = []
    for name, reports in annotated_sets():
        before, after = (score(reports, lambda s, by=by: by.extract([s])[0].mentions).f1 for by in (plain, shown))
        rows.append(score_row(f"observation F1 with de-identification, {name}", after, "", f"{before:.3f} without"))
    return rows
