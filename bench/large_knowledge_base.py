"""A knowledge base of the published bank's size: its concepts, 100,000 images, their reports, labels and scores."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.large_vocabulary import BANK, large_vocabulary
from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from schemas.tables import IMAGES, LABELS, OBSERVATIONS, PREDICTIONS, REPORTS, RUNS

IMAGE_COUNT = 100_000
NAMES = ("Atelectasis", "Cardiomegaly", "Edema", "Pleural Effusion", "Pneumothorax")
MENTIONS = 8
"""Statements of each report."""

PICTURES = 200
"""Pictures that differ: the others are of the same content."""

RUN = {"run": "m", "method": "imported", "parameters": "{}", "heads": [], "time": datetime(2026, 1, 2, tzinfo=UTC)}
SIDE = 192
BATCH = 20_000


def large_knowledge_base(folder: Path | None = None) -> KnowledgeBase:
    """The knowledge base, made once and kept in the folder for temporary files, or in another one."""
    where = (folder or Path(tempfile.gettempdir())) / "clear-kb-bench-large.kb"
    done = where.with_suffix(".done")
    if not done.exists():
        base = KnowledgeBase.open(where) if KnowledgeBase.exists(where) else KnowledgeBase.create(where, by="bench")
        if len(base.vocabulary) == 0:
            _import_bank(base)
        _fill(base)
        done.touch()
    return KnowledgeBase.open(where)


def _import_bank(base: KnowledgeBase) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mimic_concepts.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["concept_idx", "concept"])
            writer.writerows(enumerate(large_vocabulary(BANK)))
        base.import_clear(path, None, verbatim=True, by="bench")


def _fill(base: KnowledgeBase) -> None:
    ids = base.dataset("concepts").to_table(columns=["concept_id"])["concept_id"].to_pylist()
    random.Random(0).shuffle(ids)
    contents = [blake2b(str(number).encode()).hexdigest() for number in range(PICTURES)]
    base.publish("fill", lambda publication: _written(publication, ids, contents), by="bench")
    draw = np.random.default_rng(0)
    for content in contents:
        pixels = draw.integers(0, 255, SIDE * SIDE, dtype=np.uint8).tobytes()
        base.storage.append(
            "pixels",
            [{"key": content, "content_hash": content, "preprocessing": "bench", "size": SIDE, "pixels": pixels}],
        )


def _written(publication: Publication, ids: list[str], contents: list[str]) -> tuple[dict[str, int], None]:
    draw = np.random.default_rng(0)
    # A few concepts are in most reports, and most in none or one: as they are in real ones.
    ranks = np.minimum(draw.zipf(1.3, size=(IMAGE_COUNT, MENTIONS)), len(ids)) - 1
    truth = draw.random((IMAGE_COUNT, len(NAMES))) < 0.2
    scores = np.clip(draw.normal(0.4 + 0.2 * truth, 0.2), 0, 1)
    publication.write("runs", _batches(RUNS.schema, iter([RUN])))
    publication.write("images", _batches(IMAGES.schema, _images(contents)))
    publication.write("reports", _batches(REPORTS.schema, _reports()))
    publication.write("observations", _batches(OBSERVATIONS.schema, _observations(ranks, ids)))
    for at, name in enumerate(NAMES):
        held = ({**_of(n), "label": name, "value": int(truth[n, at]), "source": "s"} for n in range(IMAGE_COUNT))
        said = ({**_of(n), "run": "m", "label": name, "score": float(scores[n, at])} for n in range(IMAGE_COUNT))
        publication.write("labels", _batches(LABELS.schema, held))
        publication.write("predictions", _batches(PREDICTIONS.schema, said))
    return {"images": IMAGE_COUNT}, None


def _of(number: int) -> dict[str, str]:
    return {"image_id": f"i{number:06}", "study_id": f"s{number:06}", "patient_id": f"p{number // 2:06}"}


def _images(contents: list[str]) -> Iterator[dict[str, Any]]:
    for number in range(IMAGE_COUNT):
        told = {"kind": "png", "width": 512, "height": 512, "view": "PA", "source": "bench", "position": ""}
        site = {"name": "site", "value": "ABC"[number % 3]}
        yield {**_of(number), **told, "content_hash": contents[number % len(contents)], "attributes": [site]}


def _reports() -> Iterator[dict[str, Any]]:
    for number in range(IMAGE_COUNT):
        text = " ".join(f"Statement {at} of it." for at in range(MENTIONS))
        section = {"name": "findings", "text": text, "mined": True}
        own = {
            "report_id": f"r{number:06}",
            "source": "bench",
            "position": "",
            "content_hash": "",
            "extractor": "bench",
        }
        yield {**_of(number), **own, "sections": [section]}


def _observations(ranks: np.ndarray, ids: list[str]) -> Iterator[dict[str, Any]]:
    width = len("Statement 0 of it. ")
    meant = {"assertion": "present", "certainty": "definite", "temporality": "current", "laterality": "none"}
    rest = {"severity": "none", "measurements": [], "extractor": "bench", "section": "findings"}
    for number, row in enumerate(ranks):
        for at, rank in enumerate(row):
            span = {"start": at * width, "end": (at + 1) * width - 1}
            where = {
                "sentence": at,
                "sentence_span": span,
                "spans": [{"start": span["start"], "end": span["start"] + 9}],
            }
            yield {"report_id": f"r{number:06}", "text": "Statement", "concept_id": ids[rank], **where, **meant, **rest}


def _batches(schema: pa.Schema, rows: Iterator[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    empty = {field.name: None for field in schema}
    while part := [{**empty, **row} for _, row in zip(range(BATCH), rows, strict=False)]:
        yield pa.RecordBatch.from_pylist([{name: row[name] for name in empty} for row in part], schema)
