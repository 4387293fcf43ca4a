"""`encode`: the vectors of images by an encoder, streamed into the table `image_vectors`, taken up where it stopped."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from encoder.devices import choose_device, to_device
from encoder.model.checkpoint import Checkpoint
from encoder.vectors.pixels import PixelReader
from kb.batched import batched
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.store.publication import Publication
from kb.store.sqltext import literals
from schemas.tables import ENCODERS, IMAGE_VECTORS
from schemas.terms import BACKBONE

logger = logging.getLogger("clear_kb.encoder")

Layer = Literal["projection", "backbone"]
COMMIT_EVERY_S = 120
"""Seconds of work after which what was made is committed: an interruption costs no more than that."""

COMMIT_EVERY = 20_000
"""Images after which it is, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeResult:
    """What an encoding did."""

    encoder: str
    images: int
    encoded: int
    known: int
    seconds: float
    commit: str | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Image:
    image_id: str
    content_hash: str


def encode(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    *,
    layer: Layer = "projection",
    where: str | None = None,
    batch_size: int = 64,
    device: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> EncodeResult:
    """Encode the images of `kb` that have no vector of this encoder yet, or another picture than it was made from.

    Args:
        kb: where the images are and the vectors go; it stands on the new commit afterwards.
        checkpoint: the encoder.
        layer: `projection` for vectors of the shared space; `backbone` for what lies before it, to compare with.
        where: SQL over the columns of `images` that chooses some of them.
        batch_size: images a forward pass.
        device: default: the best there is.
        by: who.
        why: the reason.
        dry_run: count, and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: there are no such images, or pixels are missing; the message says how they are made.
    """
    watcher, started = watcher or Silent(), time.perf_counter()
    identity = checkpoint.encoder_id + (BACKBONE if layer == "backbone" else "")
    images = _images(kb, where)
    todo = _without_vectors(kb, identity, images)
    reader = PixelReader(kb, checkpoint.preprocessing)
    reader.check([image.content_hash for image in todo])
    commit = None
    if not dry_run and not todo:
        commit = _note_where_it_stands(kb, checkpoint, identity, by, why)
    elif not dry_run:
        vectors = _vectors(checkpoint, layer, todo, reader=reader, size=batch_size, device=device)
        commit = _store(kb, checkpoint, identity, images=todo, vectors=vectors, watcher=watcher, by=by, why=why)
    seconds = time.perf_counter() - started
    logger.info("images: %d of %d encoded by %s, %.2f s", len(todo), len(images), identity, seconds)
    return EncodeResult(
        encoder=identity,
        images=len(images),
        encoded=len(todo),
        known=len(images) - len(todo),
        seconds=seconds,
        commit=commit,
    )


def _images(kb: KnowledgeBase, where: str | None) -> list[_Image]:
    try:
        table = kb.dataset("images").to_table(columns=["image_id", "content_hash"], filter=where)
    except (OSError, ValueError) as error:
        raise UsageError(f"where {where}: {str(error).splitlines()[0]}") from error
    found = [_Image(**row) for row in table.sort_by("image_id").to_pylist()]
    if not found:
        among = f" where {where}" if where else ""
        raise UsageError(f"there are no images in {kb.uri}{among}", need=None if where else "images")
    return found


def _without_vectors(kb: KnowledgeBase, identity: str, images: Sequence[_Image]) -> list[_Image]:
    stored = kb.dataset("image_vectors").to_table(
        columns=["image_id", "content_hash"], filter=f"encoder IN {literals([identity])}"
    )
    known = set(zip(stored["image_id"].to_pylist(), stored["content_hash"].to_pylist(), strict=True))
    return [image for image in images if (image.image_id, image.content_hash) not in known]


def _vectors(
    checkpoint: Checkpoint, layer: Layer, images: Sequence[_Image], reader: PixelReader, size: int, device: str | None
) -> Iterator[np.ndarray]:
    """The vectors of the images in their order, a batch at a time: float32, (n, d)."""
    import torch

    chosen = choose_device(device)
    tower = checkpoint.encoder.image.to(chosen).eval()
    run = tower if layer == "projection" else tower.features
    kind = chosen.split(":")[0]
    precision = torch.autocast(kind, torch.bfloat16) if kind == "cuda" else nullcontext()
    contents = [[image.content_hash for image in batch] for batch in batched(images, size)]
    with torch.inference_mode(), precision:
        for pixels in reader.batches(contents):
            vectors = run(to_device(pixels, chosen)).float()
            if not torch.isfinite(vectors).all():
                raise ClearKbError(f"encoder {checkpoint.encoder_id} gives vectors that are no numbers: train it again")
            yield vectors.cpu().numpy()


def _store(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    identity: str,
    images: Sequence[_Image],
    vectors: Iterator[np.ndarray],
    watcher: Watcher,
    by: str | None,
    why: str | None,
) -> str | None:
    """Write vectors as they come, in a commit every now and then; the id of the last commit."""
    watcher.stage("encoding", len(images))
    done, first, since, last = 0, 0, time.monotonic(), None
    waiting: list[np.ndarray] = []
    for batch in vectors:
        waiting.append(batch)
        done += len(batch)
        watcher.advance(done, done)
        if done == len(images) or done - first >= COMMIT_EVERY or time.monotonic() - since > COMMIT_EVERY_S:
            last = _publish(kb, checkpoint, identity, images=images[first:done], batches=waiting, by=by, why=why)
            waiting, first, since = [], done, time.monotonic()
    return last


def _publish(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    identity: str,
    images: Sequence[_Image],
    batches: Sequence[np.ndarray],
    by: str | None,
    why: str | None,
) -> str | None:
    matrix = np.concatenate(batches)

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        ids = [image.image_id for image in images]
        for chunk in batched(range(len(images)), 4_096):
            where = f"encoder IN {literals([identity])} AND image_id IN {literals(ids[n] for n in chunk)}"
            if publication.dataset("image_vectors").count_rows(where):
                publication.delete("image_vectors", where)
        publication.write("image_vectors", _batches(identity, images, matrix))
        _register(publication, checkpoint, identity, matrix.shape[1])
        return {"encoder": identity, "images": len(images)}, None

    commit, _ = kb.publish("encode", change, by=by, why=why)
    return commit.commit_id if commit else None


def _batches(identity: str, images: Sequence[_Image], matrix: np.ndarray) -> Iterator[Any]:
    size = 8_192
    for start in range(0, len(images), size):
        part, chosen = images[start : start + size], matrix[start : start + size]
        offsets = np.arange(len(part) + 1, dtype=np.int32) * chosen.shape[1]
        columns = [
            pa.array([image.image_id for image in part]),
            pa.array([image.content_hash for image in part]),
            pa.array([identity] * len(part)),
            pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(chosen, np.float32).reshape(-1))),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=IMAGE_VECTORS.schema)


def _note_where_it_stands(
    kb: KnowledgeBase, checkpoint: Checkpoint, identity: str, by: str | None, why: str | None
) -> str | None:
    """Nothing is to be encoded, but the checkpoint may have moved."""
    rows = kb.dataset("encoders").to_table(filter=f"encoder IN {literals([identity])}").to_pylist()
    if not rows or rows[0]["checkpoint"] == str(Path(checkpoint.folder).resolve()):
        return None

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        _register(publication, checkpoint, identity, rows[0]["dimension"])
        return {"encoder": identity, "images": 0}, None

    commit, _ = kb.publish("encode", change, by=by, why=why)
    return commit.commit_id if commit else None


def _register(publication: Publication, checkpoint: Checkpoint, identity: str, dimension: int) -> None:
    """Note which encoder this is, and where its checkpoint stands now."""
    facts = checkpoint.facts
    row = {
        "encoder": identity,
        "checkpoint": str(Path(checkpoint.folder).resolve()),
        "dimension": dimension,
        "objective": facts.objective,
        "preprocessing": json.dumps(facts.preprocessing, sort_keys=True),
        "embedder": facts.embedder,
        "vocabulary_commit": facts.vocabulary_commit,
    }
    where = f"encoder IN {literals([identity])}"
    if publication.dataset("encoders").to_table(filter=where).to_pylist() == [row]:
        return
    publication.replace("encoders", where, [pa.RecordBatch.from_pylist([row], schema=ENCODERS.schema)])
