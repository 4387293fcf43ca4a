"""Runs of our own: predictions of images with the heads they were made by, stored as one commit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from encoder.model.checkpoint import IMPORTED
from encoder.prediction.head import Head, scores
from encoder.space.weighting import PUBLISHED, Weighting
from encoder.vectors.image_vectors import ImageVectors
from encoder.vectors.precision import computed
from kb.errors import ClearKbError, UsageError
from kb.images.patient_split import lies_in, read_patients
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import UNHURRIED
from kb.sql.session import AuditSession
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.vocabulary.query import run_named
from schemas.tables import PREDICTIONS, RUNS
from schemas.terms import FOREIGN, FROZEN

LEARNING = ("probe", "bottleneck")
"""The methods whose heads are trained on the training images."""

_LEARNED = ("train", "validation")


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


def trained_here(kb: KnowledgeBase) -> frozenset[str]:
    """The runs whose encoder or heads were trained on images of this knowledge base; `outcomes.judged` says so too."""
    foreign = foreign_encoders(kb)
    rows = kb.dataset("runs").to_table(columns=["run", "method", "encoder"]).to_pylist()
    learned = (row for row in rows if row["encoder"] and (row["method"] in LEARNING or row["encoder"] not in foreign))
    return frozenset(row["run"] for row in learned)


def judged_parts(kb: KnowledgeBase, names: Sequence[str], asked: str | None = None) -> tuple[str, ...]:
    """The parts of the rows that runs are judged on, each by itself: what was asked for, else "test" and "external".

    Probes and bottlenecks are trained here, and so is an encoder that did not come as a checkpoint from elsewhere
    (`import-checkpoint`). Tables of predictions, and sentences before an encoder from elsewhere, are judged on "all";
    where some of these rows are external, on "internal" and "external", for the two are never one number.

    A table that tells later on whose images are may move images that a run learned from into the test or the external
    split: then nothing is judged on it.

    Raises:
        UsageError: such a split holds what a run, or its encoder, learned from; the message names the first image.
    """
    columns = ["run", "method", "encoder", "vocabulary_commit"]
    rows = kb.dataset("runs").to_table(columns=columns, filter=f"run IN {literals(names)}").to_pylist()
    trained = trained_here(kb) & set(names)
    parts = _apart(kb, names, asked or ("test" if trained else "all"), alone=asked not in (None, "all"))
    for row in rows if {"test", "external"} & set(parts) else ():
        moved = moved_images(kb, row["encoder"], row["vocabulary_commit"]) if row["encoder"] else []
        if moved:
            now = read_patients(kb).split_of_image(moved[0])
            raise UsageError(
                f"run '{row['run']}' has learned from {len(moved):,} images that now lie in the {now} split (first: "
                f"{moved[0]}), for a table told since whose they are: train and predict anew, or judge all rows "
                "(split 'all')",
                parameter="split",
            )
    return parts


def judged_split(kb: KnowledgeBase, names: Sequence[str], asked: str | None = None) -> str:
    """The one part that an audit of runs looks at: what was asked for, else the first of `judged_parts`."""
    return judged_parts(kb, names, asked)[0]


def _apart(kb: KnowledgeBase, names: Sequence[str], part: str, *, alone: bool) -> tuple[str, ...]:
    """A part and, unless it is to stand alone, the external rows beside it, as far as there are rows of either."""
    if alone or not read_patients(kb).has_external:
        return (part,)
    with AuditSession(kb, UNHURRIED) as session:
        found = session.run(
            "SELECT DISTINCT split FROM outcomes WHERE run IN (SELECT unnest($runs))", {"runs": list(names)}
        )
        splits = {row["split"] for row in found.rows()}
    if "external" not in splits:
        return (part,)
    own = "internal" if part == "all" else part
    return (*([own] if any(lies_in(split, own) for split in splits) else []), "external")


def chosen_on(name: str, parameters: Mapping[str, Any]) -> str | None:
    """What is to be said of a run where all rows are judged, though the validation images chose how it reads them."""
    measured = parameters.get("validation_auroc", {}).values()
    if not parameters.get("calibrated") and all(value is None for value in measured):
        return None
    return (
        f"{name}: the validation images, which are among these rows, chose its space, contrast or scale: "
        "the test split leaves them out"
    )


def foreign_encoders(kb: KnowledgeBase) -> frozenset[str]:
    """The encoders (with their backbones) that came from elsewhere: no image here has taught them."""
    rows = kb.dataset("encoders").to_table(columns=["encoder", "objective"]).to_pylist()
    return frozenset(row["encoder"] for row in rows if row["objective"] in (IMPORTED, FOREIGN, FROZEN))


def moved_images(kb: KnowledgeBase, encoder: str, predicted_at: str | None = None) -> list[str]:
    """The images judged now that an encoder, or a run predicted at a commit, learned from in an earlier split."""
    where = f"encoder IN {literals([encoder])}"
    known = (
        kb.dataset("encoders").to_table(columns=["vocabulary_commit"], filter=where)["vocabulary_commit"].to_pylist()
    )
    now = read_patients(kb)
    moved: set[str] = set()
    for commit in {*known, predicted_at} - {None, kb.commit.commit_id}:
        try:
            before = kb.at(commit)
            then = read_patients(before)
        except ClearKbError:
            continue  # of another knowledge base, or dropped since
        found = {
            image
            for image in then.pictured & now.pictured
            if then.split_of_image(image) in _LEARNED and now.split_of_image(image) not in _LEARNED
        }
        if found and commit in known and commit != predicted_at:
            # An encoder learns from reports alone: a site without any taught it nothing, whatever its split was.
            found &= {row["image_id"] for row in run_named(before, "image_reports")}
        moved |= found
    return sorted(moved)


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
