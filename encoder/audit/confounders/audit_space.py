"""The space that an audit looks at images in: an encoder's vectors, and the concepts as directions of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from encoder.audit.confounders.erasing import Rescore
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.result import Kind
from encoder.audit.confounders.row_evidence import encoder_of
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.head import Space
from encoder.prediction.runs import read_run, require_its_vectors
from encoder.prediction.view import view_of
from encoder.space.concept_space import ConceptSpace, open_space
from encoder.space.fitted.fit import open_directions
from encoder.vectors.encoders import StoredEncoder
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase

KINDS: tuple[Kind, ...] = ("image", "report", "attribute")


@dataclass(frozen=True, eq=False)
class AuditSpace:
    """The encoder whose vectors say what is in an image, with its concepts; all None if there is none.

    Attributes:
        encoder: its id.
        checkpoint: where it was trained; None for one whose concepts are fitted.
        space: its concept space; likewise.
        concepts: the concepts as directions of it; None where it has none that can be trusted.
        notes: why there is none, where one could have been expected; how directions were fitted.
    """

    encoder: str | None = None
    checkpoint: Checkpoint | None = None
    space: ConceptSpace | None = None
    concepts: Concepts | None = None
    notes: tuple[str, ...] = ()


def open_audit_space(kb: KnowledgeBase, run: str, named: str | None, *, kinds: Collection[Kind] = KINDS) -> AuditSpace:
    """The space that images of a run are looked at in.

    Raises:
        UsageError: several encoders could be meant, or the one that is named is not there.
        ClearKbError: nothing but images is looked at, and the encoder has no concept that can be trusted.
    """
    if "image" not in kinds:
        return AuditSpace()
    try:
        encoder = encoder_of(kb, run, named)
    except UsageError as error:
        if named is not None or set(kinds) == {"image"}:
            raise
        # Reports and attributes need no vectors: they are looked at all the same.
        return AuditSpace(notes=(f"nothing is looked at by images: {error}",))
    if encoder is None:
        return AuditSpace(notes=("no image has a vector here: none is encoded",))
    try:
        return _fitted_space(kb, encoder) if encoder.without_concepts else _own_space(kb, encoder)
    except ClearKbError as error:
        if set(kinds) == {"image"} or (named is not None and not encoder.without_concepts):
            raise
        # Its vectors tell of likeness all the same; whose checkpoint is lost is not known to be read rightly.
        told = f"concepts are not tested by images: {error}"
        return AuditSpace(encoder=encoder.encoder if encoder.without_concepts else None, notes=(told,))


def _own_space(kb: KnowledgeBase, encoder: StoredEncoder) -> AuditSpace:
    checkpoint = encoder.checkpoint()
    space = open_space(kb, checkpoint)
    return AuditSpace(checkpoint.encoder_id, checkpoint, space, _concepts(space.concepts, space.vectors))


def _fitted_space(kb: KnowledgeBase, encoder: StoredEncoder) -> AuditSpace:
    found = open_directions(kb, encoder)
    return AuditSpace(encoder.encoder, None, None, _concepts(found.concepts, found.vectors), (found.told,))


def _concepts(table: pa.Table, vectors: np.ndarray) -> Concepts:
    present = np.array([said == "present" for said in table["assertion"].to_pylist()], dtype=bool)
    columns = [table[name].to_pylist() for name in ("concept_id", "text", "finding")]
    return Concepts(columns[0], columns[1], columns[2], present, vectors)


def rescorer(kb: KnowledgeBase, run: str, label: str, *, space: AuditSpace) -> Rescore | None:
    """What a run of ours says of other image vectors; None if it reads something else, or came as a table.

    Raises:
        UsageError: it was made of vectors of another precision than those that are stored.
    """
    try:
        read = read_run(kb, run)
    except UsageError:
        return None
    head, checkpoint = read.head(label), space.checkpoint
    if read.encoder != space.encoder or read.space == "backbone" or (read.space == "llm" and checkpoint is None):
        return None
    require_its_vectors(kb, read)
    projector = None
    if read.space == "llm" and checkpoint is not None:
        at = kb.at(read.vocabulary_commit) if read.vocabulary_commit else kb
        projector = open_space(at, checkpoint, weighting=read.weighting).projector

    reads: Space = read.space  # type: ignore[assignment]  # what a run stores is one of these

    def rescore(vectors: np.ndarray) -> np.ndarray:
        logits: np.ndarray = view_of(reads, vectors, projector).logits([head])[:, 0]
        return logits

    return rescore
