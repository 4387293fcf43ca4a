"""Runs of our own: predictions of images with the heads they were made by, stored as one commit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.head import Head, scores
from encoder.space.weighting import PUBLISHED, Weighting
from encoder.vectors.image_vectors import ImageVectors
from encoder.vectors.precision import computed
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from kb.store.sqltext import literals
from schemas.tables import PREDICTIONS, RUNS


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """One set of predictions, and what they were made by.

    Attributes:
        name: what it is called.
        method: zero-shot, probe or bottleneck.
        space: of its heads.
        encoder: whose image vectors they read.
        embedder: of the vocabulary, where the predictions depend on it.
        vocabulary_commit: likewise.
        parameters: what else was chosen.
        heads: one a label.
    """

    name: str
    method: str
    space: str
    encoder: str
    embedder: str | None
    vocabulary_commit: str | None
    parameters: Mapping[str, Any]
    heads: Sequence[Head]

    @property
    def weighting(self) -> Weighting | None:
        """How concepts count in the LLM space that it reads: as published if it does not say; None in other spaces."""
        return self.parameters.get("weights", PUBLISHED) if self.space == "llm" else None

    def head(self, label: str) -> Head:
        """The head of one label; UsageError if it predicts none of that name."""
        for head in self.heads:
            if head.label.lower() == label.lower():
                return head
        raise UsageError(f"run '{self.name}' predicts no '{label}': {', '.join(head.label for head in self.heads)}")


def store_run(
    kb: KnowledgeBase,
    run: Run,
    images: ImageVectors,
    *,
    logits: np.ndarray,
    replace: bool = False,
    by: str | None = None,
    why: str | None = None,
) -> str:
    """Store a run with the predictions of images, (n, heads), as one commit; the id of that.

    Raises:
        UsageError: there is a run of that name, and `replace` is not set.
    """
    row = {
        "run": run.name,
        "method": run.method,
        "space": run.space,
        "encoder": run.encoder,
        "embedder": run.embedder,
        "vocabulary_commit": run.vocabulary_commit,
        "parameters": json.dumps(dict(run.parameters), ensure_ascii=False),
        "heads": [head.to_row() for head in run.heads],
        "time": datetime.now(UTC),
    }
    named = f"run IN {literals([run.name])}"

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        if publication.dataset("runs").count_rows(named):
            if not replace:
                raise UsageError(
                    f"there is a run '{run.name}' already: replace it, or name this one otherwise", parameter="replace"
                )
            for table in ("predictions", "attributions", "attribution_sums"):
                publication.delete(table, named)
        publication.replace("runs", named, [pa.RecordBatch.from_pylist([row], schema=RUNS.schema)])
        publication.write("predictions", _prediction_batches(run, images, logits))
        return {"run": run.name, "method": run.method, "images": len(images), "labels": len(run.heads)}, None

    commit, _ = kb.publish("predict", change, by=by, why=why)
    assert commit is not None
    return commit.commit_id


def check_name(kb: KnowledgeBase, name: str, *, replace: bool) -> None:
    """Refuse a name that is taken (UsageError), before anything is computed."""
    if not replace and kb.dataset("runs").count_rows(f"run IN {literals([name])}"):
        raise UsageError(
            f"there is a run '{name}' already: replace it, or name this one otherwise", parameter="replace"
        )


def read_run(kb: KnowledgeBase, name: str) -> Run:
    """A stored run of ours.

    Raises:
        UsageError: there is none of that name, or it came as a table and has no heads.
    """
    found = kb.dataset("runs").to_table(filter=f"run IN {literals([name])}").to_pylist()
    if not found:
        known = sorted(kb.dataset("runs").to_table(columns=["run"])["run"].to_pylist())
        raise UsageError(f"{kb.uri} has no run '{name}': it has {', '.join(known) or 'none'}")
    row = found[0]
    if not row["heads"]:
        raise UsageError(f"run '{name}' came as a table ({row['method']}): nobody can say what its scores are made of")
    return Run(
        name=row["run"],
        method=row["method"],
        space=row["space"],
        encoder=row["encoder"],
        embedder=row["embedder"],
        vocabulary_commit=row["vocabulary_commit"],
        parameters=json.loads(row["parameters"]),
        heads=[Head.from_row(head) for head in row["heads"]],
    )


def require_its_vectors(kb: KnowledgeBase, run: Run) -> None:
    """Refuse a run whose vectors were replaced since by others of another precision: its logits are not of these.

    Raises:
        UsageError: they were; the message names both.
    """
    made, now = run.parameters.get("precision"), computed(kb, run.encoder)
    if made is not None and now is not None and now.precision not in (None, made):
        raise UsageError(
            f"run '{run.name}' was made of {made} vectors, and those of {run.encoder} here are {now.precision} now: "
            "predict anew"
        )


def require_its_encoder(run: Run, checkpoint: Checkpoint) -> None:
    """UsageError where a run's vectors are read by another encoder than the one they are of."""
    if run.encoder != checkpoint.encoder_id:
        raise UsageError(
            f"run '{run.name}' is of encoder {run.encoder}, not of {checkpoint.encoder_id}: leave the encoder out",
            parameter="encoder",
        )


def only_run(kb: KnowledgeBase, encoder: str) -> str:
    """The name of the one run of ours of an encoder; UsageError if there are none or several."""
    rows = (
        kb.dataset("runs").to_table(columns=["run", "method"], filter=f"encoder IN {literals([encoder])}").to_pylist()
    )
    if len(rows) == 1:
        return str(rows[0]["run"])
    if not rows:
        raise UsageError(f"there is no run of encoder {encoder}", need="run")
    text = ", ".join(sorted(row["run"] for row in rows))
    raise UsageError(f"there are several runs of encoder {encoder}: {text}; name one", parameter="run")


def _prediction_batches(run: Run, images: ImageVectors, logits: np.ndarray) -> Iterator[pa.RecordBatch]:
    count = len(images)
    known = scores(logits)
    for column, head in enumerate(run.heads):
        arrays = [
            pa.array([run.name] * count),
            pa.array(images.image_ids),
            pa.array(images.studies, pa.string()),
            pa.array(images.patient_ids, pa.string()),
            pa.array([head.label] * count),
            pa.array(known[:, column]),
            pa.array(logits[:, column]),
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=PREDICTIONS.schema)
