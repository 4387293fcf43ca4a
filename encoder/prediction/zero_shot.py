"""Zero-shot: a label is predicted from sentences that say it holds and sentences that say it does not.

In the LLM space the sentences are embedded by the vocabulary's embedder, as published; in the encoder's own space they
go through its text side. Several sentences are averaged. The head is the difference of the two directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from encoder.prediction.head import Head, Space
from kb.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from encoder.checkpoint import Checkpoint
    from encoder.prediction.prompts import PromptSet
    from kb.embedding import Embedder


def zero_shot_heads(
    labels: Sequence[str], prompts: PromptSet, space: Space, checkpoint: Checkpoint, embedder: Embedder | None
) -> list[Head]:
    """The heads of labels, from their sentences.

    Args:
        labels: which.
        prompts: their sentences.
        space: `llm` or `encoder`.
        checkpoint: whose images are read.
        embedder: the vocabulary's; None where only words are needed.

    Raises:
        UsageError: the space is another, or the sentences for and against a label are the same.
    """
    import numpy as np

    if space == "backbone":
        raise UsageError("no sentence lies in the space of a backbone: --space llm or encoder")
    told = [prompts.of(label) for label in labels]
    sentences = list(dict.fromkeys(text for said in told for text in (*said.present, *said.absent)))
    vectors = dict(zip(sentences, sentence_vectors(sentences, space, checkpoint, embedder), strict=True))
    scale = checkpoint.encoder.log_scale.exp().item()
    heads = []
    for label, said in zip(labels, told, strict=True):
        present, absent = (_mean([vectors[text] for text in texts]) for texts in (said.present, said.absent))
        weights = (present - absent).astype(np.float64)
        if not weights.any():
            raise UsageError(f"the sentences for and against '{label}' are the same: {', '.join(said.present)}")
        heads.append(Head(label, weights, 0.0, scale))
    return heads


def sentence_vectors(
    sentences: Sequence[str], space: Space, checkpoint: Checkpoint, embedder: Embedder | None
) -> np.ndarray:
    """Sentences as vectors of a space, of length 1: (n, D) in the LLM space, (n, d) in the encoder's."""
    import numpy as np

    reads_embeddings = checkpoint.facts.embedder is not None
    embeddings = np.zeros((len(sentences), 0), dtype=np.float32)
    if space == "llm" or reads_embeddings:
        if embedder is None:
            raise UsageError("the vocabulary's embedder is needed for these sentences")
        embeddings = embedder.embed(sentences)
    return embeddings if space == "llm" else checkpoint.text_side.concept_vectors(sentences, embeddings)


def _mean(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of unit vectors, of length 1 again."""
    import numpy as np

    mean = np.mean(vectors, axis=0)
    unit: np.ndarray = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit
