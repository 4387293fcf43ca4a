"""What a training says of the checkpoint that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encoder.model.checkpoint import CheckpointFacts
from encoder.model.encoder import Encoder
from encoder.training.config import TrainConfig
from encoder.training.log import EpochResult
from encoder.training.origin import Origin
from kb.knowledge_base import KnowledgeBase


def facts_of(
    kb: KnowledgeBase,
    config: TrainConfig,
    encoder: Encoder,
    *,
    result: EpochResult,
    origin: Origin,
    made_for: Mapping[str, Any],
) -> CheckpointFacts:
    """What is known of an encoder after an epoch of its training at a commit.

    Args:
        kb: the vocabulary that it was trained against.
        config: the training.
        encoder: the encoder; its weights are not looked at.
        result: its best epoch.
        origin: where its weights came from.
        made_for: what made it this training: what it was computed in, and on what, among it.
    """
    measured = {"validation_loss": result.validation_loss, "epoch": float(result.epoch)}
    if result.validation_auroc is not None:
        measured["validation_auroc"] = result.validation_auroc
    embedder = kb.embedder if config.objective == "concepts" else None
    return CheckpointFacts(
        objective=config.objective,
        architecture=encoder.architecture.to_dict(),
        preprocessing=config.preprocessing.to_dict(),
        embedder=embedder.embedder_id if embedder else None,
        embedder_dimension=embedder.dimension if embedder else None,
        vocabulary_commit=kb.commit.commit_id,
        metrics=measured,
        training={
            **config.to_dict(),
            "revision": origin.revision or config.revision,
            "precision": made_for["precision"],
            "device": made_for["device"],
            "started_from": origin.source if config.start else None,
        },
    )
