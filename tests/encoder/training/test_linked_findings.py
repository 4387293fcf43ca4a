"""Which findings may be one another by what curators linked them with."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.training.linked_findings import linked_findings
from encoder.training.statements import HOLDS, UNKNOWN
from encoder.training.training_data import read_study
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.mappings import mapping_row
from tests.support.curated import concept_id
from tests.support.reports import write_csv
from tests.support.tables import fill


def row(finding: str, *links: str) -> dict[str, object]:
    """A concept of a finding, linked as "exact X" says, or "exact X Not"."""
    made = [mapping_row(of, f"skos:{kind}Match", modifier=denied or None) for kind, of, denied in map(parts, links)]
    return {"finding": finding, "mappings": made}


def parts(link: str) -> tuple[str, str, str]:
    kind, of, *denied = link.split()
    return kind, of, "".join(denied)


def test_the_same_outside_concept_or_a_broader_one_links_two_findings() -> None:
    assert linked_findings([row("halo", "exact X:1"), row("rim", "close X:1")]) == [("halo", "rim"), ("rim", "halo")]
    assert linked_findings([row("opacity", "exact X:1"), row("rim", "broad X:1")]) == [("opacity", "rim")]


def test_a_broader_one_in_common_or_a_related_one_links_nothing() -> None:
    assert linked_findings([row("halo", "broad X:1"), row("rim", "broad X:1")]) == []
    assert linked_findings([row("halo", "exact X:1"), row("rim", "related X:1"), row("nodule", "exact X:2")]) == []


def test_a_denied_link_links_nothing() -> None:
    assert linked_findings([row("halo", "exact X:1"), row("rim", "exact X:1 Not")]) == []


@pytest.mark.soak
def test_a_link_of_the_vocabulary_takes_a_negative_away(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = [
        {"uid": "s1", "findings": "Hiatal hernia.", "impression": ""},
        {"uid": "s2", "findings": "Nodule.", "impression": ""},
    ]
    pictures = [{"image_id": uid, "study_id": uid, "source": "f", "kind": "png", "view": "PA"} for uid in ("s1", "s2")]
    fill(kb, images=pictures)
    ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)], IngestOptions(mapping={"id": "uid", "study": "uid"}))

    def of_the_hernia() -> list[int]:
        found = read_study(kb, embedded=False)
        columns = [found.concept_ids.index(concept_id(text)) for text in ("hiatal hernia", "nodule")]
        return found.statements.relations([0], columns)[0].tolist()

    assert of_the_hernia()[1] not in (HOLDS, UNKNOWN)
    kb.curate.map_to(concept_id("hiatal hernia"), "RADLEX:RID1", "skos:broadMatch")
    kb.curate.map_to(concept_id("nodule"), "RADLEX:RID1", "skos:exactMatch")
    assert of_the_hernia() == [HOLDS, UNKNOWN]
