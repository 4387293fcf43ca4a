"""A knowledge base of a million reports, drawn and not mined: laid out as ingests of them would have left it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.large_vocabulary import BANK, bank_of
from ingest.reports.staging import FLUSH_REPORTS
from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from schemas.tables import (
    ENCODERS,
    IMAGE_VECTORS,
    IMAGES,
    LABELS,
    MEASUREMENT,
    OBSERVATIONS,
    PREDICTIONS,
    REPORTS,
    RUNS,
    SPAN,
    Table,
)

EMBEDDER, DIMENSION = "all-MiniLM-L6-v2", 384
LABEL_NAMES = ("Atelectasis", "Cardiomegaly", "Edema", "Pleural Effusion", "Pneumothorax")
MENTIONS = 8
"""Statements of each report."""

SENTENCE = "There is {} on this study, as it was told before."
BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind."""

    reports: int = 1_000_000
    images: int = 900_000
    vectors: int = 100_000
    concepts: int = BANK

    def __mul__(self, share: float) -> Size:
        return Size(*(round(share * n) for n in (self.reports, self.images, self.vectors, self.concepts)))


def million_base(where: Path, size: Size) -> KnowledgeBase:
    """The knowledge base at `where`, made if it is not there yet."""
    done = where.with_suffix(".done")
    if not done.exists():
        base = KnowledgeBase.open(where) if KnowledgeBase.exists(where) else KnowledgeBase.create(where, by="bench")
        if base.embedder is None:
            _import_bank(base, size.concepts)
        concepts = base.dataset("concepts").to_table(columns=["concept_id", "text"]).to_pydict()
        base.publish("fill", lambda publication: _filled(publication, size, concepts), by="bench")
        done.touch()
    return KnowledgeBase.open(where)


def _import_bank(base: KnowledgeBase, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        concepts, tensor = bank_of(Path(folder), count, DIMENSION)
        base.import_clear(concepts, tensor, embedder=EMBEDDER, verbatim=True, by="bench")


def _filled(publication: Publication, size: Size, concepts: Mapping[str, list[str]]) -> tuple[dict[str, int], None]:
    draw = np.random.default_rng(0)
    order = draw.permutation(len(concepts["concept_id"]))
    ids = pa.array(concepts["concept_id"]).take(pa.array(order))
    texts = np.array(concepts["text"], dtype=object)[order]
    # A few concepts are in most reports, and most in none or one: as they are in real ones.
    ranks = (np.minimum(draw.zipf(1.3, size=(size.reports, MENTIONS)), len(order)) - 1).astype(np.int32)
    # An ingest stages a file for every few thousand reports, and appends them all at once.
    files: dict[str, list[str]] = {"reports": [], "observations": []}
    for start in range(0, size.reports, FLUSH_REPORTS):
        numbers = np.arange(start, min(start + FLUSH_REPORTS, size.reports))
        drawn = _reports(numbers, ranks[numbers], ids, texts)
        for name, batch in zip(files, drawn, strict=True):
            files[name] += publication.stage(name, [batch])
    for name, staged in files.items():
        publication.append(name, staged)
    truth = draw.random((size.images, len(LABEL_NAMES))) < 0.2
    scores = np.clip(draw.normal(0.4 + 0.2 * truth, 0.2), 0.01, 0.99)
    publication.write("runs", [_one(RUNS, RUN)])
    publication.write("encoders", [_one(ENCODERS, ENCODER)])
    publication.write("images", (_images(numbers) for numbers in _parts(size.images)))
    publication.write("image_vectors", (_vectors(numbers, draw) for numbers in _parts(size.vectors)))
    publication.write("labels", _for_each_label(LABELS, truth.astype(np.int8), {"value": pa.int8()}, source="bench"))
    publication.write("predictions", _for_each_label(PREDICTIONS, scores, {"score": pa.float64()}, run="m"))
    return {"reports": size.reports, "images": size.images}, None


RUN = {"run": "m", "method": "imported", "parameters": "{}", "heads": [], "time": datetime(2026, 1, 2, tzinfo=UTC)}
ENCODER = {"encoder": "E" * 16, "checkpoint": "", "dimension": DIMENSION, "objective": "foreign", "preprocessing": ""}


def _reports(
    numbers: np.ndarray, ranks: np.ndarray, ids: pa.Array, texts: np.ndarray
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Some reports, whose sentences tell of concepts, and their observations."""
    said = texts[ranks]
    sentences = [[SENTENCE.format(text) for text in row] for row in said]
    names = _names("r", numbers)
    section = {"name": pa.array(["findings"] * len(numbers)), "text": pa.array([" ".join(row) for row in sentences])}
    sections = pa.StructArray.from_arrays(
        [*section.values(), pa.array([True] * len(numbers))],
        fields=list(REPORTS.schema.field("sections").type.value_type),
    )
    reports = {
        **_owners(numbers),
        "report_id": names,
        "source": "reports.csv",
        "position": pa.array([f"row {number}" for number in numbers]),
        "content_hash": pa.array([f"{number:032x}" for number in numbers]),
        "extractor": "rules:drawn|addendum+findings+impression",
        "sections": pa.ListArray.from_arrays(pa.array(np.arange(len(numbers) + 1), pa.int32()), sections),
    }
    lengths = np.array([[len(sentence) for sentence in row] for row in sentences])
    starts = np.concatenate([np.zeros((len(lengths), 1), int), (lengths[:, :-1] + 1).cumsum(axis=1)], axis=1).ravel()
    ends = starts + lengths.ravel()
    words = starts + len("There is "), starts + len("There is ") + np.array([len(text) for text in said.ravel()])
    count = ranks.size
    observations = {
        "report_id": names.take(pa.array(np.repeat(np.arange(len(numbers)), MENTIONS))),
        "section": "findings",
        "sentence": pa.array(np.tile(np.arange(MENTIONS), len(numbers)), pa.int32()),
        "sentence_span": _spans(starts, ends),
        "spans": pa.ListArray.from_arrays(pa.array(np.arange(count + 1), pa.int32()), _spans(*words)),
        "text": pa.array(said.ravel(), pa.string()),
        "concept_id": ids.take(pa.array(ranks.ravel())),
        "assertion": pa.array(["absent" if text.startswith("no ") else "present" for text in said.ravel()]),
        "certainty": "definite",
        "temporality": "current",
        "laterality": "none",
        "severity": "none",
        "measurements": pa.array([[]] * count, pa.list_(MEASUREMENT)),
        "extractor": "rules:drawn",
    }
    return _batch(REPORTS, len(numbers), reports), _batch(OBSERVATIONS, count, observations)


def _spans(starts: np.ndarray, ends: np.ndarray) -> pa.StructArray:
    return pa.StructArray.from_arrays([pa.array(starts, pa.int32()), pa.array(ends, pa.int32())], fields=list(SPAN))


def _images(numbers: np.ndarray) -> pa.RecordBatch:
    site = [[{"name": "site", "value": "ABC"[number % 3]}] for number in numbers]
    rows = {
        **_owners(numbers),
        "image_id": _names("i", numbers),
        "source": "images.csv",
        "position": pa.array([f"row {number}" for number in numbers]),
        "content_hash": pa.array([f"{number:032x}" for number in numbers]),
        "kind": "png",
        "width": pa.array(np.full(len(numbers), 512), pa.int32()),
        "height": pa.array(np.full(len(numbers), 512), pa.int32()),
        "view": pa.array(["PA" if number % 3 else "LATERAL" for number in numbers]),
        "sex": pa.array(["F" if number % 2 else "M" for number in numbers]),
        "age": pa.array((20 + numbers % 70).astype(float)),
        "attributes": pa.array(site, IMAGES.schema.field("attributes").type),
    }
    return _batch(IMAGES, len(numbers), rows)


def _vectors(numbers: np.ndarray, draw: np.random.Generator) -> pa.RecordBatch:
    values = draw.standard_normal((len(numbers), DIMENSION), dtype=np.float32)
    offsets = pa.array(np.arange(len(numbers) + 1) * DIMENSION, pa.int32())
    rows = {
        "image_id": _names("i", numbers),
        "content_hash": pa.array([f"{number:032x}" for number in numbers]),
        "encoder": ENCODER["encoder"],
        "vector": pa.ListArray.from_arrays(offsets, pa.array(values.ravel())),
    }
    return _batch(IMAGE_VECTORS, len(numbers), rows)


def _for_each_label(
    table: Table, values: np.ndarray, column: Mapping[str, pa.DataType], **said: str
) -> Iterator[pa.RecordBatch]:
    ((name, kind),) = column.items()
    for at, label in enumerate(LABEL_NAMES):
        for numbers in _parts(len(values)):
            rows = {**_owners(numbers), "image_id": _names("i", numbers), "label": label, **said}
            yield _batch(table, len(numbers), {**rows, name: pa.array(values[numbers, at], kind)})


def _owners(numbers: np.ndarray) -> dict[str, pa.Array]:
    return {"study_id": _names("s", numbers), "patient_id": _names("p", numbers // 2)}


def _names(letter: str, numbers: np.ndarray) -> pa.Array:
    return pa.array([f"{letter}{number:07}" for number in numbers])


def _parts(count: int) -> Iterator[np.ndarray]:
    return (np.arange(start, min(start + BATCH, count)) for start in range(0, count, BATCH))


def _batch(table: Table, count: int, columns: Mapping[str, Any]) -> pa.RecordBatch:
    """Rows of a table: arrays, words that all of them say, and nulls in the rest."""

    def column(field: pa.Field) -> pa.Array:
        given = columns.get(field.name)
        if isinstance(given, pa.Array):
            return given.cast(field.type)
        return pa.nulls(count, field.type) if given is None else pa.repeat(pa.scalar(given, field.type), count)

    return pa.RecordBatch.from_arrays([column(field) for field in table.schema], schema=table.schema)


def _one(table: Table, row: Mapping[str, Any]) -> pa.RecordBatch:
    rows: Sequence[Mapping[str, Any]] = [{field.name: row.get(field.name) for field in table.schema}]
    return pa.RecordBatch.from_pylist(list(rows), schema=table.schema)
