"""A chat endpoint (OpenAI's, vLLM's, Ollama's or one like them): a request in its dialect, and the answer read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ingest.extractors.llm.answer import BadAnswer
from ingest.extractors.llm.dialects import DIALECTS, Asked, Dialect, Ollama, OpenAi, Vllm, misfit, root_of, version_of
from ingest.extractors.llm.prompts import Prompt
from ingest.extractors.llm.tokens import prompt_tokens
from ingest.extractors.usage import Usage
from ingest.reports.options import ExtractorOptions
from kb.choices import check_choice
from kb.errors import ClearKbError, UsageError
from kb.store.storage import first_line
from kb.vectors.embedding.endpoint import api_key, model_and_url

logger = logging.getLogger("clear_kb.ingest")

T = TypeVar("T")

TEMPERATURES = (0.0, 0.2, 0.5)
"""Of the first try and of those after an answer that could not be used: at 0 the same loop would come again."""

REFUSED_FIELDS = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
"""How OpenAI's errors call a field that a model does not take, or not with that value."""


class NoAnswer(Exception):
    """The endpoint did not answer one request, however often it was tried."""


@dataclass
class Endpoint:
    """A client of one endpoint; 429, 5xx and time-outs are tried again, each time later.

    The key is read from CLEAR_KB_API_KEY or OPENAI_API_KEY; endpoints of one's own mostly need none.
    """

    model: str
    url: str
    options: ExtractorOptions
    prompts: tuple[Prompt, ...]
    usage: Usage
    _dialect: Dialect | None = None

    @classmethod
    def named(cls, options: ExtractorOptions, prompts: tuple[Prompt, ...]) -> Endpoint:
        """The endpoint that `options.model` names; UsageError if it is not MODEL@URL, or there is no such dialect."""
        named = model_and_url(options.model or "")
        if named is None:
            raise UsageError(
                "the extractor llm needs a model MODEL@URL, the name and address of an OpenAI-compatible endpoint "
                "(Qwen2.5-32B-Instruct@http://gpu1:8000/v1): the report texts are sent there, and nowhere else",
                parameter="model",
            )
        check_choice("dialect", options.dialect, ("auto", *DIALECTS))
        return cls(*named, options, prompts, Usage(price=options.price, model=named[0]))

    def client(self) -> Any:
        """A new client, for one event loop."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            base_url=self.url, api_key=api_key(), timeout=self.options.timeout_s, max_retries=self.options.max_retries
        )

    async def settle(self, client: Any) -> None:
        """Find out once which dialect the endpoint speaks, where that is not told, and of vLLM its version.

        Raises:
            NoAnswer: nothing answers there.
        """
        if self._dialect is not None:
            return
        told = self.options.dialect
        ollama = await self._version(client, "/api/version") if told == "auto" else None
        may_be_vllm = told == "vllm" or (told == "auto" and ollama is None)
        vllm = await self._version(client, "/version") if may_be_vllm else None
        name = told if told != "auto" else "ollama" if ollama else "vllm" if vllm else "openai"
        if name == "ollama":
            self._dialect = Ollama(self.prompts, self._longest_answer)
        else:
            self._dialect = Vllm(vllm) if name == "vllm" else OpenAi()
        version = f" {ollama or vllm}" if ollama or vllm else ""
        self.usage.dialect = f"{name}{version}{', found out' if told == 'auto' else ''}"
        logger.info("llm: %s is asked in the dialect %s", self.url, self.usage.dialect)

    async def ask(
        self,
        client: Any,
        prompt: Prompt,
        text: str,
        read: Callable[[object, str | None], T],
        *,
        answers: int = 1,
        tries: int = len(TEMPERATURES),
    ) -> T:
        """What the model says of a text, as `read` reads it; the answer may be as long as `answers` of them.

        Raises:
            BadAnswer: no try gave an answer that can be used.
            NoAnswer: the endpoint did not answer.
            ClearKbError: the endpoint knows neither this key, this model nor this dialect: asking again is no use.
        """
        left = list(TEMPERATURES[:tries])
        while True:
            asked = Asked(
                prompt=prompt,
                text=text,
                temperature=left.pop(0),
                seed=self.options.seed,
                max_tokens=self.options.max_tokens * answers,
            )
            try:
                return read(*await self._reply(client, asked))
            except BadAnswer as error:
                setattr(self.usage, error.fault, getattr(self.usage, error.fault) + 1)
                if not left or error.fault == "refused_requests":  # the same request again would be refused again
                    raise

    @property
    def _longest_answer(self) -> int:
        return self.options.max_tokens * self.options.batch

    async def _version(self, client: Any, path: str) -> str | None:
        """The version that a server tells at a path of its own; None if it has no such path."""
        import httpx
        import openai

        try:
            url, options = f"{root_of(self.url)}{path}", {"max_retries": min(2, self.options.max_retries)}
            return version_of((await client.get(url, cast_to=httpx.Response, options=options)).json())
        except (openai.APIStatusError, ValueError):
            return None
        except openai.OpenAIError as error:
            raise NoAnswer(f"{type(error).__name__}: {first_line(error)}") from error

    async def _reply(self, client: Any, asked: Asked) -> tuple[object, str | None]:
        import httpx
        import openai

        dialect = self._dialect
        assert dialect is not None, "the dialect is settled before anything is asked"
        longest = dialect.longest()
        if longest is not None and prompt_tokens(asked.text) > longest:
            told = f"about {prompt_tokens(asked.text):,} tokens, and {longest:,} fit the context that is asked for"
            raise BadAnswer("refused_requests", f"the text is too long for one request: {told}")
        address, body = dialect.address(self.url), dialect.body(self.model, asked)
        try:
            response = await client.post(address, cast_to=httpx.Response, body=body)
            reply = dialect.read(response.json())
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise ClearKbError(f"{self.url} refuses model {self.model}: {first_line(error)}") from error
        except openai.NotFoundError as error:
            where = f"(asked in the dialect {dialect.name}, at {address})"
            raise ClearKbError(
                f"{self.url} refuses model {self.model} {where}: {first_line(error)}", parameter="dialect"
            ) from error
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            self.usage.requests += 1
            if error.code in REFUSED_FIELDS and dialect.renames(error.param) and error.param in body:
                return await self._reply(client, asked)
            raise self._refused(dialect, error) from error
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, LookupError) as error:
            self.usage.requests += 1
            self.usage.retries += self.options.max_retries if isinstance(error, openai.APIError) else 0
            raise NoAnswer(f"{type(error).__name__}: {first_line(error)}") from error
        self.usage.add(reply.input_tokens, reply.output_tokens, reply.cached_tokens)
        self.usage.retries += int(response.request.headers.get("x-stainless-retry-count", 0))
        return reply.content, reply.finish

    def _refused(self, dialect: Dialect, error: Any) -> Exception:
        """What a refused request means: that nothing can be asked this way, or that this one text cannot be."""
        field = error.param if error.code in REFUSED_FIELDS else misfit(dialect, str(error))
        if field is None:
            return BadAnswer("refused_requests", f"the endpoint refuses the request: {first_line(error)}")
        return ClearKbError(
            f"{self.url} does not take '{field}', which the dialect {dialect.name} asks with: {first_line(error)}",
            parameter="dialect",
        )
