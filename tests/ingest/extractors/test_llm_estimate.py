"""A dry run of an ingest that would ask a language model: nobody is asked, and what it would cost is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.extractors.llm.llm_extractor import prompts_of
from ingest.extractors.llm.tokens import answer_tokens, prompt_tokens
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase
from tests.support.chat_endpoint import ChatEndpoint, Misbehaves, Said, Sections, said
from tests.support.reports import write_csv


def effusion(sections: Sections, nth: int) -> list[Said]:
    return [said("findings", "effusion", assertion="absent")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = [{"uid": f"r{n}", "findings": f"No effusion. {n}", "impression": ""} for n in range(30)]
    return write_csv(tmp_path / "reports.csv", rows)


def ingest(kb: KnowledgeBase, source: Path, endpoint: ChatEndpoint, dry_run: bool = True, **more: Any) -> Any:
    asked = ExtractorOptions(name="llm", model=endpoint.model, **{"concurrency": 2, "timeout_s": 20.0, **more})
    return ingest_reports(kb, [source], IngestOptions(extractor=asked), dry_run=dry_run)


def test_nobody_is_asked_and_nothing_is_stored(kb: KnowledgeBase, source: Path) -> None:
    with ChatEndpoint(effusion) as endpoint:
        result = ingest(kb, source, endpoint, price=(2.0, 10.0))
        assert endpoint.requests == endpoint.asked_versions == []
    assert (result.new, result.commit, result.usage, result.observations) == (30, None, None, 0)
    found = result.estimate
    assert (found.reports, found.requests, found.model, found.staged) == (30, 30, "tiny-llm", 0)
    constant = prompt_tokens(prompts_of(ExtractorOptions(name="llm"))[0].system)
    assert found.shared_tokens == 30 * constant < found.input_tokens < 30 * (constant + 20)
    answer = json.dumps({"observations": [said("findings", "effusion", assertion="present")]})
    assert found.output_tokens == 30 * answer_tokens(answer)
    assert found.cost == pytest.approx((found.input_tokens * 2 + found.output_tokens * 10) / 1e6)


def test_several_reports_in_a_request_need_fewer_of_them(kb: KnowledgeBase, source: Path) -> None:
    with ChatEndpoint(effusion) as endpoint:
        one, ten = (ingest(kb, source, endpoint, batch=batch).estimate for batch in (1, 10))
    assert (one.requests, ten.requests) == (30, 3)
    assert ten.input_tokens < one.input_tokens / 5 and ten.output_tokens == one.output_tokens


@pytest.mark.soak
def test_what_is_stored_is_not_asked_about(kb: KnowledgeBase, source: Path) -> None:
    with ChatEndpoint(effusion) as endpoint:
        ingest(kb, source, endpoint, dry_run=False)
        rows = [{"uid": f"r{n}", "findings": f"No effusion. {n}", "impression": ""} for n in range(32)]
        write_csv(source, rows)
        result = ingest(kb, source, endpoint)
    assert (result.unchanged, result.new, result.estimate.reports) == (30, 2, 2)


@pytest.mark.soak
def test_of_an_interrupted_run_only_the_rest_is_counted_and_the_run_goes_on_all_the_same(
    kb: KnowledgeBase, source: Path
) -> None:
    def mines(sections: Sections, nth: int) -> list[Said]:
        if int(sections["findings"].split()[-1]) >= 16:
            raise Misbehaves(500, headers={"retry-after-ms": "5"})
        return effusion(sections, nth)

    with ChatEndpoint(mines) as endpoint:
        with pytest.raises(ClearKbError, match="the same command goes on"):
            ingest(kb, source, endpoint, dry_run=False, max_retries=0)
        for _ in range(2):
            found = ingest(kb, source, endpoint, max_retries=0).estimate
            assert (found.reports, found.requests, found.staged) == (14, 14, 16)
        endpoint.mines, endpoint.requests = effusion, []
        result = ingest(kb, source, endpoint, dry_run=False)
    assert (result.new, len(endpoint.requests)) == (30, 14)


@pytest.mark.soak
def test_the_time_is_told_at_the_rate_of_an_earlier_commit_of_the_model(kb: KnowledgeBase, source: Path) -> None:
    with ChatEndpoint(effusion) as endpoint:
        assert ingest(kb, source, endpoint).estimate.seconds is None
        commit = ingest(kb, source, endpoint, dry_run=False).commit
        told = commit.summary
        assert (told["model"], told["asked"], told["requests"], told["input_tokens"]) == ("tiny-llm", 30, 30, 3000)
        found = ingest(kb, source, endpoint, seed=1).estimate  # all is as stored: nothing to ask
        assert (found.reports, found.seconds, found.rate_of) == (0, 0.0, commit.commit_id)
        asked = ExtractorOptions(name="llm", model=endpoint.model, seed=1)
        again = ingest_reports(kb, [source], IngestOptions(extractor=asked, remine=True), dry_run=True).estimate
        assert (again.reports, again.seconds) == (30, told["mining_seconds"])


def test_a_second_opinion_of_a_model_is_estimated_too(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = [{"uid": "a", "findings": "No effusion.", "impression": ""}]
    rows += [{"uid": "b", "findings": "Kleiner Erguss rechts. Kein Pneumothorax.", "impression": ""}]
    source = write_csv(tmp_path / "reports.csv", rows)
    with ChatEndpoint(effusion) as endpoint:
        llm = ExtractorOptions(name="llm", model=endpoint.model)
        for options, asked in (
            (ExtractorOptions(second=llm), 1),  # what the rules cannot read is not asked about
            (ExtractorOptions(name="llm", model=endpoint.model, second=ExtractorOptions()), 2),
        ):
            result = ingest_reports(kb, [source], IngestOptions(extractor=options), dry_run=True)
            assert (result.estimate.reports, result.opinions, result.rejected) == (asked, {}, 1)
        assert endpoint.requests == []


def test_a_dry_run_of_the_rules_mines_as_ever(kb: KnowledgeBase, source: Path) -> None:
    result = ingest_reports(kb, [source], dry_run=True)
    assert (result.new, result.observations, result.estimate) == (30, 30, None)


def test_the_command_tells_it_in_words_and_as_data(cli: Callable[..., Any], source: Path) -> None:
    with ChatEndpoint(effusion) as endpoint:
        ask = ["ingest", "reports", source, "--extractor", "llm", "--model", endpoint.model, "--dry-run"]
        printed = cli(*ask, "--llm-price", "2,10").stdout
        for told in (
            "30 reports of tiny-llm, in 30 requests",
            "of them the same in every request",
            "not known: no commit here tells the rate of tiny-llm",
            "none: a dry run, nobody was asked",
        ):
            assert told in printed
        assert "--llm-price IN,OUT shows it" in cli(*ask).stdout
        data = json.loads(cli(*ask, "--llm-batch", "10", "--format", "json").stdout)
        assert (data["estimate"]["requests"], data["estimate"]["cost"], data["usage"]) == (3, None, None)
        assert endpoint.requests == []
