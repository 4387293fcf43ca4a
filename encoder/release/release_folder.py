"""The whole release at once: the weights become a checkpoint, the bank a vocabulary in which every text counts.

    best_model.pt            the encoder
    mimic_concepts.csv       the texts of the bank
    concept_embeddings*.pt   their embeddings, if there are any

What the bank lacks for the published zero-shot (embeddings, or the name of what made them) is told here, not when the
images have been encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from encoder.model.checkpoint import FACTS, Checkpoint, load_checkpoint
from encoder.release.clip_tokenizer import MERGES_FILE
from encoder.release.importing import import_release
from kb.errors import UsageError
from kb.exchange.clear_bank import PUBLISHED_DIMENSION, PUBLISHED_NAME, clear_bank
from kb.exchange.importing import ImportResult, import_records
from kb.exchange.incoming import Incoming
from kb.images.preprocessing import PUBLISHED, Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.vectors.embedding.embedder import FILE_SCHEME

WEIGHTS, TEXTS, EMBEDDINGS = "best_model.pt", "mimic_concepts.csv", "concept_embeddings*.pt"
MERGES = (MERGES_FILE, "merges.txt")

TRIED = 8
OWN = 0.999
"""Cosine from which on a row of the tensor is the encoder's own vector of its text, and no embedding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """What became of a release.

    Attributes:
        checkpoint: the encoder.
        known: whether the checkpoint was there from before.
        bank: what the import of its concepts did.
        embedder: the name of what made the embeddings; None where nobody knows, or there are none.
        lacks: what the published zero-shot still needs, in words.
    """

    checkpoint: Checkpoint
    known: bool
    bank: ImportResult
    embedder: str | None
    lacks: str

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "folder": str(self.checkpoint.folder),
            "encoder": self.checkpoint.encoder_id,
            "known": self.known,
            "preprocessing": self.checkpoint.facts.preprocessing,
            "concepts": self.bank.to_dict(),
            "embedder": self.embedder,
            "lacks": self.lacks,
        }


def import_folder(
    kb: KnowledgeBase,
    release: Path,
    out: Path,
    *,
    merges: Path | None = None,
    embedder: str | None = None,
    preprocessing: Preprocessing = PUBLISHED,
    by: str | None = None,
    why: str | None = None,
    watcher: Watcher | None = None,
) -> ReleaseResult:
    """Import the published release that lies in a folder: a checkpoint in `out`, and its bank, verbatim.

    Args:
        kb: where the concepts go; it stands on the new commit afterwards.
        release: the folder of the three files.
        out: of the checkpoint. One of the same weights that is there already is taken.
        merges: of CLIP's tokens; default: those in the folder, or of an installed open_clip.
        embedder: the model that made the embeddings; default: the published one, where the dimension is its own.
        preprocessing: how pictures are made; default: as by the published code.
        by: who.
        why: the reason.
        watcher: hears how it goes.

    Raises:
        UsageError: a file is missing, not what it should be, or does not fit the others; or `out` is taken.
        ClearKbError: the weights are not of the published architecture.
    """
    watcher = watcher or Silent()
    weights, texts, tensor = _files(release)
    # Whether the files fit is known before the weights are read; whose the vectors are, only with the encoder.
    incoming = clear_bank(texts, tensor, embedder or PUBLISHED_NAME, verbatim=True)
    watcher.stage("weights", None)
    known = _is_of(out, weights, preprocessing)
    if known:
        checkpoint = load_checkpoint(out)
    else:
        given = merges or next((release / name for name in MERGES if (release / name).is_file()), None)
        checkpoint = import_release(weights, out, given, preprocessing=preprocessing)
    watcher.stage("concepts", None)
    own = embedder is None and _are_own(incoming, checkpoint)
    if own:
        incoming = clear_bank(texts, None, verbatim=True)
    elif embedder is None and incoming.info is not None and incoming.info.dimension != PUBLISHED_DIMENSION:
        incoming = clear_bank(texts, tensor, verbatim=True)
    done = 0

    def heard(count: int) -> None:
        nonlocal done
        done += count
        watcher.advance(done, done)

    bank = import_records(kb, incoming, by=by, why=why, on_read=heard)
    name = _name(incoming)
    return ReleaseResult(
        checkpoint=checkpoint, known=known, bank=bank, embedder=name, lacks=_lacks(incoming, name, tensor, own=own)
    )


def _files(release: Path) -> tuple[Path, Path, Path | None]:
    if not release.is_dir():
        raise UsageError(f"there is no folder {release}")
    weights, texts = release / WEIGHTS, release / TEXTS
    if missing := [path.name for path in (weights, texts) if not path.is_file()]:
        raise UsageError(f"{release} has no {' and no '.join(missing)}")
    tensors = sorted(release.glob(EMBEDDINGS))
    if len(tensors) > 1:
        raise UsageError(f"{release} has several tensors of embeddings: {', '.join(path.name for path in tensors)}")
    return weights, texts, tensors[0] if tensors else None


def _is_of(out: Path, weights: Path, preprocessing: Preprocessing) -> bool:
    """Whether a folder holds the checkpoint of these weights and this preprocessing already."""
    if not (out / FACTS).is_file():
        return False
    facts = load_checkpoint(out).facts
    with weights.open("rb") as file:
        same = facts.training.get("sha256") == file_digest(file, "sha256").hexdigest()
    return same and facts.preprocessing == preprocessing.to_dict()


def _are_own(incoming: Incoming, checkpoint: Checkpoint) -> bool:
    """Whether the vectors of a bank are what the encoder's text tower makes of the texts."""
    info, vectors = incoming.info, incoming.vectors
    if info is None or vectors is None or info.dimension != checkpoint.facts.architecture["image"]["dimension"]:
        return False
    said = {at: row["text"] for at, row in enumerate(islice(incoming.records(), TRIED), 1) if "text" in row}
    rows, _ = vectors().take(list(said))
    made = checkpoint.text_side.concept_vectors(list(said.values()), rows)
    return bool((np.einsum("nd,nd->n", rows, made) > OWN).all())


def _name(incoming: Incoming) -> str | None:
    return None if incoming.info is None or incoming.info.name.startswith(FILE_SCHEME) else incoming.info.name


def _lacks(incoming: Incoming, name: str | None, tensor: Path | None, *, own: bool) -> str:
    if own and tensor is not None:
        return f"embeddings: {tensor.name} holds the encoder's own vectors of the texts, which are none"
    if incoming.info is None:
        return "embeddings: there is no tensor of them"
    return "" if name is not None else "the name of what made the embeddings"
