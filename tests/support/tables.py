"""Knowledge bases for tests of the audit, written row by row: what is not said of a row is filled in."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from schemas.tables import VERSIONED

SCHEMAS = {table.name: table.schema for table in VERSIONED}
RUN_TIME = datetime(2026, 1, 2, tzinfo=UTC)


def fill(kb: KnowledgeBase, **tables: list[dict[str, Any]]) -> KnowledgeBase:
    """Write rows into tables, as one commit."""

    def change(publication: Publication) -> tuple[dict[str, Any], None]:
        for name, rows in tables.items():
            whole = [{**_blank(SCHEMAS[name]), **row} for row in rows]
            batches = _batches(publication.dataset(name).schema, whole)
            publication.write(name, batches)
        return {}, None

    kb.publish("test", change, by="tester")
    return kb


def _batches(schema: pa.Schema, rows: list[dict[str, Any]]) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist(rows, schema).to_batches()


def _blank(schema: pa.Schema) -> dict[str, Any]:
    return {field.name: None if field.nullable else _value(field.type) for field in schema}


def _value(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return []
    if pa.types.is_struct(kind):
        return {field.name: _value(field.type) for field in kind}
    if pa.types.is_timestamp(kind):
        return RUN_TIME
    return False if pa.types.is_boolean(kind) else "" if pa.types.is_string(kind) else 0


def run(name: str, **facts: Any) -> dict[str, Any]:
    return {"run": name, "method": "imported", "parameters": "{}", **facts}


def ward(kb: KnowledgeBase, count: int = 120, seed: int = 3) -> KnowledgeBase:
    """A study of two sites: `good` ranks well, `leaning` goes by the tube that effusions of site A come with."""
    draw = random.Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    concepts = {"pleural effusion": "Ceff", "chest tube": "Ctube", "hernia": "Chernia"}
    for text, concept_id in concepts.items():
        facts = {"concept_id": concept_id, "text": text, "normal_form": text, "finding": text, "assertion": "present"}
        rows["concepts"].append({**facts, "laterality": "none", "status": "accepted", "source": "test"})
    for number in range(count):
        image, study, patient = f"i{number:03}", f"s{number:03}", f"p{number // 2:03}"
        effusion, site = draw.random() < 0.4, "A" if number % 3 else "B"
        tube = draw.random() < (0.7 if effusion and site == "A" else 0.15)
        told = {"site": site, "device": f"d{number % 2}", "study_date": f"2020-0{1 + number % 2}-11"}
        rows["images"].append(
            {
                "image_id": image,
                "study_id": study,
                "patient_id": patient,
                "source": "pictures",
                "kind": "png",
                "view": "PA" if number % 4 else "AP",
                "sex": "F" if number // 2 % 2 else "m",
                "age": float(20 + number % 70),
                "attributes": [{"name": name, "value": value} for name, value in told.items()],
            }
        )
        sentences = [f"There is {text}." for text, there in ((_EFFUSION, effusion), (_TUBE, tube)) if there]
        _report(rows, study, patient, sentences)
        for source, wrong in (("truth.csv", 0.0), ("reader", 0.1)):
            value = int(effusion) if draw.random() >= wrong else int(not effusion)
            rows["labels"].append({"image_id": image, "label": "Pleural_Effusion", "value": value, "source": source})
        for name, logit in (
            ("good", draw.gauss(2.0 if effusion else -2.0, 1.2)),
            ("leaning", draw.gauss(2.0 if tube else -2.0, 1.2)),
        ):
            score = round(1 / (1 + 2.718281828**-logit), 2)  # rounded: there are ties
            rows["predictions"].append({"run": name, "image_id": image, "label": "pleural effusion", "score": score})
    rows["runs"] = [run("good"), run("leaning")]
    return fill(kb, **{name: found for name, found in rows.items() if found})


_EFFUSION, _TUBE = "pleural effusion", "chest tube"


def _report(rows: dict[str, list[dict[str, Any]]], study: str, patient: str, sentences: list[str]) -> None:
    text = " ".join(sentences)
    section = {"name": "findings", "text": text, "mined": True}
    rows["reports"].append({"report_id": f"r{study}", "study_id": study, "patient_id": patient, "sections": [section]})
    start = 0
    for sentence in sentences:
        phrase = sentence.removeprefix("There is ").rstrip(".")
        rows["observations"].append(
            {
                "report_id": f"r{study}",
                "section": "findings",
                "sentence_span": {"start": start, "end": start + len(sentence)},
                "text": phrase,
                "concept_id": "Ceff" if phrase == _EFFUSION else "Ctube",
                "assertion": "present",
                "certainty": "definite",
                "temporality": "current",
                "laterality": "none",
                "severity": "none",
            }
        )
        start += len(sentence) + 1


def ward_in(folder: Path, count: int = 120) -> KnowledgeBase:
    """A ward in a new knowledge base under `folder`."""
    return ward(KnowledgeBase.create(folder / "ward.kb", by="tester"), count)
