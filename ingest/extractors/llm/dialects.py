"""The dialects of chat endpoints: where a request goes, how it asks for an answer of a schema, how it is answered.

openai   POST /chat/completions, `response_format` of type json_schema: OpenAI, llama.cpp and most others
vllm     the same, with `structured_outputs` (`guided_json` before vLLM 0.12)
ollama   POST /api/chat, `format`: Ollama's own, which alone lets a request say how long a prompt may be
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ingest.extractors.llm.prompts import Prompt
from ingest.extractors.llm.tokens import prompt_tokens

DIALECTS = ("openai", "vllm", "ollama")

SINCE_STRUCTURED_OUTPUTS = (0, 12)
"""The version of vLLM that no longer reads `guided_json`: it would leave the field aside without a word."""

REPORT_TOKENS = 4_096
"""Room for the reports of one request in the context that Ollama is asked to keep."""

MARGIN = 1.25
"""By how much a prompt may be longer than it is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: the constant part, what is asked about, and how the answer is drawn."""

    prompt: Prompt
    text: str
    temperature: float
    seed: int
    max_tokens: int

    @property
    def messages(self) -> list[dict[str, str]]:
        """The constant part first."""
        return [{"role": "system", "content": self.prompt.system}, {"role": "user", "content": self.text}]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; the tokens are None where the endpoint does not tell them."""

    content: object
    finish: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int = 0


class Dialect(Protocol):
    """How one kind of server is asked. `fields` are what it alone asks with, as a server would name them."""

    name: str
    fields: tuple[str, ...]

    def address(self, url: str) -> str:
        """Where requests go, for the endpoint at `url`."""
        ...

    def body(self, model: str, asked: Asked) -> dict[str, Any]:
        """A request."""
        ...

    def read(self, answer: Any) -> Reply:
        """An answer to it; KeyError, TypeError or the like if it is of another shape."""
        ...

    def longest(self) -> int | None:
        """How many tokens the text of a request may have; None if the server is to say so itself."""
        ...

    def renames(self, field: str | None) -> bool:
        """Whether a field that a model does not take has another name, which is used from now on."""
        ...


class OpenAi:
    """The protocol that others are compatible with."""

    name = "openai"
    fields: tuple[str, ...] = ("response_format", "json_schema")

    def __init__(self) -> None:
        self._limit = "max_tokens"

    def address(self, url: str) -> str:
        """Where requests go."""
        return f"{url.rstrip('/')}/chat/completions"

    def body(self, model: str, asked: Asked) -> dict[str, Any]:
        """A request: what is the same in all of them first."""
        settings = {"temperature": asked.temperature, "seed": asked.seed, self._limit: asked.max_tokens}
        return {"model": model, **self.constraint(asked.prompt), **settings, "messages": asked.messages}

    def constraint(self, prompt: Prompt) -> dict[str, Any]:
        """What holds the answer to the schema."""
        schema = {"name": "observations", "strict": True, "schema": dict(prompt.schema)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def read(self, answer: Any) -> Reply:
        """An answer."""
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
        return Reply(choice["message"].get("content"), choice.get("finish_reason"), *tokens, cached)

    def longest(self) -> None:
        """The server says so itself."""

    def renames(self, field: str | None) -> bool:
        """The longest answer has another name for newer models of OpenAI."""
        if field == "max_tokens":
            self._limit = "max_completion_tokens"
        return field == "max_tokens"


class Vllm(OpenAi):
    """vLLM's server, by its version (0.12) or, where that is not known, the present form."""

    name = "vllm"
    fields = ("structured_outputs", "guided_json")

    def __init__(self, version: str | None = None):
        super().__init__()
        numbers = tuple(map(int, re.findall(r"\d+", version or "")[:2]))
        self._guided = bool(numbers) and numbers < SINCE_STRUCTURED_OUTPUTS

    def constraint(self, prompt: Prompt) -> dict[str, Any]:
        """What holds the answer to the schema."""
        schema = dict(prompt.schema)
        return {"guided_json": schema} if self._guided else {"structured_outputs": {"json": schema}}


class Ollama:
    """Ollama's own protocol.

    Its default context is short, and a longer prompt loses its beginning without a word: so each request says how long
    the context is to be, always the same, for another length loads the model anew.
    """

    name = "ollama"
    fields: tuple[str, ...] = ("format", "options", "num_ctx")

    def __init__(self, prompts: tuple[Prompt, ...], max_tokens: int):
        read = MARGIN * max(prompt_tokens(prompt.system) for prompt in prompts) + REPORT_TOKENS
        # Some versions keep but half of the context for the prompt.
        self.context = round(max(2 * read, read + max_tokens) / 1024 + 0.5) * 1024

    def address(self, url: str) -> str:
        """Where requests go: beside the /v1 of its OpenAI-compatible endpoint."""
        return f"{root_of(url)}/api/chat"

    def body(self, model: str, asked: Asked) -> dict[str, Any]:
        """A request: what is the same in all of them first."""
        settings = {"temperature": asked.temperature, "seed": asked.seed}
        options = {**settings, "num_predict": asked.max_tokens, "num_ctx": self.context}
        constraint = {"format": dict(asked.prompt.schema), "stream": False}
        return {"model": model, **constraint, "options": options, "messages": asked.messages}

    def read(self, answer: Any) -> Reply:
        """An answer."""
        tokens = answer.get("prompt_eval_count"), answer.get("eval_count")
        return Reply(answer["message"]["content"], answer.get("done_reason"), *tokens)

    def longest(self) -> int:
        """What is left of the context beside the constant part and the answer."""
        return round(REPORT_TOKENS / MARGIN)

    def renames(self, field: str | None) -> bool:
        """No field has."""
        return False


def root_of(url: str) -> str:
    """The address of a server without the /v1 of its OpenAI-compatible endpoint."""
    return url.rstrip("/").removesuffix("/v1")


def misfit(dialect: Dialect, told: str) -> str | None:
    """The field of a dialect that an error of a server names, as one that it does not take; None if it names none."""
    return next((field for field in dialect.fields if re.search(rf"(?<!\w){field}(?!\w)", told)), None)


def version_of(answer: Any) -> str | None:
    """The version in the answer of `/version` or `/api/version`; None if it is none."""
    version = answer.get("version") if isinstance(answer, Mapping) else None
    return version if isinstance(version, str) else None
