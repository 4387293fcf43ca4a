"""Which embedder a name stands for, and the embedder that a knowledge base was embedded with."""

from __future__ import annotations

from dataclasses import dataclass

from kb.errors import UsageError
from kb.vectors.embedding import bundled
from kb.vectors.embedding.bundled_queries import BundledQueries
from kb.vectors.embedding.embedder import FILE_SCHEME, UNKNOWN_REVISION, Embedder, EmbedderInfo, EmbeddingError
from kb.vectors.embedding.openai_endpoint import SCHEME, OpenAIEmbedder
from kb.vectors.embedding.sentence_transformer import SentenceTransformerEmbedder

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderOptions:
    """How an embedder is to be loaded; None means the default: the bundled model, float32, the model's own prompts."""

    name: str | None = None
    revision: str | None = None
    dtype: str | None = None
    prompt: str | None = None
    query_prompt: str | None = None
    device: str | None = None
    batch_size: int = 64

    @property
    def names_a_model(self) -> bool:
        """Whether these options ask for a certain embedder, rather than say how to run whichever it is."""
        return any(v is not None for v in (self.name, self.revision, self.dtype, self.prompt, self.query_prompt))


def load_embedder(options: EmbedderOptions | str = EmbedderOptions()) -> Embedder:
    """The embedder that `options` (or just a name) ask for.

    Raises:
        UsageError: the options contradict themselves.
        EmbeddingError: the model or endpoint is not to be had.
    """
    options = EmbedderOptions(name=options) if isinstance(options, str) else options
    name, dtype = options.name or bundled.NAME, options.dtype or DTYPES[0]
    if dtype not in DTYPES:
        raise UsageError(f"dtype '{dtype}': choose one of {', '.join(DTYPES)}")
    if name.startswith(SCHEME):
        return OpenAIEmbedder.load(
            name, prompt=options.prompt, query_prompt=options.query_prompt, batch_size=options.batch_size
        )
    return SentenceTransformerEmbedder.load(
        name,
        revision=options.revision,
        dtype=dtype,
        prompt=options.prompt,
        query_prompt=options.query_prompt,
        device=options.device,
        batch_size=options.batch_size,
    )


def choose_embedder(stored: EmbedderInfo | None, options: EmbedderOptions) -> Embedder:
    """The embedder that `options` ask for; where they name none, the one in use (`stored`), else the bundled one."""
    if options.names_a_model or stored is None:
        return load_embedder(options)
    return load_stored_embedder(stored, options.device, options.batch_size)


def load_query_embedder(info: EmbedderInfo) -> Embedder:
    """What embeds a query as `info` says, as quickly loaded as may be.

    Raises:
        EmbeddingError: as `load_stored_embedder`.
    """
    return BundledQueries(info) if BundledQueries.can_read(info) else load_stored_embedder(info)


def load_stored_embedder(info: EmbedderInfo, device: str | None = None, batch_size: int = 64) -> Embedder:
    """The embedder that `info` was written by, checked to be still the same one.

    Raises:
        EmbeddingError: it is gone, or what has its name now gives other vectors.
    """
    if info.name.startswith(FILE_SCHEME):
        raise EmbeddingError(
            f"the vectors came from {info.name.removeprefix(FILE_SCHEME)}, which does not say what made them",
            need="embedder",
        )
    is_endpoint = info.name.startswith(SCHEME)
    hub = not is_endpoint and info.name != bundled.NAME and not info.name.startswith("/")
    wanted = EmbedderOptions(
        name=info.name,
        revision=info.revision if hub and info.revision != UNKNOWN_REVISION else None,
        dtype=None if is_endpoint else info.dtype,
        prompt=info.prompt,
        query_prompt=info.query_prompt,
        device=device,
        batch_size=batch_size,
    )
    try:
        embedder = load_embedder(wanted)
    except EmbeddingError as error:
        if info.revision != UNKNOWN_REVISION:
            raise
        # Where no weights are pinned, the same model may be had in another place.
        raise EmbeddingError(str(error), need="embedder") from error
    if info.revision == UNKNOWN_REVISION and embedder.info.dimension == info.dimension:
        embedder.info = info  # nobody can say that these are other weights: the space stays the one it is called
    if embedder.info.embedder_id != info.embedder_id:
        raise EmbeddingError(
            f"'{info.name}' is no longer the embedder this knowledge base was embedded with "
            f"(then revision {info.revision[:12]}, {info.dimension}-d; now {embedder.info.revision[:12]}, "
            f"{embedder.info.dimension}-d): bring that one back, or embed again",
            need="embeddings",
        )
    return embedder
