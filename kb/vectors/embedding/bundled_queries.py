"""The bundled model in numpy, for a query: torch and its libraries take seconds to load, one sentence milliseconds.

It is the same network from the same verified weights, so a query has the same vector but for rounding (1e-6). Concepts
are embedded by `SentenceTransformerEmbedder` alone, so that what is stored does not depend on how it was computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kb.vectors.embedding import bundled
from kb.vectors.embedding.embedder import UNKNOWN_REVISION, EmbedderInfo, unit_vectors

LAYERS, HEADS, LONGEST, EPSILON = 6, 12, 256, 1e-12
"""As its config.json and sentence_bert_config.json say; the hash of the weights says that it is this model."""

_erf = np.vectorize(math.erf, otypes=[np.float32])


@dataclass
class BundledQueries:
    """all-MiniLM-L6-v2, of whose weights only what a text needs is read.

    Args:
        info: what the vocabulary was embedded with; `can_read` says whether this is it.
    """

    info: EmbedderInfo

    @staticmethod
    def can_read(info: EmbedderInfo) -> bool:
        """Whether an embedder is the bundled model as it was published."""
        known = info.revision in (bundled.SHA256, UNKNOWN_REVISION)
        return info.name == bundled.NAME and info.dtype == "float32" and known

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32, (len(texts), dimension), every row of length 1."""
        vectors = np.array([self._sentence(self.info.prompt + text) for text in texts])
        return unit_vectors(vectors.reshape(len(texts), self.info.dimension), texts, self.info.name)

    def embed_query(self, text: str) -> np.ndarray:
        """Embed one query: float32, (dimension,), of length 1."""
        return unit_vectors(self._sentence(self.info.query_prompt + text)[None], [text], self.info.name)[0]

    @cached_property
    def _folder(self) -> Path:
        return bundled.verified_folder()

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        return tokenizer

    @cached_property
    def _weights(self) -> Any:
        from safetensors import safe_open

        return safe_open(self._folder / "model.safetensors", framework="np")

    @cached_property
    def _layers(self) -> list[dict[str, np.ndarray]]:
        """The weights of each layer by what follows `encoder.layer.N.` in their names."""
        names = list(self._weights.keys())
        beginnings = [f"encoder.layer.{number}." for number in range(LAYERS)]
        return [
            {name.removeprefix(one): self._weights.get_tensor(name) for name in names if name.startswith(one)}
            for one in beginnings
        ]

    def _sentence(self, text: str) -> np.ndarray:
        """The mean of the last layer over the tokens of a text, (dimension,)."""
        from threadpoolctl import threadpool_limits

        states = self._embedded(self._tokenizer.encode(text).ids)
        # A few words are too little to share: threads that wait for each other would take longer, and the cores.
        with threadpool_limits(1):
            for layer in self._layers:
                states = _through(states, layer)
        mean: np.ndarray = states.mean(axis=0)
        return mean

    def _embedded(self, tokens: Sequence[int]) -> np.ndarray:
        def rows(name: str, numbers: Sequence[int]) -> np.ndarray:
            column = self._weights.get_slice(f"embeddings.{name}_embeddings.weight")
            return np.concatenate([column[number : number + 1] for number in numbers])

        summed = rows("word", tokens) + rows("position", range(len(tokens))) + rows("token_type", [0])
        norm = [self._weights.get_tensor(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
        return _normalised(summed, *norm)


def _through(states: np.ndarray, layer: dict[str, np.ndarray]) -> np.ndarray:
    """What one layer of the network makes of the states of some tokens, (tokens, dimension)."""

    def linear(name: str, values: np.ndarray) -> np.ndarray:
        out: np.ndarray = values @ layer[f"{name}.weight"].T + layer[f"{name}.bias"]
        return out

    def normalised(name: str, values: np.ndarray) -> np.ndarray:
        return _normalised(values, layer[f"{name}.LayerNorm.weight"], layer[f"{name}.LayerNorm.bias"])

    count, width = states.shape
    query, key, value = (
        linear(f"attention.self.{part}", states).reshape(count, HEADS, width // HEADS).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(width // HEADS))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (weights / weights.sum(axis=-1, keepdims=True) @ value).swapaxes(0, 1).reshape(count, width)
    seen = normalised("attention.output", linear("attention.output.dense", mixed) + states)
    wide = linear("intermediate.dense", seen)
    wide *= np.float32(0.5) * (1 + _erf(wide / np.float32(math.sqrt(2))))  # GELU
    return normalised("output", linear("output.dense", wide) + seen)


def _normalised(values: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=-1, keepdims=True)
    out: np.ndarray = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON) * weight + bias
    return out
