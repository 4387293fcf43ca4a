"""Any sentence-transformers model as an embedder: bundled, a local folder, or a name on a model hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from kb.store.storage import first_line
from kb.vectors.embedding import bundled
from kb.vectors.embedding.embedder import EmbedderInfo, EmbeddingError, unit_vectors

EDGE_BYTES = 1 << 20


@dataclass
class SentenceTransformerEmbedder:
    """A loaded sentence-transformers model with the prompts that go before concepts and queries."""

    info: EmbedderInfo
    model: Any
    batch_size: int = 64
    device: str | None = None

    @classmethod
    def load(
        cls,
        name: str = bundled.NAME,
        *,
        revision: str | None = None,
        dtype: str = "float32",
        prompt: str | None = None,
        query_prompt: str | None = None,
        device: str | None = None,
        batch_size: int = 64,
    ) -> SentenceTransformerEmbedder:
        """Load `name`: the bundled model, a folder, or a name on the model hub.

        Args:
            name: "all-MiniLM-L6-v2" (bundled), a folder, or a hub name ("Salesforce/SFR-Embedding-Mistral").
            revision: commit or tag of a hub model.
            dtype: "float32", "bfloat16" or "float16": what the weights are loaded as.
            prompt: what stands before every concept; default: the model's own "document" prompt.
            query_prompt: what stands before a query; default: the model's own "query" prompt.
            device: "cpu", "cuda", "cuda:1"; default: the best there is.
            batch_size: texts a forward pass.

        Raises:
            EmbeddingError: the model cannot be found or read.
        """
        folder = bundled.verified_folder() if name in _BUNDLED_NAMES else None
        model = _load_model(str(folder or name), revision, dtype, device)
        prompts = getattr(model, "prompts", None) or {}
        info = EmbedderInfo(
            name=bundled.NAME if folder else _lasting_name(name),
            revision=_revision(name, folder, model, revision),
            dimension=int(model.get_embedding_dimension()),
            prompt=prompt if prompt is not None else prompts.get("document", "") or "",
            query_prompt=query_prompt if query_prompt is not None else prompts.get("query", "") or "",
            dtype=dtype,
        )
        return cls(info, model, batch_size, device)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed concept texts: float32, (len(texts), dimension), every row of length 1."""
        return self._encode(texts, self.info.prompt)

    def embed_query(self, text: str) -> np.ndarray:
        """Embed one query: float32, (dimension,), of length 1."""
        return self._encode([text], self.info.query_prompt)[0]

    def _encode(self, texts: Sequence[str], prompt: str) -> np.ndarray:
        vectors = self.model.encode(
            list(texts),
            prompt=prompt or None,
            batch_size=self.batch_size,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return unit_vectors(vectors, texts, self.info.name)


_BUNDLED_NAMES = {bundled.NAME, f"sentence-transformers/{bundled.NAME}"}


def _load_model(location: str, revision: str | None, dtype: str, device: str | None) -> Any:
    # Telemetry and progress bars of the libraries below have no place in a command's output.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return SentenceTransformer(
            location,
            revision=revision,
            device=device,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EmbeddingError(
            f"cannot load the embedder '{location}': {first_line(error)}. Name a sentence-transformers folder, a hub "
            "model this machine can reach, or openai:MODEL@URL"
        ) from error


def _lasting_name(name: str) -> str:
    """A folder by its absolute path, so that it is found again from elsewhere; a hub name as it is."""
    return str(Path(name).resolve()) if Path(name).is_dir() else name


def _revision(name: str, folder: Path | None, model: Any, asked: str | None) -> str:
    if folder is not None:
        return bundled.SHA256
    if Path(name).is_dir():
        return folder_fingerprint(Path(name))
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    return getattr(config, "_commit_hash", None) or asked or "unknown"


def folder_fingerprint(folder: Path) -> str:
    """A hash of a model folder: its small files whole, of large ones the size and both ends.

    A fine-tuning changes every weight, so the ends of a file tell two models apart without reading 14 GB.
    """
    digest = blake2b(digest_size=16)
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in (".safetensors", ".bin", ".json")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)}:{size};".encode())
        with path.open("rb") as file:
            digest.update(file.read(EDGE_BYTES))
            if size > EDGE_BYTES:
                file.seek(max(EDGE_BYTES, size - EDGE_BYTES))
                digest.update(file.read(EDGE_BYTES))
    return digest.hexdigest()
