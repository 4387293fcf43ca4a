"""The study that is learned from: images with their reports, and what those state, split by patients.

External images are no part of it, nor are views and others that were not asked for: nothing is learned from them, nor
chosen by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from encoder.training.embedding_rows import RowFile
from encoder.training.linked_findings import linked_findings
from encoder.training.processes import ALONE, Processes
from encoder.training.statements import PAST, Statement, Statements
from kb.batched import batched
from kb.errors import UsageError
from kb.hierarchy.meaning import Meaning
from kb.images.patient_split import SPLITS, Split
from kb.images.patients import Patients, read_patients
from kb.images.view_choice import FRONTAL, ViewChoice, read_views, told_left_out, view_choice
from kb.images.where import images_where
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from kb.vectors.columns import vector_matrix
from kb.vectors.embedding import EmbeddingError
from kb.vocabulary.query import run_named, stream_named
from schemas.terms import IN_USE


@dataclass(frozen=True, slots=True)
class Example:
    """One image with the report of its study."""

    image_id: str
    content_hash: str
    patient: str
    text: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """All examples of a knowledge base at its commit.

    Attributes:
        examples: one an image.
        splits: the numbers of the examples of each split; of the external one there are none.
        left_out: images with reports that were left out: external ones, those of other views, by view, and those for
            which a condition does not hold.
        statements: what their reports say of the concepts.
        concept_ids: the concepts that any report states, by their numbers.
        texts: what those are called.
        embeddings: their vectors, (concepts, D), float32, mapped from a file; None if they are not needed.
    """

    examples: list[Example]
    splits: dict[Split, list[int]]
    statements: Statements
    concept_ids: list[str]
    texts: list[str]
    embeddings: np.ndarray | None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def require_splits(self, *splits: Split) -> None:
        """Refuse a study without patients in one of these splits (UsageError)."""
        for split in splits:
            if not self.splits[split]:
                raise UsageError(
                    f"no patient falls into the split '{split}': there are {len(self.examples)} images with reports; "
                    "an attribute `split` of the images can say who is where"
                )


def read_study(
    kb: KnowledgeBase,
    *,
    embedded: bool,
    views: str = FRONTAL,
    where: str | None = None,
    processes: Processes = ALONE,
) -> Study:
    """The images of `kb` that have a report, at its commit.

    Args:
        kb: where from.
        embedded: whether the embeddings of the concepts are needed.
        views: of the images; see `kb.images.view_choice`.
        where: SQL over the view `images` that chooses some of them; see `kb.images.where`.
        processes: that read the study together, and hold the embeddings once a machine.

    Raises:
        UsageError: no image has a report, none of these views, `where` is no condition or holds for none, or a patient
            stands in two splits.
        EmbeddingError: embeddings are needed and a concept has none; the message names it.
    """
    patients = read_patients(kb).require_apart()
    found, reports = _image_rows(kb, patients)
    if not found:
        raise UsageError(
            f"no image of {kb.uri} has a report: reports and images are joined by study",
            need="reports of images",
        )
    rows, left_out = _learned_from(kb, found, patients, view_choice(views), where)
    if not rows:
        told = told_left_out(left_out)
        raise UsageError(f"none of the {len(found):,} images with reports is learned from: {told} are left out")
    kept = {report_id for row in rows for report_id in row["reports"]}
    stated: dict[str, list[tuple[str, bool]]] = {}
    for row in stream_named(kb, "report_statements"):
        if row["report_id"] not in kept:
            continue
        sure = row["assertion"] != "uncertain" and row["temporality"] not in PAST
        stated.setdefault(row["report_id"], []).append((row["concept_id"], sure))
    mentioned = sorted({concept for said in stated.values() for concept, _ in said})
    known = _concepts(kb, mentioned, vectors=RowFile(processes) if embedded else None)
    numbers = {concept_id: number for number, concept_id in enumerate(known.ids)}
    examples: list[Example] = []
    statements: list[list[Statement]] = []
    splits: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for row in rows:
        patient = patients.images[row["image_id"]].owner
        splits[patients.splits[patient]].append(len(examples))
        texts = [reports[report_id] for report_id in row["reports"]]
        examples.append(Example(row["image_id"], row["content_hash"], patient, " ".join(filter(None, texts))))
        said = [pair for report_id in row["reports"] for pair in stated.get(report_id, [])]
        statements.append([Statement(numbers[concept], sure) for concept, sure in said if concept in numbers])
    return Study(
        examples=examples,
        splits=splits,
        statements=Statements(known.meanings, statements, linked=known.linked),
        concept_ids=known.ids,
        texts=known.texts,
        embeddings=known.embeddings,
        left_out=left_out,
    )


def _learned_from(
    kb: KnowledgeBase, rows: list[dict[str, Any]], patients: Patients, wanted: ViewChoice, where: str | None
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The images that are learned from, and how many are not for what they are."""
    own = [row for row in rows if patients.split_of_image(row["image_id"]) != "external"]
    external = {"external": len(rows) - len(own)} if len(own) < len(rows) else {}
    views = read_views(kb)
    seen = [row for row in own if views.get(row["image_id"]) in wanted]
    kept = seen if where is None else _where(kb, seen, where)
    others = {f"not where {where}": len(seen) - len(kept)} if len(kept) < len(seen) else {}
    return kept, {**wanted.left_out(views.get(row["image_id"]) for row in own), **external, **others}


def _where(kb: KnowledgeBase, rows: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    chosen = {row["image_id"] for row in images_where(kb, where)}
    return [row for row in rows if row["image_id"] in chosen]


def _image_rows(kb: KnowledgeBase, patients: Patients) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The images that have reports, and the texts of these: the impression first, for it is what matters most."""
    rows: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    for row in run_named(kb, "image_reports"):
        whose = {patients.images[row["image_id"]].patient_id, row["report_patient"]} - {None}
        if len(whose) > 1:
            continue  # "study1" of two patients is two studies
        rows.setdefault(row["image_id"], {**row, "reports": []})["reports"].append(row["report_id"])
        if row["report_id"] not in texts:
            mined = [section for section in row["sections"] if section["mined"] and section["text"]]
            mined.sort(key=lambda section: section["name"] != "impression")
            texts[row["report_id"]] = " ".join(" ".join(section["text"] for section in mined).split())
    return list(rows.values()), texts


@dataclass(frozen=True, eq=False)
class _Known:
    ids: list[str]
    texts: list[str]
    meanings: list[Meaning]
    embeddings: np.ndarray | None
    linked: list[tuple[str, str]]


def _concepts(kb: KnowledgeBase, concept_ids: list[str], *, vectors: RowFile | None) -> _Known:
    """Those of the concepts that are in use; what is rejected teaches nothing."""
    concepts, embedded = kb.dataset("concepts"), vectors is not None
    if embedded:
        kb.require_embedder()
    columns = [name for name in concepts.schema.names if name != "embedding" or embedded]
    ids: list[str] = []
    texts: list[str] = []
    meanings: list[Meaning] = []
    links: list[dict[str, Any]] = []
    for chunk in batched(concept_ids, 2_000):
        where = f"concept_id IN {literals(chunk)} AND status IN {literals(IN_USE)}"
        table = concepts.to_table(columns=columns, filter=where).sort_by("concept_id")
        rows = table.drop_columns(["embedding"] if embedded else []).to_pylist()
        if embedded and table["embedding"].null_count:
            row = rows[table["embedding"].is_null().to_pylist().index(True)]
            raise EmbeddingError(f"no embedding for concept {row['concept_id']} '{row['text']}'", need="embeddings")
        ids += [row["concept_id"] for row in rows]
        texts += [row["text"] for row in rows]
        meanings += map(Meaning.of, rows)
        links += [row for row in rows if row["mappings"]]
        if vectors is not None and rows:
            vectors.append(vector_matrix(table["embedding"]))
    mapped = vectors.mapped() if vectors is not None else None
    return _Known(ids, texts, meanings, mapped, linked_findings(links))
