"""Importing the published release: its file of weights becomes a checkpoint folder."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path

from encoder.model.checkpoint import FACTS, Checkpoint, CheckpointFacts, save_checkpoint
from encoder.model.state_dict import read_state_dict
from encoder.release.clip_tokenizer import clip_tokenizer, merges_file
from encoder.release.conversion import release_encoder
from encoder.release.sizes import read_sizes
from kb.errors import ClearKbError, UsageError
from kb.images.preprocessing import PUBLISHED, Preprocessing
from schemas.terms import IMPORTED


def import_release(
    source: Path, folder: Path, merges: Path | None = None, *, preprocessing: Preprocessing | None = None
) -> Checkpoint:
    """Write the published weights in `source` to `folder` as a checkpoint.

    Args:
        source: a state dict, `best_model.pt`.
        folder: of the checkpoint; it has none yet.
        merges: of CLIP's tokens; default: those in an installed open_clip.
        preprocessing: how its pictures are made; default: as by the published code.

    Raises:
        UsageError: a file is not there, the folder is taken, or the size is no multiple of the patch.
        ClearKbError: `source` is not the published architecture, or cannot be read safely.
    """
    preprocessing = preprocessing or PUBLISHED
    if (folder / FACTS).exists():
        raise UsageError(f"{folder} holds a checkpoint already: name another folder")
    tensors = read_state_dict(source)
    words = merges_file(merges)
    try:
        sizes = read_sizes(tensors)
        encoder = release_encoder(tensors, clip_tokenizer(words, sizes.vocabulary, sizes.context), preprocessing.size)
    except UsageError:
        raise
    except ClearKbError as error:
        raise ClearKbError(f"{source}: {error}") from error
    facts = CheckpointFacts(
        objective=IMPORTED,
        architecture=encoder.architecture.to_dict(),
        preprocessing=preprocessing.to_dict(),
        training={"source": source.name, "sha256": _sha256(source), "merges": words.name},
    )
    return save_checkpoint(folder, encoder, facts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
