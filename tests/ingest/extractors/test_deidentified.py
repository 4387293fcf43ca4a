"""What is mined holds nobody's name, whichever extractor mines, unless that is asked for."""

from __future__ import annotations

from pathlib import Path

from ingest.extractors.load import make_extractor
from ingest.report import Section
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.knowledge_base import KnowledgeBase
from tests.support.reports import write_csv

TOLD = "Mr QUAGGAWORD was told. Small left pleural effusion of Dr. Smith. No pneumothorax."


def mined(**options: bool) -> list[tuple[str, str]]:
    extractor = make_extractor(ExtractorOptions(**options))
    (found,) = extractor.extract([[Section("findings", TOLD)]])
    return [(" ".join(TOLD[a:b] for a, b in one.spans), one.facets.text) for one in found.mentions]


def test_a_mention_keeps_its_finding_and_the_place_of_it_without_the_name() -> None:
    assert mined() == [
        ("Small left pleural effusion", "small left pleural effusion"),
        ("pneumothorax", "no pneumothorax"),
    ]


def test_identifiers_stay_where_that_is_asked_for() -> None:
    assert any("quaggaword" in concept or "smith" in concept for _, concept in mined(keep_identifiers=True))


def test_the_two_ways_are_told_apart_by_what_is_stored_with_a_report() -> None:
    shown, plain = (make_extractor(ExtractorOptions(keep_identifiers=kept)).fingerprint for kept in (False, True))
    assert shown.startswith(plain) and shown != plain


def test_without_stored_texts_no_byte_of_a_knowledge_base_holds_the_name(kb: KnowledgeBase, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "reports.csv", [{"uid": "a", "findings": TOLD, "impression": ""}])
    ingest_reports(kb, [source], IngestOptions(store_text=False))
    files = [path for path in Path(kb.uri).rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes().lower()
        assert b"quaggaword" not in content and b"smith" not in content, path
