"""What mining puts aside, and that it comes in by itself once the tables know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder
from kb.vocabulary.check import check
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts
from tests.support.curated import concept_id
from tests.support.reports import write_csv

RIM, HERNIA = concept_id("velvet rim"), concept_id("hiatal hernia")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    findings = ("Velvet rim. Hiatal hernia.", "Velvet rim.")
    rows = [{"uid": str(at), "findings": text, "impression": ""} for at, text in enumerate(findings)]
    return write_csv(tmp_path / "reports.csv", rows)


def leave_aside(kb: KnowledgeBase) -> None:
    """The hernia as tables that did not know it would have left it."""
    edit = {"before": {"status": "candidate"}, "after": {"status": "aside"}}
    kb.curate.apply({"format": "clear-kb vocabulary patch 2", "edits": {HERNIA: edit}})


class TestPutAside:
    def test_what_is_no_whole_observation_keeps_its_evidence_and_is_not_listed(
        self, kb: KnowledgeBase, source: Path
    ) -> None:
        result = ingest_reports(kb, [source])
        assert (result.new_concepts, result.put_aside, result.taken_in) == (2, 1, 0)
        assert {row["concept_id"]: row["mentions"] for row in kb.vocabulary.list()} == {HERNIA: 1}
        (aside,) = kb.vocabulary.list(status="aside")
        assert (aside["concept_id"], aside["mentions"], aside["reports"]) == (RIM, 2, 2)
        assert kb.vocabulary.evidence(RIM)[0].sentence == "Velvet rim."
        assert check(kb) == []

    def test_what_a_curator_decided_on_it_stands(self, kb: KnowledgeBase, source: Path, tmp_path: Path) -> None:
        ingest_reports(kb, [source])
        kb.curate.accept(RIM)
        more = write_csv(tmp_path / "more.csv", [{"uid": "9", "findings": "Velvet rim.", "impression": ""}])
        ingest_reports(kb, [more])
        assert (kb.vocabulary.get(RIM).status, kb.vocabulary.counts()[RIM].mentions) == ("accepted", 3)

    def test_the_command_line_counts_it(self, source: Path, cli) -> None:
        told = cli("ingest", "reports", source, "--kb", "x.kb", "--no-embed").stdout
        assert "2, 1 of them put aside: clear-kb vocab list --status aside --kb x.kb" in " ".join(told.split())


class TestTakenIn:
    """A row was added to a table: what earlier tables put aside is well formed now, and its id is the same."""

    def before(self, kb: KnowledgeBase, **fields: str) -> None:
        add_concepts(kb, ["hiatal hernia"], **{"status": "aside", "source": "rules", **fields})

    def test_it_becomes_a_candidate_by_a_change(self, kb: KnowledgeBase, source: Path) -> None:
        self.before(kb)
        result = ingest_reports(kb, [source], by="ada")
        assert (result.new_concepts, result.put_aside, result.taken_in) == (1, 1, 1)
        assert (kb.vocabulary.get(HERNIA).status, kb.vocabulary.get(RIM).status) == ("candidate", "aside")
        (change,) = kb.changes(HERNIA)
        assert (change.act, change.author) == ("take in", "ada")
        assert change.line().endswith("is no longer put aside (well formed by the tables as they are now)")
        assert (len(kb.log()), kb.log()[0].summary["taken_in"]) == (3, 1), "it is part of the commit of the ingest"
        kb.curate.revert(change.change_id)
        assert kb.vocabulary.get(HERNIA).status == "aside"

    def test_stored_reports_take_it_in_when_they_are_mined_again(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source])
        leave_aside(kb)
        assert (ingest_reports(kb, [source]).taken_in, kb.vocabulary.get(HERNIA).status) == (0, "aside")
        again = IngestOptions(sections=("findings",), remine=True)
        assert (ingest_reports(kb, [source], again).taken_in, kb.vocabulary.get(HERNIA).status) == (1, "candidate")
        assert check(kb) == []

    @pytest.mark.parametrize(
        "fields", [{"status": "rejected"}, {"status": "retired"}, {"source": "curator"}, {"source": "x.csv"}]
    )
    def test_what_a_person_decided_or_brought_stays(
        self, kb: KnowledgeBase, source: Path, fields: dict[str, str]
    ) -> None:
        self.before(kb, **fields)
        assert ingest_reports(kb, [source]).taken_in == 0
        assert kb.vocabulary.get(HERNIA).status == fields.get("status", "aside")
        assert kb.changes() == []

    def test_a_dry_run_counts_it_and_changes_nothing(self, kb: KnowledgeBase, source: Path) -> None:
        self.before(kb)
        assert ingest_reports(kb, [source], dry_run=True).taken_in == 1
        assert KnowledgeBase.open(kb.uri).vocabulary.get(HERNIA).status == "aside"

    def test_its_vector_stays(self, kb: KnowledgeBase, source: Path, tiny_model: Path) -> None:
        self.before(kb)
        embedder = load_embedder(str(tiny_model))
        embed_concepts(kb, embedder)
        result = ingest_reports(kb, [source], embedder=lambda: embedder)
        assert (result.taken_in, result.embeddings_computed, kb.status().not_embedded) == (1, 1, 0)
