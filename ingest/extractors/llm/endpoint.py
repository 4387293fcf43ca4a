"""A chat endpoint that speaks the OpenAI protocol (vLLM, Ollama, llama.cpp, OpenAI): one report, one answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ingest.extractors.llm.answer import BadAnswer, Said, answer_schema, read_answer
from ingest.extractors.usage import Usage
from ingest.reports.options import ExtractorOptions
from kb.errors import ClearKbError, UsageError
from kb.store.storage import first_line
from kb.vectors.embedding.endpoint import api_key, model_and_url

TEMPERATURES = (0.0, 0.2, 0.5)
"""Of the first try and of those after an answer that could not be used: at 0 the same loop would come again."""


class NoAnswer(Exception):
    """The endpoint did not answer one request, however often it was tried."""


@dataclass
class Endpoint:
    """A client of `POST URL/chat/completions`; 429, 5xx and time-outs are tried again, each time later.

    The key is read from CLEAR_KB_API_KEY or OPENAI_API_KEY; endpoints of one's own mostly need none.
    """

    model: str
    url: str
    options: ExtractorOptions
    instructions: str
    usage: Usage

    @classmethod
    def named(cls, options: ExtractorOptions, instructions: str, usage: Usage) -> Endpoint:
        """The endpoint that `options.model` names; UsageError if it is not MODEL@URL."""
        named = model_and_url(options.model or "")
        if named is None:
            raise UsageError(
                "the extractor llm needs a model MODEL@URL, the name and address of an OpenAI-compatible endpoint "
                "(Qwen2.5-32B-Instruct@http://gpu1:8000/v1): the report texts are sent there, and nowhere else",
                parameter="model",
            )
        return cls(*named, options, instructions, usage)

    def client(self) -> Any:
        """A new client, for one event loop."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            base_url=self.url, api_key=api_key(), timeout=self.options.timeout_s, max_retries=self.options.max_retries
        )

    async def ask(self, client: Any, report: str) -> list[Said]:
        """What the model says of one report.

        Raises:
            BadAnswer: no try gave an answer that can be used.
            NoAnswer: the endpoint did not answer.
            ClearKbError: the endpoint knows neither this key nor this model: asking again is no use.
        """
        left = list(TEMPERATURES)
        while True:
            try:
                return await self._try(client, report, left.pop(0))
            except BadAnswer as error:
                setattr(self.usage, error.fault, getattr(self.usage, error.fault) + 1)
                if not left or error.fault == "refused_requests":  # the same request again would be refused again
                    raise

    async def _try(self, client: Any, report: str, temperature: float) -> list[Said]:
        import openai

        try:
            raw = await client.chat.completions.with_raw_response.create(
                model=self.model,
                messages=[{"role": "system", "content": self.instructions}, {"role": "user", "content": report}],
                response_format=self._format,
                temperature=temperature,
                seed=self.options.seed,
                max_tokens=self.options.max_tokens,
            )
            answer = raw.parse()
            choice = answer.choices[0]
            content, finish = choice.message.content, choice.finish_reason
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            raise ClearKbError(f"{self.url} refuses model {self.model}: {first_line(error)}") from error
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            self.usage.requests += 1
            raise BadAnswer("refused_requests", f"the endpoint refuses the request: {first_line(error)}") from error
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, IndexError) as error:
            self.usage.requests += 1
            self.usage.retries += self.options.max_retries if isinstance(error, openai.APIError) else 0
            raise NoAnswer(f"{type(error).__name__}: {first_line(error)}") from error
        self.usage.requests += 1
        self.usage.retries += raw.retries_taken
        if answer.usage is None:
            self.usage.untold += 1
        else:
            self.usage.input_tokens += answer.usage.prompt_tokens or 0
            self.usage.output_tokens += answer.usage.completion_tokens or 0
        return read_answer(content, finish)

    @cached_property
    def _format(self) -> dict[str, Any]:
        schema = {key: value for key, value in answer_schema().items() if not key.startswith("$")}
        return {"type": "json_schema", "json_schema": {"name": "observations", "strict": True, "schema": schema}}
