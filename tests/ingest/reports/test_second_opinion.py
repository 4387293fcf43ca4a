"""A second opinion: what two extractors both find is kept; what differs waits, with both readings, for a decision."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extractors.load import make_extractor
from ingest.extractors.protocol import Extraction
from ingest.extractors.rules import RulesExtractor
from ingest.extractors.second_opinion import SecondOpinion
from ingest.mention import Mention
from ingest.report import Section
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.curation.review.dispute_screen import DisputeApp
from kb.curation.review.dispute_session import DisputeSession
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.chat_endpoint import ChatEndpoint, Misbehaves, Raw, Said, Sections, said
from tests.support.loops import in_its_own_loop
from tests.support.reports import write_csv

TEXT = "Small left effusion. No pneumothorax. Possible mass. The heart is enlarged."


def model_says(sections: Sections, nth: int) -> list[Said]:
    """What the model finds beside the rules: an effusion alike, a pneumothorax that is there, no heart, a rib."""
    if "Rib" not in sections["findings"]:
        return [said("findings", "effusion", assertion="absent")]
    return [
        said("findings", "Small left effusion"),
        said("findings", "pneumothorax"),
        said("findings", "mass", assertion="uncertain", certainty="possible"),
        said("findings", "Rib"),
    ]


def options(endpoint: ChatEndpoint, **more: Any) -> ExtractorOptions:
    rules = ExtractorOptions(name="rules")
    return ExtractorOptions(name="llm", model=endpoint.model, concurrency=2, timeout_s=20.0, second=rules, **more)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = [{"uid": "a", "findings": f"{TEXT} Rib.", "impression": ""}]
    rows += [{"uid": f"r{n}", "findings": f"No effusion. {n}", "impression": ""} for n in range(4)]
    return write_csv(tmp_path / "reports.csv", rows)


def ingest(kb: KnowledgeBase, source: Path, endpoint: ChatEndpoint, remine: bool = False, **more: Any) -> Any:
    return ingest_reports(kb, [source], IngestOptions(extractor=options(endpoint, **more), remine=remine))


def texts(kb: KnowledgeBase, report_id: str = "a") -> dict[str, str]:
    rows = kb.dataset("observations").to_table(filter=f"report_id = '{report_id}'").to_pylist()
    return {row["text"]: row["assertion"] for row in rows}


class TestWhatIsKept:
    def test_what_both_find_is_an_observation_and_what_differs_is_not(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(model_says) as endpoint:
            result = ingest(kb, source, endpoint)
        assert texts(kb) == {"Small left effusion": "present", "mass": "uncertain"}
        assert result.opinions == {"agreed": 6, "only llm": 1, "only rules": 1, "other assertion": 1}
        assert result.to_dict()["opinions"] == result.opinions
        assert kb.status().disputed == 3

    def test_both_readings_are_kept_with_their_evidence(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(model_says) as endpoint:
            ingest(kb, source, endpoint)
        pneumothorax, heart, rib = kb.disputed()
        assert (pneumothorax.kind, heart.kind, rib.kind) == ("other assertion", "only rules", "only llm")
        assert {one.by: one.assertion for one in pneumothorax.readings} == {"llm": "present", "rules": "absent"}
        assert {one.by: one.concept for one in pneumothorax.readings} == {
            "llm": "pneumothorax",
            "rules": "no pneumothorax",
        }
        for dispute in (pneumothorax, heart, rib):
            for one in dispute.readings:
                assert " ".join(dispute.sentence[start:end] for start, end in one.spans) == one.text
        assert (heart.sentence, rib.sentence) == ("The heart is enlarged.", "Rib.")
        found = {concept["text"] for concept in kb.vocabulary.list()}
        assert not found & {"pneumothorax", "no pneumothorax", "cardiomegaly"}  # nothing that nobody decided on

    def test_of_texts_that_are_not_stored_the_words_of_the_concept_stay(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(model_says) as endpoint:
            ingest_reports(kb, [source], IngestOptions(extractor=options(endpoint), store_text=False))
        assert [(one.sentence, one.readings[0].text) for one in kb.disputed()][-1] == (None, "rib")

    def test_the_rules_may_come_first(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(model_says) as endpoint:
            asked = ExtractorOptions(name="llm", model=endpoint.model, timeout_s=20.0)
            result = ingest_reports(kb, [source], IngestOptions(extractor=ExtractorOptions(second=asked)))
        assert result.opinions == {"agreed": 6, "only llm": 1, "only rules": 1, "other assertion": 1}
        assert result.usage.requests == 5
        assert [one.by for one in kb.disputed()[0].readings] == ["rules", "llm"]

    @pytest.mark.soak
    def test_a_report_that_one_of_them_cannot_mine_is_rejected_and_tried_again(
        self, kb: KnowledgeBase, source: Path
    ) -> None:
        def mines(sections: Sections, nth: int) -> list[Said] | Raw:
            return Raw("?") if "Rib" in sections["findings"] else model_says(sections, nth)

        with ChatEndpoint(mines) as endpoint:
            assert (ingest(kb, source, endpoint).rejected, kb.status().disputed) == (1, 0)
            endpoint.mines, endpoint.requests = model_says, []
            again = ingest(kb, source, endpoint)
        assert (again.new, again.unchanged, len(endpoint.requests), kb.status().disputed) == (1, 4, 1, 3)

    def test_the_same_twice_is_no_second_opinion(self) -> None:
        with pytest.raises(UsageError, match="a second opinion of rules on itself is none"):
            make_extractor(ExtractorOptions(second=ExtractorOptions()))
        with pytest.raises(UsageError, match="there is no extractor 'ruls'"):
            make_extractor(ExtractorOptions(second=ExtractorOptions(name="ruls")))

    @pytest.mark.soak
    def test_two_models_are_told_apart(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(model_says) as endpoint, ChatEndpoint(lambda *_: [said("findings", "heart")]) as other:
            second = ExtractorOptions(name="llm", model=f"another@{other.url}", timeout_s=20.0)
            first = ExtractorOptions(name="llm", model=endpoint.model, timeout_s=20.0, second=second)
            result = ingest_reports(kb, [source], IngestOptions(extractor=first))
        assert set(result.opinions) == {"agreed", "only llm", "only llm#2"}
        assert (result.usage.requests, result.usage.model) == (10, "tiny-llm and another")


class TestDecisions:
    @pytest.fixture
    def disputed(self, kb: KnowledgeBase, source: Path) -> KnowledgeBase:
        with ChatEndpoint(model_says) as endpoint:
            ingest(kb, source, endpoint)
        return kb

    @pytest.mark.soak
    def test_the_reading_that_is_kept_becomes_an_observation_with_its_concept(self, disputed: KnowledgeBase) -> None:
        pneumothorax, heart, rib = (one.dispute_id for one in disputed.disputed())
        done = disputed.decide({pneumothorax: "rules", heart[:7]: "rules", rib: "none"}, by="ada", why="read again")
        assert (dict(done.decisions), done.new_concepts) == ({"rules": 2, "none": 1}, 2)
        assert texts(disputed)["pneumothorax"] == "absent" and texts(disputed)["heart enlarged"] == "present"
        assert not disputed.disputed() and disputed.status().disputed == 0
        decided = disputed.disputed(all_of_them=True)
        assert {(one.decision, one.author, one.reason) for one in decided} >= {("none", "ada", "read again")}
        assert not [problem for problem in disputed.check() if problem.severity == "error"]
        assert (disputed.commit.operation, disputed.commit.author) == ("observations decide", "ada")

    @pytest.mark.soak
    def test_a_decision_can_be_taken_again_and_taken_back(self, disputed: KnowledgeBase) -> None:
        before = texts(disputed)
        dispute = disputed.disputed()[0].dispute_id
        for to in ("rules", "llm", "none", "llm", "open"):
            disputed.decide({dispute: to})
            kept = {"rules": {"pneumothorax": "absent"}, "llm": {"pneumothorax": "present"}}.get(to, {})
            assert texts(disputed) == before | kept
        assert disputed.decide({dispute: "open"}).commit is None  # it is so already
        assert len(disputed.disputed()) == 3

    def test_a_dry_run_decides_nothing(self, disputed: KnowledgeBase) -> None:
        dispute = disputed.disputed()[0].dispute_id
        assert dict(disputed.decide({dispute: "llm"}, dry_run=True).decisions) == {"llm": 1}
        assert len(disputed.disputed()) == 3 and "pneumothorax" not in texts(disputed)

    @pytest.mark.parametrize(
        ("decision", "told"),
        [
            ({"D00": "llm"}, "no disputed statement begins with 'D00'"),
            ({"D": "llm"}, "no disputed statement begins with 'D'"),
            ({None: "scispacy"}, "choose one of llm, rules, none, open"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_nothing_is_decided(
        self, disputed: KnowledgeBase, decision: Mapping[str | None, str], told: str
    ) -> None:
        first, second, *_ = (one.dispute_id for one in disputed.disputed())
        wrong = {first if of is None else of: to for of, to in decision.items()}
        with pytest.raises(UsageError, match=told):
            disputed.decide({second: "none", **wrong})
        assert len(disputed.disputed()) == 3

    @pytest.mark.soak
    def test_the_same_file_again_asks_nobody_and_keeps_what_was_decided(
        self, disputed: KnowledgeBase, source: Path
    ) -> None:
        disputed.decide({disputed.disputed()[0].dispute_id: "rules"})
        before = texts(disputed)
        with ChatEndpoint(model_says) as endpoint:
            result = ingest(disputed, source, endpoint)
            assert (result.unchanged, result.commit, endpoint.requests) == (5, None, [])
        assert texts(disputed) == before and len(disputed.disputed()) == 2

    @pytest.mark.soak
    def test_mined_again_with_the_same_readings_a_decision_still_holds(
        self, disputed: KnowledgeBase, source: Path
    ) -> None:
        first, second, _ = (one.dispute_id for one in disputed.disputed())
        disputed.decide({first: "rules", second: "none"}, by="ada")
        before = texts(disputed)
        with ChatEndpoint(model_says) as endpoint:
            result = ingest(disputed, source, endpoint, remine=True, seed=7)
        assert (result.changed, result.opinions["decided before"]) == (5, 2)
        assert texts(disputed) == before
        assert {one.author for one in disputed.disputed(all_of_them=True)} == {"ada", None}

    @pytest.mark.soak
    def test_of_a_report_that_changed_the_old_differences_go(self, disputed: KnowledgeBase, source: Path) -> None:
        write_csv(source, [{"uid": "a", "findings": "No effusion.", "impression": ""}])
        with ChatEndpoint(model_says) as endpoint:
            ingest(disputed, source, endpoint)
        assert texts(disputed) == {"effusion": "absent"} and not disputed.disputed(all_of_them=True)

    @pytest.mark.soak
    def test_on_the_screen_a_key_is_a_decision(self, disputed: KnowledgeBase) -> None:
        session = DisputeSession(state=disputed, items=disputed.disputed(), by="ada")

        async def walk() -> None:
            app = DisputeApp(session)
            async with app.run_test() as pilot:
                await pilot.press("2", "0", "u", "2", "s", "u", "s", "1")
                assert "That was the last one" in str(app.query_one("#readings").render())

        in_its_own_loop(walk())
        assert session.decided == 2
        decisions = {one.readings[0].text: one.decision for one in disputed.disputed(all_of_them=True)}
        assert decisions == {"pneumothorax": "rules", "heart enlarged": None, "Rib": "llm"}


class TestTheCommands:
    @pytest.mark.soak
    def test_from_an_ingest_to_decisions_in_a_file(self, cli: Callable[..., Any], source: Path) -> None:
        with ChatEndpoint(model_says) as endpoint:
            ask = ["ingest", "reports", source, "--second", "llm", "--llm-endpoint", endpoint.model, "--no-embed"]
            printed = cli(*ask).stdout
            assert "6 agreed, 1 only llm, 1 only rules, 1 other assertion: clear-kb observations review" in printed
            again = json.loads(cli(*ask, "--format", "json").stdout)
        assert (again["unchanged"], again["usage"]["requests"]) == (5, 0)
        assert "3 to decide: clear-kb observations review" in cli("status").stdout
        listed = cli("observations", "disputed", "--format", "csv").stdout
        rows = list(csv.DictReader(listed.splitlines()))
        assert rows[0]["readings"] == "rules: absent 'pneumothorax'; llm: present 'pneumothorax'"
        for row, to in zip(rows, ("llm", "none", ""), strict=True):
            row["decision"] = to
        filled = source.parent / "decided.csv"
        with filled.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        assert "1 as llm reads them, 1 dropped" in cli("observations", "decide", "--from", filled).stdout
        left = json.loads(cli("observations", "disputed", "--format", "json").stdout)
        assert [one["kind"] for one in left] == ["only llm"]
        cli("observations", "decide", left[0]["dispute_id"], "--keep", "llm", "--why", "seen")
        assert cli("observations", "review").stderr == "there is nothing to decide\n"
        assert "1 as llm reads them" not in cli("observations", "decide", "--from", filled).stdout

    @pytest.mark.soak
    def test_what_is_wrong_is_said_in_a_line(self, cli: Callable[..., Any], source: Path) -> None:
        cli("ingest", "reports", source, "--no-embed")
        assert cli("observations", "disputed").stderr == "there is nothing to decide\n"
        assert "name statements and --keep" in cli("observations", "decide", code=2).stderr
        assert "no columns dispute_id" in cli("observations", "decide", "--from", source, code=2).stderr
        done = cli("ingest", "reports", source, "--second", "rules", code=2)
        assert done.stderr == "error: a second opinion of rules on itself is none: name another extractor or model\n"
        done = cli("ingest", "reports", source, "--second-model", "x", code=2)
        assert "--second names what gives it" in done.stderr


class Fixed:
    """An extractor that finds what it is told to, in every report."""

    languages = None
    chunk_reports = 10
    in_processes = False
    usage = None
    estimate = None
    broken = None

    def rehearsal(self) -> Fixed:
        return self

    def __init__(self, name: str, mentions: list[Mention]):
        self.name, self.fingerprint, self._mentions = name, name, mentions

    def extract(self, reports: Any) -> list[Extraction]:
        return [Extraction(self._mentions) for _ in reports]


WORDS = ["effusion", "no mass", "possible nodule", "small pneumothorax", "enlarged heart"]
FOUND = [RulesExtractor().mentions([Section("findings", f"{'. ' * at}{word}.")]) for at, word in enumerate(WORDS * 2)]
MENTIONS = st.lists(st.sampled_from([mention for found in FOUND for mention in found]), max_size=6)


@given(MENTIONS, MENTIONS)
def test_every_statement_of_both_is_kept_or_waits_and_none_is_lost(one: list[Mention], other: list[Mention]) -> None:
    (found,) = SecondOpinion(Fixed("a", one), Fixed("b", other)).extract([[Section("findings", "x")]])
    waiting = [reading for differing in found.differing for reading in differing.readings.items()]
    of_a = [*found.mentions, *(mention for name, mention in waiting if name == "a")]
    assert sorted(map(repr, of_a)) == sorted(map(repr, one))
    assert len(found.mentions) + sum(name == "b" for name, _ in waiting) == len(other)
    (turned,) = SecondOpinion(Fixed("b", other), Fixed("a", one)).extract([[Section("findings", "x")]])
    assert (len(turned.mentions), len(turned.differing)) == (len(found.mentions), len(found.differing))


@pytest.mark.soak
def test_an_endpoint_that_goes_away_keeps_what_both_have_said(kb: KnowledgeBase, source: Path) -> None:
    def mines(sections: Sections, nth: int) -> list[Said]:
        if "Rib" in sections["findings"]:
            return model_says(sections, nth)
        raise Misbehaves(500, headers={"retry-after-ms": "5"})

    rows = [{"uid": "a", "findings": f"{TEXT} Rib.", "impression": ""}]
    rows += [{"uid": f"r{n}", "findings": f"No effusion. {n}", "impression": ""} for n in range(30)]
    write_csv(source, rows)
    with ChatEndpoint(mines) as endpoint:
        with pytest.raises(ClearKbError, match="the same command goes on"):
            ingest(kb, source, endpoint, max_retries=0)
        assert kb.status().disputed == 0
        endpoint.mines, endpoint.requests = model_says, []
        result = ingest(kb, source, endpoint)
    assert len(endpoint.requests) == 30 and kb.status().disputed == 3
    assert result.opinions == {"agreed": 32, "only llm": 1, "only rules": 1, "other assertion": 1}
