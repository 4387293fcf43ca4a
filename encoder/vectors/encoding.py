"""`encode`: the vectors of images by an encoder, streamed into the table `image_vectors`, taken up where it stopped."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from encoder.devices import choose_device
from encoder.model.checkpoint import Checkpoint, described
from encoder.vectors.encoding_work import Encoded, Encoding, Layer, encoding_work
from encoder.vectors.pixels import PixelReader
from encoder.vectors.precision import Asked, Computed, Precision, chosen_precision, computed, kind_of_device
from kb.batched import batched
from kb.engines.local import LocalEngine
from kb.engines.work import Engine
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.store.publication import Publication
from kb.store.sqltext import literals
from schemas.tables import ENCODERS, IMAGE_VECTORS
from schemas.terms import BACKBONE, FROZEN

logger = logging.getLogger("clear_kb.encoder")

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
    computed: Computed

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        told = {name: getattr(self, name) for name in self.__slots__ if name != "computed"}
        return {**told, "precision": self.computed.precision, "devices": list(self.computed.devices)}


@dataclass(frozen=True, slots=True)
class _Image:
    image_id: str
    content_hash: str


@dataclass(frozen=True, eq=False)
class _Job:
    """Whose vectors are stored under which id, how they are computed, and what the act is signed with.

    Where `afresh`, those that are there go when the first new ones come: none of another precision is left beside them.
    """

    checkpoint: Checkpoint
    identity: str
    precision: Precision
    afresh: bool
    by: str | None
    why: str | None


def encode(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    *,
    layer: Layer = "projection",
    where: str | None = None,
    batch_size: int = 64,
    device: str | None = None,
    precision: Asked = "auto",
    again: bool = False,
    engine: Engine | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> EncodeResult:
    """Encode the images of `kb` that have no vector of this encoder yet, or another picture than it was made from.

    All vectors of an encoder are of one precision: it is stored beside them, and further ones are computed in it.

    Args:
        kb: where the images are and the vectors go; it stands on the new commit afterwards.
        checkpoint: the encoder.
        layer: `projection` for vectors of the shared space; `backbone` for what lies before it, to compare with.
        where: SQL over the columns of `images` that chooses some of them.
        batch_size: images a forward pass.
        device: default: the best there is.
        precision: of the forward pass; see `encoder.vectors.precision`.
        again: encode all images, in place of all vectors of this encoder.
        engine: where; None is this process. Workers elsewhere have to find the checkpoint and the knowledge base.
        by: who.
        why: the reason.
        dry_run: count, and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: there are no such images, pixels are missing (the message says how they are made), or the vectors
            that are there are of another precision.
    """
    watcher, started = watcher or Silent(), time.perf_counter()
    if again and where is not None:
        raise UsageError("all vectors are replaced, so that all images are encoded: name no condition")
    if layer == "backbone" and checkpoint.facts.objective == FROZEN:
        raise UsageError(f"encoder {checkpoint.encoder_id} is a frozen backbone: there is no projection to look before")
    identity = checkpoint.encoder_id + (BACKBONE if layer == "backbone" else "")
    chosen = chosen_precision(None if again and precision != "auto" else computed(kb, identity), precision, identity)
    engine = engine or LocalEngine()
    there = () if engine.remote else (kind_of_device(choose_device(device)),)
    job = _Job(checkpoint, identity, chosen, again, by, why)
    images = _images(kb, where)
    todo = images if again else _without_vectors(kb, identity, images)
    reader = PixelReader(kb, checkpoint.preprocessing)
    reader.check([image.content_hash for image in todo])
    commit = None
    if not dry_run and not todo:
        commit = _note_where_it_stands(kb, job)
    elif not dry_run:
        how = Encoding(
            folder=Path(checkpoint.folder).resolve(),
            encoder_id=checkpoint.encoder_id,
            layer=layer,
            precision=chosen,
            device=device,
        )
        work = encoding_work(how, None if engine.remote else checkpoint, kb.storage, reader)
        batches = batched((image.content_hash for image in todo), batch_size)
        vectors = (found for _, found in engine.map(work, batches, reader.places))
        commit = _store(kb, job, images=todo, vectors=vectors, watcher=watcher)
    seconds = time.perf_counter() - started
    logger.info("images: %d of %d encoded by %s, %.2f s", len(todo), len(images), identity, seconds)
    return EncodeResult(
        encoder=identity,
        images=len(images),
        encoded=len(todo),
        known=len(images) - len(todo),
        seconds=seconds,
        commit=commit,
        computed=(None if dry_run else computed(kb, identity)) or Computed(chosen, there),
    )


def check_pixels(kb: KnowledgeBase, preprocessing: Preprocessing, where: str | None = None) -> None:
    """Refuse an encoding of which images or all pixels are missing (UsageError), before its encoder is at hand.

    Some may be: images that have their vectors need none any more, and only the encoder's id tells which these are.
    """
    reader, contents = PixelReader(kb, preprocessing), [image.content_hash for image in _images(kb, where)]
    if not any(reader.holds(content) for content in contents):
        reader.check(contents)


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


def _store(
    kb: KnowledgeBase, job: _Job, images: Sequence[_Image], vectors: Iterator[Encoded], watcher: Watcher
) -> str | None:
    """Write vectors as they come, in a commit every now and then; the id of the last commit."""
    watcher.stage("encoding", len(images))
    done, first, since, last = 0, 0, time.monotonic(), None
    waiting: list[Encoded] = []
    for batch in vectors:
        waiting.append(batch)
        done += len(batch.vectors)
        watcher.advance(done, done)
        if done == len(images) or done - first >= COMMIT_EVERY or time.monotonic() - since > COMMIT_EVERY_S:
            last = _publish(kb, job, images=images[first:done], batches=waiting)
            job, waiting, first, since = replace(job, afresh=False), [], done, time.monotonic()
    return last


def _publish(kb: KnowledgeBase, job: _Job, images: Sequence[_Image], batches: Sequence[Encoded]) -> str | None:
    matrix = np.concatenate([batch.vectors for batch in batches])
    own = Computed(job.precision, tuple(sorted({batch.device for batch in batches})))

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        made = _made_room(publication, job, own, [image.image_id for image in images])
        publication.write("image_vectors", _batches(job.identity, images, matrix))
        _register(publication, job, dimension=matrix.shape[1], made=made)
        return {"encoder": job.identity, "images": len(images), "precision": made.precision}, None

    commit, _ = kb.publish("encode", change, by=job.by, why=job.why)
    return commit.commit_id if commit else None


def _made_room(publication: Publication, job: _Job, own: Computed, image_ids: Sequence[str]) -> Computed:
    """Take away the vectors that new ones replace; what those (`own`) and the rest are computed in then.

    Raises:
        UsageError: the rest is of another precision, which another process has stored since this one began.
    """
    mine = f"encoder IN {literals([job.identity])}"
    there = computed(publication, job.identity)
    if job.afresh and there is not None:
        publication.delete("image_vectors", mine)
        return own
    if there is None:
        return own
    chosen_precision(there, job.precision, job.identity)
    for chunk in batched(image_ids, 4_096):
        where = f"{mine} AND image_id IN {literals(chunk)}"
        if publication.dataset("image_vectors").count_rows(where):
            publication.delete("image_vectors", where)
    return Computed(job.precision, tuple(sorted({*there.devices, *own.devices})))


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


def _note_where_it_stands(kb: KnowledgeBase, job: _Job) -> str | None:
    """Nothing is to be encoded, but the checkpoint may have moved."""
    rows = kb.dataset("encoders").to_table(filter=f"encoder IN {literals([job.identity])}").to_pylist()
    there = computed(kb, job.identity)
    if there is None or rows[0]["checkpoint"] == str(Path(job.checkpoint.folder).resolve()):
        return None

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        _register(publication, job, dimension=rows[0]["dimension"], made=there)
        return {"encoder": job.identity, "images": 0}, None

    commit, _ = kb.publish("encode", change, by=job.by, why=job.why)
    return commit.commit_id if commit else None


def _register(publication: Publication, job: _Job, dimension: int, made: Computed) -> None:
    """Note which encoder this is, where its checkpoint stands now, and what its vectors are computed in."""
    facts = job.checkpoint.facts
    row = {
        "encoder": job.identity,
        "checkpoint": str(Path(job.checkpoint.folder).resolve()),
        "dimension": dimension,
        "objective": facts.objective,
        "preprocessing": json.dumps(described(facts), sort_keys=True),
        "embedder": facts.embedder,
        "vocabulary_commit": facts.vocabulary_commit,
        "precision": made.precision,
        "devices": list(made.devices),
    }
    where = f"encoder IN {literals([job.identity])}"
    if publication.dataset("encoders").to_table(filter=where).to_pylist() == [row]:
        return
    publication.replace("encoders", where, [pa.RecordBatch.from_pylist([row], schema=ENCODERS.schema)])
