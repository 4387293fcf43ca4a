"""Normal forms: many wordings of one observation are one concept; denial, side and size are never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.extractors.rules import RulesExtractor
from ingest.report import Section
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from tests.support.reports import write_csv


def concepts(*texts: str) -> set[str]:
    return {
        mention.facets.text
        for text in texts
        for mention in RulesExtractor().mentions([Section("findings", f"{text}.")])
    }


@pytest.mark.parametrize(
    ("texts", "concept"),
    [
        (["Enlarged heart", "The heart is enlarged", "Cardiac enlargement", "Heart enlarged"], "cardiomegaly"),
        (["Fracture of the rib", "Rib fracture"], "rib fracture"),
        (["Lungs are clear", "Clear lungs", "The lungs remain clear"], "clear lungs"),
        (
            ["Small left-sided pleural effusion", "Small left effusion", "small L effusion"],
            "small left pleural effusion",
        ),
        (["RLL opacity", "Opacity in the right lower lobe"], "right lower lobe opacity"),
        (["Pulmonary oedema", "Pulmonary edema"], "pulmonary edema"),
        (["No PTX", "No pneumothorax", "Pneumothorax: none"], "no pneumothorax"),
    ],
)
def test_wordings_of_one_observation_are_one_concept(texts: list[str], concept: str) -> None:
    assert concepts(*texts) == {concept}


def test_denial_side_and_size_hold_apart() -> None:
    apart = ["Small left effusion", "Small right effusion", "Large left effusion", "No effusion", "Left effusion"]
    assert len(concepts(*apart)) == len(apart)


class TestInTheKnowledgeBase:
    @pytest.fixture
    def ward(self, kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
        findings = [
            "Enlarged heart. 3 mm nodule.",
            "The heart is enlarged.",
            "ETT 4.5 cm above the carina. Velvet rim.",
        ]
        rows = [{"uid": str(n), "findings": text, "impression": ""} for n, text in enumerate(findings)]
        ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)], IngestOptions())
        return kb

    def test_wordings_tell_what_was_brought_together(self, ward: KnowledgeBase) -> None:
        first = ward.vocabulary.wordings()[0]
        assert (first["text"], first["wordings"], first["mentions"]) == ("cardiomegaly", 2, 2)
        assert first["worded"] == ["enlarged heart", "heart enlarged"]

    def test_queries_read_kinds_and_measurements(self, ward: KnowledgeBase) -> None:
        with Views(ward) as session:
            kinds = session.run("SELECT finding, kind FROM concepts ORDER BY finding").rows()
            measured = session.run(
                "SELECT finding, m.measurement.value AS value, m.measurement.unit AS unit FROM "
                "(SELECT finding, unnest(measurements) AS measurement FROM observations) m ORDER BY value"
            ).rows()
        assert {row["finding"]: row["kind"] for row in kinds} == {
            "cardiomegaly": "finding",
            "endotracheal tube": "device",
            "nodule": "finding",
            "velvet rim": "other",
        }
        assert measured == [
            {"finding": "nodule", "value": 3.0, "unit": "mm"},
            {"finding": "endotracheal tube", "value": 4.5, "unit": "cm"},
        ]
