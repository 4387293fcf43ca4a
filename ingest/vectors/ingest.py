"""Vectors of any model into the knowledge base, under the name of an encoder, as one commit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.vectors.open_file import open_vectors
from ingest.vectors.owners import Owners, find_owners
from ingest.vectors.sound_vectors import Tally, sound_vectors
from ingest.vectors.vector_rows import VectorFile
from kb.batched import batched
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey
from kb.privacy.same_ids import require_same_ids
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from schemas.tables import ENCODERS, IMAGE_VECTORS
from schemas.terms import BACKBONE, FOREIGN

SHOWN = 3
"""Images of elsewhere that a result names."""

AT_ONCE = 2_000
"""Stored vectors that are compared with those of a file at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorResult:
    """What an ingest of vectors did.

    Attributes:
        encoder: the name that they go by.
        source: the file.
        form: what it is.
        read: its rows (with patches: images).
        dimension: numbers of a vector.
        normalised: whether they were brought to length 1.
        shortest: length of the shortest vector as it came; None if none was taken.
        longest: of the longest.
        images: the images that it names.
        here: those of them that are here.
        elsewhere: the first of those that are not.
        taken: vectors that are stored now.
        new: of them, those that were not before.
        repeated: rows that say again what an earlier one said.
        rejected: rows that could not be taken.
        resolved: images found under another spelling, by rule.
        columns_not_used: columns of which nothing is kept.
        stored: "new", "more", "replaced" or "unchanged".
        commit: None if nothing was new, or for a dry run.
    """

    encoder: str
    source: str
    form: str
    read: int
    dimension: int
    normalised: bool
    shortest: float | None
    longest: float | None
    images: int
    here: int
    elsewhere: tuple[str, ...]
    taken: int
    new: int
    repeated: int
    rejected: int
    resolved: Mapping[str, int]
    columns_not_used: tuple[str, ...]
    stored: str
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "commit"}
        lists = {name: list(value) for name, value in fields.items() if isinstance(value, tuple)}
        return {**fields, **lists, "commit": self.commit.commit_id if self.commit else None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is to be stored, and how."""

    file: VectorFile
    owners: Owners
    name: str
    """What the file is called where it is told."""
    encoder: str
    patches: bool
    normalise: bool
    replace: bool

    @property
    def source(self) -> str:
        """What its rejects are stored as."""
        return f"{self.name} (vectors of {self.encoder})"

    def vectors(self, tally: Tally) -> Iterator[tuple[list[str], np.ndarray]]:
        """The images and vectors of the file that can be stored."""
        return sound_vectors(self.file, self.owners, normalise=self.normalise, tally=tally)


@dataclass(frozen=True, slots=True)
class _Done:
    """What a publication did."""

    taken: int
    new: int
    stored: str
    tally: Tally


def ingest_vectors(
    kb: KnowledgeBase,
    path: str | Path,
    encoder: str,
    *,
    ids: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    patches: bool = False,
    normalise: bool = False,
    replace: bool = False,
    encoding: str = "utf-8",
    key: IdKey | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> VectorResult:
    """Ingest the vectors that a model gives images, under the name of an encoder; the same file again changes nothing.

    Images are those that are stored, and those that only labels or predictions speak of. Vectors of others are counted
    and left out: ingest the file again once they are here.

    Args:
        kb: where to; it stands on the new commit afterwards.
        path: Parquet, CSV, .npy, .npz, HDF5 or safetensors.
        encoder: what the model is called.
        ids: a file of ids in the order of the vectors, for arrays that have none beside them.
        columns: which column, or array, holds "image" and "vector".
        patches: an image has several vectors, of its patches: their mean is stored.
        normalise: bring vectors to length 1; default: as they come.
        replace: put them in the place of all vectors of this name, where they are others.
        encoding: of text files.
        key: what ids and the name of the file are hashed with.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.

    Raises:
        UsageError: there is no such file or column, the name is one of an encoder of this program, or other vectors
            are stored under it.
        ClearKbError: the file cannot be read, or none of its images is here.
    """
    name = _checked_name(kb, encoder)
    require_same_ids(kb, key, where=kb.uri)
    file = open_vectors(path, ids=ids, columns=columns, patches=patches, encoding=encoding)
    job = _Job(
        file=file,
        owners=find_owners(kb, file, key),
        name=file.name if key is None else key.hash(file.name),
        encoder=name,
        patches=patches,
        normalise=normalise,
        replace=replace,
    )

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, _Done]:
        require_same_ids(publication, key, where=kb.uri)
        return _change(publication, job)

    commit, done = kb.publish("ingest vectors", change, by=by, why=why, dry_run=dry_run)
    owners, tally = job.owners, done.tally
    return VectorResult(
        encoder=name,
        source=job.name,
        form=file.told,
        read=owners.read,
        dimension=owners.dimension,
        normalised=normalise,
        shortest=tally.shortest if done.taken else None,
        longest=tally.longest if done.taken else None,
        images=owners.told,
        here=owners.here,
        elsewhere=tuple(owners.elsewhere[:SHOWN]),
        taken=done.taken,
        new=done.new,
        repeated=tally.repeated,
        rejected=len(tally.rejects),
        resolved=owners.resolved,
        columns_not_used=file.unused,
        stored=done.stored,
        commit=commit,
    )


def _checked_name(kb: KnowledgeBase, encoder: str) -> str:
    name = encoder.strip()
    if not name or name.endswith(BACKBONE):
        raise UsageError(f"encoder '{encoder}': a name for the model that made these vectors was expected")
    rows = kb.dataset("encoders").to_table(filter=_of(name)).to_pylist()
    if rows and rows[0]["objective"] != FOREIGN:
        raise UsageError(f"encoder {name} has its checkpoint in {rows[0]['checkpoint']}: name these vectors otherwise")
    return name


def _of(name: str) -> str:
    return f"encoder IN {literals([name])}"


def _change(publication: Publication, job: _Job) -> tuple[Mapping[str, Any] | None, _Done]:
    """Write what is new, and give the summary for the commit."""
    before = publication.dataset("image_vectors").count_rows(_of(job.encoder))
    known, others, taken, tally = _compared(publication, job)
    anew = bool(others) or _other_dimension(publication, job)
    if anew and not job.replace:
        what = f"other vectors, of {others[0]} for one," if others else "vectors of another number of dimensions"
        raise UsageError(
            f"{what} are stored for encoder {job.encoder} already: name these otherwise, or replace those",
            parameter="replace.vectors",
        )
    anew = anew or (job.replace and before != len(known))
    new = taken if anew else taken - len(known)
    if new:
        if anew and before:
            publication.delete("image_vectors", _of(job.encoder))
        elif before:
            _forget(publication, job)
        publication.write("image_vectors", _batches(job, set() if anew else known))
        _register(publication, job, anew=anew)
    rejects = [
        {"source": job.source, "position": job.file.position(row), "report_id": None, "reason": why}
        for row, why in tally.rejects
    ]
    moved = replace_rejects(publication, [job.source], rejects)
    stored = "unchanged" if not new else "replaced" if anew and before else "more" if before else "new"
    summary = {"encoder": job.encoder, "images": new, "rejects": len(rejects)}
    return (summary if new or moved else None), _Done(taken, new, stored, tally)


def _compared(publication: Publication, job: _Job) -> tuple[set[str], list[str], int, Tally]:
    """The images whose vectors are stored just so, those of other stored vectors, and how many can be taken."""
    tally, taken = Tally(), 0
    known: set[str] = set()
    others: list[str] = []
    dataset = publication.dataset("image_vectors")
    any_stored = dataset.count_rows(_of(job.encoder)) > 0
    for images, matrix in job.vectors(tally):
        taken += len(images)
        for numbers in batched(range(len(images)), AT_ONCE) if any_stored else ():
            where = f"{_of(job.encoder)} AND image_id IN {literals(images[n] for n in numbers)}"
            rows = dataset.to_table(columns=["image_id", "content_hash", "vector"], filter=where)
            places = {images[n]: n for n in numbers}
            for image, content, vector in zip(
                rows["image_id"].to_pylist(), rows["content_hash"].to_pylist(), rows["vector"], strict=True
            ):
                stored = vector.values.to_numpy(zero_copy_only=False)
                if not np.array_equal(stored, matrix[places[image]]):
                    others.append(image)
                elif content == job.owners.pictures.get(image, ""):
                    known.add(image)
    return known, others, taken, tally


def _other_dimension(publication: Publication, job: _Job) -> bool:
    rows = publication.dataset("encoders").to_table(columns=["dimension"], filter=_of(job.encoder)).to_pylist()
    return bool(rows) and rows[0]["dimension"] != job.owners.dimension


def _forget(publication: Publication, job: _Job) -> None:
    """Delete vectors whose picture is another now: they are stored anew."""
    dataset = publication.dataset("image_vectors")
    rows = dataset.to_table(columns=["image_id", "content_hash"], filter=_of(job.encoder)).to_pylist()
    here = {image for image in job.owners.images if image is not None}
    pictures = job.owners.pictures
    gone = [
        row["image_id"]
        for row in rows
        if row["image_id"] in here and row["content_hash"] != pictures.get(row["image_id"], "")
    ]
    for some in batched(gone, AT_ONCE):
        publication.delete("image_vectors", f"{_of(job.encoder)} AND image_id IN {literals(some)}")


def _batches(job: _Job, known: set[str]) -> Iterator[pa.RecordBatch]:
    """The rows to be written: those of the file without the known ones."""
    for images, matrix in job.vectors(Tally()):
        chosen = [n for n, image in enumerate(images) if image not in known]
        if chosen:
            yield _batch(job, [images[n] for n in chosen], matrix[chosen])


def _batch(job: _Job, images: Sequence[str], matrix: np.ndarray) -> pa.RecordBatch:
    offsets = np.arange(len(images) + 1, dtype=np.int32) * matrix.shape[1]
    columns = [
        pa.array(images, pa.string()),
        # A vector is of the picture that the image has now; of none where only tables speak of it.
        pa.array([job.owners.pictures.get(image, "") for image in images], pa.string()),
        pa.array([job.encoder] * len(images), pa.string()),
        pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(matrix, np.float32).reshape(-1))),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=IMAGE_VECTORS.schema)


def _register(publication: Publication, job: _Job, *, anew: bool) -> None:
    """Note which encoder this is: a foreign one, and which files its vectors came in."""
    before = publication.dataset("encoders").to_table(filter=_of(job.encoder)).to_pylist()
    files = [] if anew or not before else json.loads(before[0]["preprocessing"])["files"]
    how = {
        "files": sorted({*files, job.name}),
        "patches": "mean" if job.patches else None,
        "normalised": job.normalise,
    }
    row = {
        "encoder": job.encoder,
        "checkpoint": "",
        "dimension": job.owners.dimension,
        "objective": FOREIGN,
        "preprocessing": json.dumps(how, sort_keys=True),
        "embedder": None,
        "vocabulary_commit": None,
    }
    if before != [row]:
        publication.replace("encoders", _of(job.encoder), [pa.RecordBatch.from_pylist([row], schema=ENCODERS.schema)])
