"""Any OpenAI-compatible embeddings endpoint (vLLM, Ollama, llama.cpp, TEI, OpenAI) as an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kb.batched import batched
from kb.errors import UsageError
from kb.store.storage import first_line
from kb.vectors.embedding.embedder import EmbedderInfo, EmbeddingError, unit_vectors
from kb.vectors.embedding.endpoint import api_key, model_and_url

SCHEME = "openai:"


@dataclass
class OpenAIEmbedder:
    """A client of `POST URL/embeddings`; 429, 5xx and time-outs are tried again with back-off."""

    info: EmbedderInfo
    client: Any
    model: str
    batch_size: int = 128

    @classmethod
    def load(
        cls,
        name: str,
        *,
        prompt: str | None = None,
        query_prompt: str | None = None,
        batch_size: int = 128,
        timeout_s: float = 60.0,
        max_retries: int = 6,
    ) -> OpenAIEmbedder:
        """Connect to `openai:MODEL@URL` and learn its dimension from one embedding.

        The key is read from CLEAR_KB_API_KEY or OPENAI_API_KEY; endpoints of one's own mostly need none.

        Raises:
            UsageError: `name` is not of that form.
            EmbeddingError: the endpoint cannot be reached or gives no vector.
        """
        named = model_and_url(name.removeprefix(SCHEME))
        if named is None:
            raise UsageError(f"'{name}' is not openai:MODEL@URL (openai:SFR-Embedding-Mistral@http://gpu1:8000/v1)")
        model, url = named
        from openai import OpenAI

        client = OpenAI(base_url=url, api_key=api_key(), timeout=timeout_s, max_retries=max_retries)
        dimension = len(_request(client, model, url, ["pleural effusion"])[0])
        info = EmbedderInfo(
            name=name,
            revision=model,
            dimension=dimension,
            prompt=prompt or "",
            query_prompt=query_prompt or "",
            dtype="endpoint",
        )
        return cls(info, client, model, batch_size)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed concept texts: float32, (len(texts), dimension), every row of length 1."""
        return self._encode(texts, self.info.prompt)

    def embed_query(self, text: str) -> np.ndarray:
        """Embed one query: float32, (dimension,), of length 1."""
        return self._encode([text], self.info.query_prompt)[0]

    def _encode(self, texts: Sequence[str], prompt: str) -> np.ndarray:
        vectors: list[list[float]] = []
        for batch in batched(texts, self.batch_size):
            vectors += _request(self.client, self.model, self.info.name, [prompt + text for text in batch])
        wrong = {len(vector) for vector in vectors} - {self.info.dimension}
        if wrong:
            raise EmbeddingError(f"{self.info.name} gave {wrong.pop()} numbers, and {self.info.dimension} before")
        matrix = np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.info.dimension)
        return unit_vectors(matrix, texts, self.info.name)


def _request(client: Any, model: str, where: str, texts: list[str]) -> list[list[float]]:
    import openai

    try:
        # Without encoding_format the client asks for base64, which not every server speaks.
        answer = client.embeddings.create(model=model, input=texts, encoding_format="float")
        rows = sorted(answer.data, key=lambda row: row.index)
        vectors = [row.embedding for row in rows]
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
        raise EmbeddingError(f"no embedding from {where} (model {model}): {first_line(error)}") from error
    if [row.index for row in rows] != list(range(len(texts))):
        raise EmbeddingError(f"{where} answered {len(rows)} vectors for {len(texts)} texts")
    return vectors
