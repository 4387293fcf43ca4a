"""Zero-shot: a label is predicted from sentences that say it holds and sentences that say it does not.

In the LLM space the sentences are embedded by the vocabulary's embedder, as published; in the encoder's own space they
go through its text side. Several sentences are averaged. The head is the difference of the two directions or, without
contrast, the first of them alone: if nobody ever denies a finding (a pacemaker, say), "no x" is no more than noise.

"No finding" is no finding of its own. To an embedder "normal chest" is a sentence about a chest like any other, and in
the LLM space it ranks images upside down (AUROC 0.05 to 0.56 on phantoms). Beside other labels it is therefore
predicted as the opposite of all of them; a prompt set that names the label overrules that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.head import Head, Space
from encoder.prediction.prompts import PromptSet
from kb.errors import UsageError
from kb.language.label_names import is_no_finding
from kb.vectors.embedding import Embedder

FEWEST_FINDINGS = 2
"""Findings beside which "no finding" is the opposite of them all."""

Contrast = Literal["absent", "none"]
"""Whether the sentences against a label are taken off those for it."""


def zero_shot_heads(
    labels: Sequence[str],
    prompts: PromptSet,
    space: Space,
    *,
    checkpoint: Checkpoint,
    embedder: Embedder | None,
    contrast: Contrast = "absent",
) -> list[Head]:
    """The heads of labels, from their sentences.

    Args:
        labels: which.
        prompts: their sentences.
        space: `llm` or `encoder`.
        checkpoint: whose images are read.
        embedder: the vocabulary's; None if only words are needed.
        contrast: whether the sentences against a label count.

    Raises:
        UsageError: the space is another, or the sentences for and against a label are the same.
    """
    if space == "backbone":
        raise UsageError("no sentence lies in the space of a backbone: name llm or encoder", parameter="space")
    heads = _from_sentences(labels, prompts, space, checkpoint=checkpoint, embedder=embedder, contrast=contrast)
    findings = [head for head in heads if not is_no_finding(head.label)]
    normal = [head for head in heads if is_no_finding(head.label) and head.label not in prompts.labels]
    if len(findings) < FEWEST_FINDINGS:
        return heads
    none_of_them = -np.mean([head.weights / np.linalg.norm(head.weights) for head in findings], axis=0)
    return [replace(head, weights=none_of_them) if head in normal else head for head in heads]


def _from_sentences(
    labels: Sequence[str],
    prompts: PromptSet,
    space: Space,
    checkpoint: Checkpoint,
    embedder: Embedder | None,
    contrast: Contrast,
) -> list[Head]:
    entries = [prompts.of(label) for label in labels]
    sentences = list(dict.fromkeys(text for said in entries for text in (*said.present, *said.absent)))
    vectors = dict(zip(sentences, sentence_vectors(sentences, space, checkpoint, embedder=embedder), strict=True))
    scale = checkpoint.encoder.log_scale.exp().item()
    heads = []
    for label, said in zip(labels, entries, strict=True):
        present, absent = (_mean([vectors[text] for text in texts]) for texts in (said.present, said.absent))
        weights = (present - absent if contrast == "absent" else present).astype(np.float64)
        if not weights.any():
            raise UsageError(f"the sentences for and against '{label}' are the same: {', '.join(said.present)}")
        heads.append(Head(label, weights, 0.0, scale))
    return heads


def sentence_vectors(
    sentences: Sequence[str], space: Space, checkpoint: Checkpoint, *, embedder: Embedder | None
) -> np.ndarray:
    """Sentences as vectors of a space, of length 1: (n, D) in the LLM space, (n, d) in the encoder's."""
    reads_embeddings = checkpoint.facts.embedder is not None
    embeddings = np.zeros((len(sentences), 0), dtype=np.float32)
    if space == "llm" or reads_embeddings:
        if embedder is None:
            raise UsageError("the vocabulary's embedder is needed for these sentences")
        embeddings = embedder.embed(sentences)
    return embeddings if space == "llm" else checkpoint.text_side.concept_vectors(sentences, embeddings)


def _mean(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of unit vectors, of length 1 again."""
    mean = np.mean(vectors, axis=0)
    unit: np.ndarray = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit
