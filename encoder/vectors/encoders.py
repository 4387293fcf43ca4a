"""The encoders whose vectors are stored: those of a checkpoint, and foreign ones, of which only vectors came.

What looks at vectors alone (confounders, slices, images alike) takes any; what encodes, predicts or explains needs the
checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoder.model.checkpoint import Checkpoint, encoder_id, load_checkpoint, read_facts
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from schemas.terms import BACKBONE, FOREIGN


@dataclass(frozen=True, slots=True)
class StoredEncoder:
    """An encoder whose vectors are stored, or may be.

    Attributes:
        encoder: its id; of a foreign one the name that it was given.
        folder: where its checkpoint stands; None for a foreign one, which has none.
    """

    encoder: str
    folder: Path | None

    @property
    def is_foreign(self) -> bool:
        """Whether only its vectors came."""
        return self.folder is None

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
    rows = kb.dataset("encoders").to_table(columns=["encoder", "checkpoint", "objective"]).to_pylist()
    return sorted(
        (_stored(row) for row in rows if not row["encoder"].endswith(BACKBONE)), key=lambda known: known.encoder
    )


def find_encoder(kb: KnowledgeBase, named: str | None = None) -> StoredEncoder:
    """An encoder whose vectors are stored, or whose checkpoint is named.

    Args:
        kb: where.
        named: its id, the folder of its checkpoint, or the beginning of its id; None if there is only one.

    Raises:
        UsageError: none or several fit.
    """
    return _found(kb, known_encoders(kb), named)


def find_foreign(kb: KnowledgeBase, named: str | None = None) -> StoredEncoder:
    """An encoder of which only vectors came; where none is named, those with a checkpoint are passed over.

    Raises:
        UsageError: none or several fit.
    """
    known = known_encoders(kb)
    foreign = [one for one in known if one.is_foreign]
    return _found(kb, foreign if named is None and foreign else known, named)


def find_checkpoint(kb: KnowledgeBase, named: str | None = None) -> Checkpoint:
    """The checkpoint of an encoder; where none is named, foreign encoders are passed over.

    Args:
        kb: where.
        named: its folder, or its id or the beginning of that; None if there is only one.

    Raises:
        UsageError: none or several fit, it is foreign, or its checkpoint is no longer where it stood.
    """
    known = known_encoders(kb)
    ours = [one for one in known if not one.is_foreign]
    return _found(kb, ours if named is None and ours else known, named).checkpoint()


def _stored(row: dict[str, Any]) -> StoredEncoder:
    return StoredEncoder(row["encoder"], None if row["objective"] == FOREIGN else Path(row["checkpoint"]))


def _found(kb: KnowledgeBase, known: list[StoredEncoder], named: str | None) -> StoredEncoder:
    exact = [one for one in known if one.encoder == named]
    if not exact and named is not None and Path(named).is_dir():
        folder = Path(named)
        return StoredEncoder(encoder_id(read_facts(folder)), folder)
    fitting = exact or [one for one in known if named is None or one.encoder.startswith(named)]
    if len(fitting) == 1:
        return fitting[0]
    text = ", ".join(f"{one.encoder} ({one.folder or 'foreign'})" for one in known) or "of no encoder yet"
    if not fitting:
        wrong = "which encoder?" if named is None else f"there is no folder {named}, and no encoder whose id begins so:"
        raise UsageError(f"{wrong} {kb.uri} has vectors {text}; name a checkpoint", parameter="encoder")
    raise UsageError(f"which encoder? {kb.uri} has vectors of {text}: name one", parameter="encoder")
