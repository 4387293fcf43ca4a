"""The encoders whose vectors are stored: those trained or imported, frozen backbones, and foreign ones.

What looks at vectors alone (confounders, slices, images alike) takes any; what encodes or predicts needs a checkpoint,
which foreign ones have not; what reads sentences or explains needs a text side, which frozen backbones have not either.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoder.model.checkpoint import Checkpoint, CheckpointFacts, encoder_id, load_checkpoint, read_facts
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from schemas.terms import BACKBONE, FOREIGN, FROZEN


@dataclass(frozen=True, slots=True)
class StoredEncoder:
    """An encoder whose vectors are stored, or may be.

    Attributes:
        encoder: its id; of a foreign one the name that it was given.
        folder: where its checkpoint stands; None for a foreign one, which has none.
        backbone: the name of a frozen backbone, which has no text side; None for all others.
    """

    encoder: str
    folder: Path | None
    backbone: str | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether only its vectors came."""
        return self.folder is None

    @property
    def without_concepts(self) -> bool:
        """Whether no concept has a vector in its space but by a fitted map: it is foreign, or a frozen backbone."""
        return self.is_foreign or self.backbone is not None

    def checkpoint(self) -> Checkpoint:
        """Its checkpoint.

        Raises:
            UsageError: it is foreign, or its checkpoint is no longer where it stood.
        """
        if self.folder is None:
            raise UsageError(
                f"encoder {self.encoder} came as a file of vectors: this needs an encoder whose checkpoint is here",
                parameter="encoder",
            )
        if not self.folder.is_dir():
            raise UsageError(
                f"the checkpoint of encoder {self.encoder} stood in {self.folder}: name its folder", parameter="encoder"
            )
        checkpoint = load_checkpoint(self.folder)
        if checkpoint.encoder_id != self.encoder:
            raise UsageError(f"{self.folder} now holds encoder {checkpoint.encoder_id}, not {self.encoder}")
        return checkpoint


def known_encoders(kb: KnowledgeBase) -> list[StoredEncoder]:
    """The encoders whose vectors are stored, those of backbones left out."""
    columns = ["encoder", "checkpoint", "objective", "preprocessing"]
    rows = kb.dataset("encoders").to_table(columns=columns).to_pylist()
    return sorted(
        (_stored(row) for row in rows if not row["encoder"].endswith(BACKBONE)), key=lambda known: known.encoder
    )


def find_encoder(kb: KnowledgeBase, named: str | None = None) -> StoredEncoder:
    """An encoder whose vectors are stored, or whose checkpoint is named.

    Args:
        kb: where.
        named: its id or the beginning of that, the folder of its checkpoint, or the name of a frozen backbone; None if
            there is only one.

    Raises:
        UsageError: none or several fit.
    """
    return _found(kb, known_encoders(kb), named)


def find_foreign(kb: KnowledgeBase, named: str | None = None) -> StoredEncoder:
    """An encoder without concepts of its own; where none is named, those with a text side are passed over.

    Raises:
        UsageError: none or several fit.
    """
    known = known_encoders(kb)
    foreign = [one for one in known if one.without_concepts]
    return _found(kb, foreign if named is None and foreign else known, named)


def find_checkpoint(kb: KnowledgeBase, named: str | None = None, *, text_side: bool = False) -> Checkpoint:
    """The checkpoint of an encoder; where none is named, foreign encoders are passed over.

    Args:
        kb: where.
        named: its folder, its id or the beginning of that, or the name of a frozen backbone; None if there is only one.
        text_side: whether it is one that reads texts or embeddings; frozen backbones are then passed over too.

    Raises:
        UsageError: none or several fit, it is foreign, or its checkpoint is no longer where it stood.
    """
    known = known_encoders(kb)
    ours = [one for one in known if not (one.without_concepts if text_side else one.is_foreign)]
    return _found(kb, ours if named is None and ours else known, named).checkpoint()


def _stored(row: dict[str, Any]) -> StoredEncoder:
    folder = None if row["objective"] == FOREIGN else Path(row["checkpoint"])
    frozen = row["objective"] == FROZEN
    return StoredEncoder(row["encoder"], folder, json.loads(row["preprocessing"])["backbone"] if frozen else None)


def stored_as(checkpoint: Checkpoint) -> StoredEncoder:
    """The encoder of a checkpoint, as its vectors are stored."""
    return _of_folder(checkpoint.folder, checkpoint.facts)


def _of_folder(folder: Path, facts: CheckpointFacts) -> StoredEncoder:
    frozen = facts.objective == FROZEN
    return StoredEncoder(encoder_id(facts), folder, str(facts.training.get("backbone")) if frozen else None)


def _found(kb: KnowledgeBase, known: list[StoredEncoder], named: str | None) -> StoredEncoder:
    exact = [one for one in known if named is not None and named in (one.encoder, one.backbone)]
    if not exact and named is not None and Path(named).is_dir():
        return _of_folder(Path(named), read_facts(Path(named)))
    fitting = exact or [one for one in known if named is None or one.encoder.startswith(named)]
    if len(fitting) == 1:
        return fitting[0]
    text = ", ".join(f"{one.encoder} ({one.backbone or one.folder or 'foreign'})" for one in known)
    text = text or "of no encoder yet"
    if not fitting:
        wrong = "which encoder?" if named is None else f"there is no folder {named}, and no encoder whose id begins so:"
        raise UsageError(f"{wrong} {kb.uri} has vectors {text}; name a checkpoint", parameter="encoder")
    raise UsageError(f"which encoder? {kb.uri} has vectors of {text}: name one", parameter="encoder")
