"""The dialects of chat endpoints, each against a real server that refuses what the others ask with."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations, takewhile
from pathlib import Path
from typing import Any

import pytest

from ingest.extractors.llm.llm_extractor import LlmExtractor
from ingest.extractors.llm.prompts import prompt_of_one, read_instructions
from ingest.report import Section
from ingest.reports.options import ExtractorOptions
from kb.errors import ClearKbError, UsageError
from tests.support.chat_endpoint import ChatEndpoint, Raw, Said, Sections, said
from tests.support.reports import write_csv

SPOKEN = ["openai", "vllm", "ollama"]


def effusion(sections: Sections, nth: int) -> list[Said]:
    return [said("findings", "effusion", assertion="absent")]


def mined(speaks: str, *texts: str, **more: Any) -> tuple[Any, LlmExtractor, ChatEndpoint]:
    """What the extractor makes of reports of findings alone, asked of a server that speaks a dialect."""
    with ChatEndpoint(effusion, speaks) as endpoint:
        extractor = LlmExtractor.connect(
            ExtractorOptions(name="llm", model=endpoint.model, timeout_s=20.0, max_retries=0, **more)
        )
        return extractor.extract([[Section("findings", text)] for text in texts]), extractor, endpoint


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("speaks", "name", "said_of_it"),
    [
        ("openai", "openai", "openai"),
        ("vllm", "vllm", "vllm 0.12.1"),
        ("vllm, older", "vllm", "vllm 0.8.5"),
        ("ollama", "ollama", "ollama"),
    ],
)
def test_each_server_is_asked_in_its_own_dialect(speaks: str, name: str, said_of_it: str, told: bool) -> None:
    found, extractor, endpoint = mined(speaks, *["No effusion."] * 3, dialect=name if told else "auto")
    assert [[m.text for m in one.mentions] for one in found] == [["effusion"]] * 3
    assert (extractor.usage.input_tokens, extractor.usage.output_tokens, extractor.usage.untold) == (300, 30, 0)
    assert extractor.usage.dialect.startswith(said_of_it)
    assert extractor.usage.dialect.endswith("found out") == (not told)
    assert len(endpoint.asked_versions) == len(set(endpoint.asked_versions)) <= 2


@pytest.mark.parametrize(
    ("speaks", "constraint"),
    [
        ("openai", lambda body: body["response_format"]["json_schema"]["schema"]),
        ("vllm", lambda body: body["structured_outputs"]["json"]),
        ("vllm, older", lambda body: body["guided_json"]),
        ("ollama", lambda body: body["format"]),
    ],
)
def test_the_answer_is_held_to_the_same_schema_in_every_dialect(speaks: str, constraint: Callable[..., Any]) -> None:
    _, _, endpoint = mined(speaks, "No effusion.")
    assert constraint(endpoint.requests[0]) == prompt_of_one("").schema


@pytest.mark.parametrize(("speaks", "asked"), list(permutations(SPOKEN, 2)))
def test_a_dialect_that_does_not_fit_is_said_at_once_with_what_to_do(speaks: str, asked: str) -> None:
    with pytest.raises(ClearKbError, match=rf"dialect {asked}") as raised:
        mined(speaks, *["No effusion."] * 20, dialect=asked)
    assert raised.value.parameter == "dialect"


def test_there_is_no_such_dialect() -> None:
    with pytest.raises(UsageError, match=r"there is no dialect 'olama'.*did you mean 'ollama'"):
        mined("openai", "No effusion.", dialect="olama")


def test_newer_models_of_openai_have_another_name_for_the_longest_answer() -> None:
    (found, *_), extractor, endpoint = mined("openai, newer", *["No effusion."] * 9, max_tokens=77, concurrency=1)
    assert found.mentions and {asked["max_completion_tokens"] for asked in endpoint.requests} == {77}
    assert extractor.usage.requests == 10  # one was refused


def test_ollama_is_told_how_long_a_prompt_may_be_and_always_the_same() -> None:
    _, _, endpoint = mined("ollama", "No effusion.", "No effusion. " * 40, max_tokens=2_000)
    (context,) = {asked["options"]["num_ctx"] for asked in endpoint.requests}
    assert context >= len(read_instructions(None)) / 4 + 2_000
    assert all(asked["options"]["num_predict"] == 2_000 and not asked["stream"] for asked in endpoint.requests)


def test_a_report_that_would_be_cut_off_by_ollama_is_not_asked_about() -> None:
    found, _, endpoint = mined("ollama", "No effusion.", "No effusion. " * 2_000)
    assert found[0].mentions and "too long for one request" in found[1].failure
    assert len(endpoint.requests) == 1


def shared_by(texts: list[str]) -> str:
    """What all of some texts begin with."""
    return "".join(first for first, *_ in takewhile(lambda of: len(set(of)) == 1, zip(*texts, strict=False)))


@pytest.mark.parametrize("batch", [1, 3])
def test_prompts_of_different_reports_are_the_same_up_to_the_report(batch: int) -> None:
    texts = [f"No effusion, no. {number}" for number in range(6)]
    _, _, endpoint = mined("openai", *texts, batch=batch)
    prompts = ["".join(message["content"] for message in asked["messages"]) for asked in endpoint.requests]
    assert len(prompts) == 6 / batch
    shared = shared_by(prompts)
    for prompt in prompts:
        assert prompt.removeprefix(shared)[0] in "012345"  # they part where the reports do
    for constant in ("You read radiology reports", "Cardiac silhouette is mildly enlarged", '"enum":["present"'):
        assert constant in shared
    bodies = [json.dumps(asked) for asked in endpoint.requests]
    assert shared_by(bodies).endswith("No effusion, no. ")


class TestSeveralReportsInOneRequest:
    TEXTS = tuple(f"No effusion. {number}" for number in range(7))

    def together(self, mend: Callable[[list[Said]], Any], **more: Any) -> tuple[Any, LlmExtractor, ChatEndpoint]:
        with ChatEndpoint(effusion) as endpoint:
            endpoint.together = mend
            extractor = LlmExtractor.connect(
                ExtractorOptions(name="llm", model=endpoint.model, timeout_s=20.0, **{"batch": 3, **more})
            )
            found = extractor.extract([[Section("findings", text)] for text in self.TEXTS])
        assert all([m.text for m in one.mentions] == ["effusion"] for one in found)
        return found, extractor, endpoint

    def test_are_answered_by_their_ids(self) -> None:
        _, extractor, endpoint = self.together(lambda answers: {"reports": answers[::-1]})
        assert (len(endpoint.requests), extractor.usage.split, extractor.usage.aligned) == (3, 0, 7)
        assert max(asked["max_tokens"] for asked in endpoint.requests) == 3 * 4_096

    @pytest.mark.parametrize(
        ("mend", "alone"),
        [
            (lambda answers: Raw("no JSON"), 6),
            (lambda answers: {"reports": answers[:-1]}, 2),
            (lambda answers: {"reports": [*answers, answers[0]]}, 2),
            (lambda answers: {"reports": [{**one, "report": "9"} for one in answers]}, 6),
            (lambda answers: {"reports": [{**answers[0], "observations": [said("findings", "mass")]}]}, 6),
            (lambda answers: {"observations": []}, 6),
        ],
    )
    def test_one_that_is_not_answered_well_is_asked_about_alone(self, mend: Any, alone: int) -> None:
        _, extractor, endpoint = self.together(mend)
        assert extractor.usage.split == alone
        assert len(endpoint.requests) == 3 + alone  # two of three reports, one of one, and what was asked about alone

    def test_how_many_is_part_of_the_fingerprint(self) -> None:
        made = [ExtractorOptions(name="llm", model="a@http://x", batch=batch) for batch in (1, 3)]
        one, three = (LlmExtractor.connect(options).fingerprint for options in made)
        assert ".batch3" in three and one != three


class TestTheCommand:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        rows = [{"uid": f"r{n}", "findings": f"No effusion. {n}", "impression": ""} for n in range(4)]
        return write_csv(tmp_path / "reports.csv", rows)

    @pytest.mark.soak
    def test_says_what_of_the_prompts_was_cached(self, cli: Callable[..., Any], source: Path) -> None:
        with ChatEndpoint(effusion) as endpoint:
            endpoint.cached_tokens = 80
            ask = ["ingest", "reports", source, "--extractor", "llm", "--model", endpoint.model, "--no-embed"]
            assert "400 in (320 of them cached), 40 out" in cli(*ask).stdout

    @pytest.mark.soak
    def test_says_which_dialect_it_chose(self, cli: Callable[..., Any], source: Path) -> None:
        with ChatEndpoint(effusion, "ollama") as endpoint:
            ask = ["ingest", "reports", source, "--extractor", "llm", "--model", endpoint.model, "--no-embed"]
            assert "tiny-llm, dialect ollama 0.5.7, found out" in cli(*ask).stdout
            done = cli(*ask, "--kb", "other.kb", "--llm-dialect", "vllm", code=1)
        assert "(say --llm-dialect auto|openai|vllm|ollama)" in done.stderr and "Traceback" not in done.stderr

    @pytest.mark.parametrize("command", [["reports"], ["preview"]])
    def test_options_of_a_language_model_are_refused_with_another_extractor(
        self, cli: Callable[..., Any], source: Path, command: list[str]
    ) -> None:
        done = cli("ingest", *command, source, "--llm-timeout", "5", "--llm-dialect", "vllm", code=2)
        assert done.stderr == "error: --llm-dialect, --llm-timeout: of the extractor llm; here rules mines\n"
        assert not (source.parent / "clear.kb").exists()

    def test_a_settled_endpoint_is_no_such_option(self, cli: Callable[..., Any], source: Path) -> None:
        cli("ingest", "preview", source, environment={"CLEAR_KB_ENDPOINT": "m@http://127.0.0.1:9/v1"})
