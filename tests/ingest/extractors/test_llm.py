"""The `llm` extractor against a real server: what it asks, what it takes, and what it does when things go wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extractors.llm.alignment import align
from ingest.extractors.llm.answer import BadAnswer, answer_schema, read_answer
from ingest.extractors.llm.llm_extractor import LlmExtractor
from ingest.report import Section
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.chat_endpoint import ChatEndpoint, CutOff, Mines, Misbehaves, Raw, Said, Sections, said
from tests.support.loops import in_its_own_loop
from tests.support.paths import ROOT
from tests.support.reports import write_csv

PROMPT = ROOT / "ingest" / "extractors" / "llm" / "prompt.md"
SOON = {"retry-after-ms": "5"}


def options(endpoint: ChatEndpoint, **more: Any) -> ExtractorOptions:
    return ExtractorOptions(name="llm", model=endpoint.model, **{"concurrency": 4, "timeout_s": 20.0, **more})


def mined(mines: Mines, *texts: str, **more: Any) -> tuple[Any, LlmExtractor, ChatEndpoint]:
    """What the extractor makes of reports of findings alone."""
    with ChatEndpoint(mines) as endpoint:
        extractor = LlmExtractor.connect(options(endpoint, **more))
        return extractor.extract([[Section("findings", text)] for text in texts]), extractor, endpoint


def effusion(sections: Sections, nth: int) -> list[Said]:
    return [said("findings", "effusion", assertion="absent")]


class TestWhatItTakes:
    @pytest.mark.soak
    def test_a_quote_becomes_a_mention_where_it_stands(self) -> None:
        text = "Small left\npleural effusion. The heart is mildly enlarged."
        quotes = [said("findings", "small left pleural effusion"), said("findings", "heart", "mildly enlarged")]
        (found,), _, _ = mined(lambda *_: quotes, text)
        first, second = found.mentions
        assert (first.text, first.laterality, first.severity) == ("Small left\npleural effusion", "left", "Small")
        assert [text[start:end] for start, end in second.spans] == ["heart", "mildly enlarged"]
        assert (second.sentence, second.facets.finding) == (1, "cardiomegaly")
        assert text[slice(*second.sentence_span)] == "The heart is mildly enlarged."

    def test_a_foreign_quote_is_of_the_english_concept_and_keeps_its_own_words(self) -> None:
        text = "Kleiner Erguss rechts. Kein Pneumothorax."
        quotes = [
            said("findings", "Kleiner Erguss rechts", observation="small right pleural effusion"),
            said("findings", "Pneumothorax", observation="pneumothorax", assertion="absent"),
        ]
        (found,), _, _ = mined(lambda *_: quotes, text)
        first, second = found.mentions
        assert (first.text, first.laterality, first.facets.finding) == (text[:21], "right", "pleural effusion")
        assert (second.spans, second.facets.assertion) == (((28, 40),), "absent")

    def test_only_what_is_uncertain_is_less_than_definite(self) -> None:
        quotes = [
            said("findings", "nodule", certainty="probable"),
            said("findings", "mass", assertion="uncertain"),
            said("findings", "scar", assertion="uncertain", certainty="probable"),
        ]
        (found,), _, _ = mined(lambda *_: quotes, "Nodule. Mass. Scar.")
        assert [mention.certainty for mention in found.mentions] == ["definite", "possible", "probable"]

    def test_a_denied_one_belongs_to_the_denied_concept(self) -> None:
        (found,), _, _ = mined(effusion, "No effusion.")
        assert found.mentions[0].facets.text == "no pleural effusion"

    def test_what_does_not_stand_in_the_text_is_refused_and_counted(self) -> None:
        quotes = [said("findings", "pneumothorax"), said("findings", "effusion"), said("plan", "effusion")]
        (found,), extractor, _ = mined(lambda *_: quotes, "No effusion.")
        assert [mention.text for mention in found.mentions] == ["effusion"]
        assert "'pneumothorax' does not stand in findings" in found.refused[0]
        assert "'plan', which is no section" in found.refused[1]
        assert (extractor.usage.aligned, extractor.usage.refused) == (1, 2)

    def test_the_mark_of_a_removed_word_is_not_quoted(self) -> None:
        (found,), _, _ = mined(lambda *_: [said("findings", "XXXX opacity")], "XXXX opacity.")
        assert not found.mentions and "removed word" in found.refused[0]

    def test_a_word_is_not_found_within_another(self) -> None:
        (found,), _, _ = mined(lambda *_: [said("findings", "mass")], "Massive effusion.")
        assert not found.mentions and len(found.refused) == 1

    def test_a_statement_is_taken_as_often_as_it_stands_there(self) -> None:
        quotes = [said("findings", "effusion")] * 9
        (found,), extractor, _ = mined(lambda *_: quotes, "Left effusion. Right effusion.")
        assert [mention.spans for mention in found.mentions] == [((5, 13),), ((21, 29),)]
        assert found.refused == ("llm: 'effusion' is stated 7 times more than it stands in findings (a loop)",)
        assert extractor.usage.loops == 1

    def test_a_denied_one_is_not_found_within_an_affirmed_one(self) -> None:
        text = "There is a moderate effusion on the right. There is no effusion on the left."
        quotes = [said("findings", "moderate effusion"), said("findings", "effusion", assertion="absent")]
        (found,), _, _ = mined(lambda *_: quotes, text)
        assert [(m.sentence, m.assertion) for m in found.mentions] == [(0, "present"), (1, "absent")]

    def test_a_section_that_comes_twice_is_found_by_its_quote(self) -> None:
        with ChatEndpoint(lambda *_: [said("findings", "nodule")]) as endpoint:
            extractor = LlmExtractor.connect(options(endpoint))
            sections = [Section("findings#2", "Nodule."), Section("impression", "Mass.")]
            (found,) = extractor.extract([sections])
        assert [m.section for m in found.mentions] == ["findings#2"]

    def test_a_report_without_text_is_not_sent(self) -> None:
        found, _, endpoint = mined(effusion, "  ", "No effusion.")
        assert not found[0].mentions and found[1].mentions
        assert len(endpoint.requests) == 1


class TestWhatItAsks:
    def test_an_answer_of_the_schema_and_nothing_else(self) -> None:
        _, _, endpoint = mined(effusion, "No effusion.", max_tokens=77, seed=5)
        (asked,) = endpoint.requests
        schema = asked["response_format"]["json_schema"]
        assert asked["response_format"]["type"] == "json_schema" and schema["strict"]
        assert schema["schema"]["properties"] == answer_schema()["properties"]
        assert (asked["model"], asked["max_tokens"], asked["seed"]) == ("tiny-llm", 77, 5)
        assert asked["temperature"] == 0
        assert asked["messages"][1]["content"] == "<findings>\nNo effusion.\n</findings>"

    def test_no_more_at_once_than_it_may(self) -> None:
        found, _, endpoint = mined(effusion, *[f"No effusion. {n}" for n in range(40)], concurrency=3)
        assert all(one.mentions for one in found)
        assert 1 < endpoint.most_at_once <= 3

    def test_the_example_of_the_instructions_is_one(self) -> None:
        text = PROMPT.read_text(encoding="utf-8")
        reports = re.findall(r"<findings>\n(.*?)\n</findings>", text, re.S)
        answers = [json.loads(one) for one in re.findall(r'^\{"observations".*?^\]\}', text, re.S | re.M)]
        for report, answer in zip(reports, answers, strict=True):
            jsonschema.validate(answer, answer_schema())
            for one in answer["observations"]:
                assert align(one["quote"], report) is not None, one

    def test_the_fingerprint_tells_model_instructions_and_settings(self, tmp_path: Path) -> None:
        own = tmp_path / "own.md"
        own.write_text("List what you see.")
        made = [
            ExtractorOptions(name="llm", model="a@http://x"),
            ExtractorOptions(name="llm", model="b@http://x"),
            ExtractorOptions(name="llm", model="a@http://x", seed=1),
            ExtractorOptions(name="llm", model="a@http://x", prompt=str(own)),
        ]
        prints = [LlmExtractor.connect(one).fingerprint for one in made]
        assert len(set(prints)) == 4
        assert "a+prompt." in prints[0]
        elsewhere = ExtractorOptions(name="llm", model="a@http://y", concurrency=2, timeout_s=1.0)
        assert LlmExtractor.connect(elsewhere).fingerprint == prints[0]

    @pytest.mark.parametrize("model", [None, "model", "@http://x", "model@x"])
    def test_an_endpoint_must_be_named(self, model: str | None) -> None:
        with pytest.raises(UsageError, match="MODEL@URL"):
            LlmExtractor.connect(ExtractorOptions(name="llm", model=model))

    def test_instructions_that_are_not_there(self) -> None:
        with pytest.raises(UsageError, match=r"nowhere\.md"):
            LlmExtractor.connect(ExtractorOptions(name="llm", model="a@http://x", prompt="nowhere.md"))

    def test_within_a_running_loop_too(self) -> None:
        async def notebook() -> Any:
            return mined(effusion, "No effusion.")[0]

        assert in_its_own_loop(notebook())[0].mentions


class TestTrouble:
    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_busy_and_broken_servers_are_asked_again(self, status: int) -> None:
        def mines(sections: Sections, nth: int) -> list[Said]:
            if nth <= 2:
                raise Misbehaves(status, headers=SOON)
            return effusion(sections, nth)

        (found,), extractor, _ = mined(mines, "No effusion.")
        assert found.mentions and extractor.usage.retries == 2

    @pytest.mark.soak
    def test_a_request_that_takes_too_long_is_asked_again(self) -> None:
        def mines(sections: Sections, nth: int) -> list[Said]:
            time.sleep(1.5 if nth == 1 else 0)
            return effusion(sections, nth)

        (found,), extractor, _ = mined(mines, "No effusion.", timeout_s=0.5)
        assert found.mentions and extractor.usage.retries == 1

    def test_one_report_that_breaks_the_server_is_given_up(self) -> None:
        def mines(sections: Sections, nth: int) -> list[Said]:
            if "odd" in sections["findings"]:
                raise Misbehaves(400, {"error": {"message": "maximum context length is 10 tokens"}})
            return effusion(sections, nth)

        found, extractor, _ = mined(mines, "No effusion.", "An odd one.")
        assert found[0].mentions and found[0].failure is None
        assert "maximum context length" in found[1].failure
        assert extractor.usage.failed == 1

    @pytest.mark.parametrize(
        ("bad", "fault", "told"),
        [
            (CutOff('{"observations": [{"section": "findings", "quote": ["eff'), "truncated", "was cut off"),
            (
                CutOff('{"observations": [' + '{"section": "findings", "quote": ["effusion"]}, ' * 40),
                "loops",
                "repeats",
            ),
            (Raw("no effusion, I think"), "invalid", "is no JSON"),
            (Raw(""), "invalid", "is empty"),
            (Raw('{"observations": [{"section": "findings"}]}'), "invalid", "not of the schema"),
            (Raw('{"observations": [{"quote": "effusion"}]}'), "invalid", "not of the schema"),
        ],
    )
    def test_an_answer_that_cannot_be_used_is_asked_for_again(self, bad: Raw, fault: str, told: str) -> None:
        (found,), extractor, endpoint = mined(lambda s, n: bad if n == 1 else effusion(s, n), "No effusion.")
        assert found.mentions and getattr(extractor.usage, fault) == 1
        assert [asked["temperature"] for asked in endpoint.requests] == [0.0, 0.2]
        (given_up,), extractor, _ = mined(lambda *_: bad, "No effusion.")
        assert told in given_up.failure and not given_up.mentions
        assert (getattr(extractor.usage, fault), extractor.usage.requests) == (3, 3)

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_who_refuses_us_is_not_asked_again(self, status: int) -> None:
        def mines(*_: Any) -> list[Said]:
            raise Misbehaves(status, {"error": {"message": "no such model"}})

        with pytest.raises(ClearKbError, match=r"refuses model tiny-llm.*no such model"):
            mined(mines, *["No effusion."] * 20)

    def test_a_server_that_is_not_there(self) -> None:
        extractor = LlmExtractor.connect(ExtractorOptions(name="llm", model="m@http://127.0.0.1:9/v1", max_retries=0))
        with pytest.raises(ClearKbError, match=r"127\.0\.0\.1:9/v1 gives no answer .*Connection error"):
            extractor.extract([[Section("findings", "No effusion.")]])

    def test_a_server_that_goes_away_ends_the_work(self) -> None:
        def mines(sections: Sections, nth: int) -> list[Said]:
            if int(sections["findings"].split()[-1]) > 5:
                raise Misbehaves(500, headers=SOON)
            return effusion(sections, nth)

        found, extractor, endpoint = mined(
            mines, *[f"No effusion {n}" for n in range(40)], concurrency=1, max_retries=0
        )
        assert [bool(one.mentions) for one in found[:6]] == [True] * 6
        assert all(one.failure for one in found[6:])
        assert "gives no answer any more" in str(extractor.broken)
        assert len(endpoint.requests) == 10  # and the others were not asked for
        with pytest.raises(ClearKbError, match="gives no answer any more"):
            extractor.extract([[Section("findings", "No effusion.")]])

    @pytest.mark.parametrize("content", [None, ["parts"], {"a": 1}])
    def test_a_message_of_another_shape_is_no_answer_that_can_be_used(self, content: Any) -> None:
        with pytest.raises(BadAnswer):
            read_answer(content, "stop")

    def test_deep_nesting_and_fences(self) -> None:
        with pytest.raises(BadAnswer, match="no JSON"):
            read_answer("[" * 20_000, "stop")
        assert read_answer('<think>hm</think>```json\n{"observations": []}\n```', "stop") == []
        assert read_answer('Sure! Here they are:\n```json\n{"observations": []}\n```', "stop") == []

    @pytest.mark.soak
    def test_a_model_that_never_gives_json_is_stopped(self) -> None:
        with pytest.raises(ClearKbError, match="nothing that can be used"):
            mined(lambda *_: Raw("sorry"), *[f"No effusion {n}" for n in range(30)])


class TestIngest:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        rows = [{"uid": f"r{n}", "findings": f"No effusion. {n}", "impression": ""} for n in range(30)]
        return write_csv(tmp_path / "reports.csv", rows)

    def ingest(self, kb: KnowledgeBase, source: Path, endpoint: ChatEndpoint, **more: Any) -> Any:
        return ingest_reports(kb, [source], IngestOptions(extractor=options(endpoint, **more)))

    def test_what_was_mined_is_stored_with_what_mined_it(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(effusion) as endpoint:
            result = self.ingest(kb, source, endpoint, price=(2.0, 10.0))
        rows = kb.dataset("observations").to_table().to_pylist()
        assert len(rows) == 30 and all(row["extractor"].startswith("llm/1+tiny-llm+prompt.") for row in rows)
        assert kb.dataset("concepts").to_table().to_pylist()[0]["source"] == "llm"
        assert (result.usage.input_tokens, result.usage.output_tokens) == (3000, 300)
        assert result.usage.cost == pytest.approx(0.009)

    def test_refused_statements_are_among_the_rejects_and_the_report_is_kept(
        self, kb: KnowledgeBase, source: Path
    ) -> None:
        def mines(sections: Sections, nth: int) -> list[Said]:
            return [*effusion(sections, nth), said("findings", "unicorn")]

        with ChatEndpoint(mines) as endpoint:
            result = self.ingest(kb, source, endpoint)
        assert (result.new, result.observations, result.refused, result.rejected) == (30, 30, 30, 0)
        rejects = kb.dataset("rejects").to_table().to_pylist()
        assert {row["report_id"] for row in rejects} == {f"r{n}" for n in range(30)}
        assert all("unicorn" in row["reason"] for row in rejects)

    @pytest.mark.soak
    def test_a_report_that_was_given_up_is_rejected_and_tried_again(self, kb: KnowledgeBase, source: Path) -> None:
        def mines(sections: Sections, nth: int) -> list[Said] | Raw:
            return Raw("?") if sections["findings"].endswith(" 7") else effusion(sections, nth)

        with ChatEndpoint(mines) as endpoint:
            first = self.ingest(kb, source, endpoint)
            assert (first.new, first.rejected) == (29, 1)
            (reject,) = kb.dataset("rejects").to_table().to_pylist()
            assert (reject["report_id"], "is no JSON" in reject["reason"]) == ("r7", True)
            endpoint.mines, endpoint.requests = effusion, []
            again = self.ingest(kb, source, endpoint)
            assert (again.new, again.unchanged, again.rejected) == (1, 29, 0)
            assert len(endpoint.requests) == 1
        assert kb.dataset("rejects").count_rows() == 0

    @pytest.mark.soak
    def test_after_a_breakdown_only_the_rest_is_asked_for(
        self, kb: KnowledgeBase, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ingest.extractors.llm.llm_extractor.CHUNKS_OF", 4)

        def mines(sections: Sections, nth: int) -> list[Said]:
            if int(sections["findings"].split()[-1]) >= 20:
                raise Misbehaves(500, headers=SOON)
            return effusion(sections, nth)

        with ChatEndpoint(mines) as endpoint:
            with pytest.raises(ClearKbError, match="the same command goes on"):
                self.ingest(kb, source, endpoint, concurrency=2, max_retries=0)
            assert kb.dataset("reports").count_rows() == 0
            endpoint.mines, endpoint.requests = effusion, []
            result = self.ingest(kb, source, endpoint, concurrency=2)
            assert (result.new, result.observations) == (30, 30)
            assert len(endpoint.requests) == 10  # twenty were mined before

    def test_what_was_answered_before_a_breakdown_is_not_paid_twice(self, kb: KnowledgeBase, source: Path) -> None:
        def mines(sections: Sections, nth: int) -> list[Said]:
            if int(sections["findings"].split()[-1]) >= 9:
                raise Misbehaves(500, headers=SOON)
            return effusion(sections, nth)

        with ChatEndpoint(mines) as endpoint:
            with pytest.raises(ClearKbError, match="the same command goes on"):
                self.ingest(kb, source, endpoint, concurrency=4, max_retries=0)
            endpoint.mines, endpoint.requests = effusion, []
            result = self.ingest(kb, source, endpoint, concurrency=4)
            assert (result.new, result.observations, len(endpoint.requests)) == (30, 30, 21)

    @pytest.mark.soak
    def test_the_same_file_again_keeps_what_was_refused(self, kb: KnowledgeBase, source: Path) -> None:
        with ChatEndpoint(lambda s, n: [*effusion(s, n), said("findings", "unicorn")]) as endpoint:
            self.ingest(kb, source, endpoint)
            again = self.ingest(kb, source, endpoint)
        assert (again.unchanged, again.commit) == (30, None)
        assert kb.dataset("rejects").count_rows() == 30

    @pytest.mark.soak
    def test_the_command_shows_tokens_and_cost(self, cli: Callable[..., Any], source: Path) -> None:
        with ChatEndpoint(effusion) as endpoint:
            ask = ["ingest", "reports", source, "--extractor", "llm", "--model", endpoint.model, "--no-embed"]
            table = cli(*ask, "--llm-price", "2,10").stdout
            assert "3,000 in, 300 out" in table and "0.0090" in table
            told = json.loads(cli(*ask, "--kb", "other.kb", "--format", "json").stdout)
            assert (told["usage"]["requests"], told["usage"]["cost"]) == (30, None)
            shown = cli("ingest", "preview", source, "--n", "1", "--extractor", "llm", "--model", endpoint.model).stdout
            assert "[-effusion]" in shown
        done = cli("ingest", "reports", source, "--extractor", "llm", code=2)
        assert "MODEL@URL" in done.stderr
        done = cli(*ask, "--llm-price", "cheap", code=2)
        assert "--llm-price" in done.stderr


WORDS = st.lists(st.sampled_from(["left", "Effusion", "heart", "is", "large", ",", "."]), min_size=1, max_size=30)


@given(WORDS, st.data())
def test_what_is_quoted_from_a_text_is_found_in_it(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    quote = " ".join(words[first:last])
    spans = align([quote], text)
    if not re.search(r"\w", quote):
        assert spans is None
        return
    assert spans is not None
    assert text[slice(*spans[0])] == quote


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4), st.text(max_size=60))
def test_spans_are_in_order_and_read_as_the_quote(quote: list[str], text: str) -> None:
    spans = align(quote, text)
    if spans is not None:
        assert all(first[1] <= second[0] for first, second in pairwise(spans))
        for piece, (start, end) in zip(quote, spans, strict=True):
            assert text[start:end].casefold().split() == piece.casefold().split()


@given(st.text(max_size=300), st.sampled_from(["stop", "length", None]))
def test_no_content_is_taken_for_an_answer_that_is_none(content: str, finish: str | None) -> None:
    with pytest.raises(BadAnswer):
        read_answer(content, finish)
