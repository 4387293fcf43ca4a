"""Attributions that are kept: what each of many predictions owes most to, in the table `attributions`.

The work is committed in parts, and what is kept already, of the same vocabulary and the same logit, is not done again:
an interrupted one goes on where it stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from encoder.audit.report.examples import open_explainer
from encoder.audit.rows import ROWS
from encoder.explanation.batch import BatchExplainer, Grouping, Taken
from encoder.explanation.explanation import Explainer
from encoder.prediction.head import Head
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.batched import batched
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher
from kb.sql.condition import ALLOWED
from kb.sql.session import AuditSession
from kb.store.publication import Publication
from kb.store.sqltext import literal, literals

logger = logging.getLogger("clear_kb.encoder")

IMAGES = 256
"""Images that are looked at together."""

COMMIT_EVERY = 100_000
"""Predictions after which what was made is committed."""

COMMIT_EVERY_S = 120
"""Seconds after which it is, too: an interruption costs no more than that."""

APART = 1e-3
"""How far a stored logit may lie from that of today's vector: beyond it, the prediction is of another picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAttributions:
    """What a work of attribution did.

    Attributes:
        run: of which run.
        grouping: by concept, or summed by finding.
        top: contributions that are kept of each prediction.
        predictions: that were asked for.
        added: that were taken apart now.
        known: that were kept already.
        left_out: predictions that cannot be taken apart, by the reason.
        largest_residual: the logit less all that it is made of, at the most, of those added.
        seconds: how long it took.
        commit: the last one; None if nothing was written.
    """

    run: str
    grouping: Grouping
    top: int
    predictions: int
    added: int
    known: int
    left_out: Mapping[str, int]
    largest_residual: float
    seconds: float
    commit: str | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Todo:
    """The predictions that are to be taken apart: images (n) by labels, and those of which older rows are to go."""

    images: ImageVectors
    wanted: np.ndarray
    older: np.ndarray


def keep_attributions(
    kb: KnowledgeBase,
    run: str,
    *,
    labels: Sequence[str] = (),
    where: str | None = None,
    grouping: Grouping = "concept",
    top: int = 10,
    encoder: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> KeptAttributions:
    """Keep what predictions owe most to, of those of which it is not kept yet.

    Args:
        kb: the knowledge base; it stands on the new commit afterwards.
        run: the name of a run of ours.
        labels: default: all that it predicts.
        where: SQL over the view `outcomes` that says which images; default: all.
        grouping: by concept, or summed by finding.
        top: contributions that are kept of each prediction.
        encoder: folder or id of the checkpoint, where it has moved.
        by: who.
        why: the reason.
        dry_run: count, and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: the run came as a table, predicts no such label, or no image is meant.
    """
    watcher, started = watcher or Silent(), time.perf_counter()
    explainer = open_explainer(kb, run, encoder)
    heads = [explainer.run.head(label) for label in dict.fromkeys(labels)] or list(explainer.run.heads)
    asked = _predicted(kb, explainer.run.name, heads, where)
    todo, known, left_out = _todo(explainer, heads, asked, grouping=grouping, top=top)
    work = _Work(kb, BatchExplainer(explainer, heads, grouping=grouping, top=top), todo, by=by, why=why)
    if not dry_run:
        work.run(watcher)
    seconds = time.perf_counter() - started
    logger.info("attributions: %d of %d predictions, %.2f s", todo.wanted.sum(), sum(map(len, asked)), seconds)
    return KeptAttributions(
        run=explainer.run.name,
        grouping=grouping,
        top=top,
        predictions=sum(map(len, asked)),
        added=int(todo.wanted.sum()),
        known=known,
        left_out=left_out,
        largest_residual=work.residual,
        seconds=seconds,
        commit=work.commit,
    )


def _predicted(kb: KnowledgeBase, run: str, heads: Sequence[Head], where: str | None) -> list[dict[str, float]]:
    """The logits of each label by image, of the images that a condition holds for."""
    if where is None:
        chosen = f"run IN {literals([run])} AND image_id IS NOT NULL"
        table = kb.dataset("predictions").to_table(columns=["image_id", "label", "logit"], filter=chosen)
        rows = list(zip(*(table[name].to_pylist() for name in ("label", "image_id", "logit")), strict=True))
    else:
        rows = _rows_where(kb, run, heads, where)
    found: dict[str, dict[str, float]] = {head.label: {} for head in heads}
    for label, image, logit in rows:
        if label in found:
            found[label][image] = logit
    if not any(found.values()):
        raise UsageError(f"no image that run '{run}' predicts is left where {where}" if where else "no image")
    return [found[head.label] for head in heads]


def _rows_where(kb: KnowledgeBase, run: str, heads: Sequence[Head], where: str) -> list[tuple[str, str, float]]:
    # The condition stands in a query of its own, as in every audit; only what is needed of its rows is read.
    sql = ROWS.replace("/*condition*/", f"{where}\n")
    sql = f"SELECT DISTINCT label, image_id, logit FROM ({sql}) WHERE image_id IS NOT NULL"
    rows: list[tuple[str, str, float]] = []
    with AuditSession(kb, ALLOWED) as session:
        for head in heads:
            found = session.query(sql, {"run": run, "label": head.label})
            rows += [(row["label"], row["image_id"], row["logit"]) for row in found]
    return rows


def _todo(
    explainer: Explainer, heads: Sequence[Head], asked: Sequence[Mapping[str, float]], *, grouping: Grouping, top: int
) -> tuple[_Todo, int, dict[str, int]]:
    """What is to be done, how much is done already, and what cannot be."""
    images = read_image_vectors(explainer.images, explainer.run.encoder)
    places = {image: place for place, image in enumerate(images.image_ids)}
    wanted, older = (np.zeros((len(images), len(heads)), bool) for _ in range(2))
    without, apart, known = 0, 0, 0
    done = _done(explainer, grouping)
    least = min(top, len(explainer.space))
    for column, (head, logits) in enumerate(zip(heads, asked, strict=True)):
        stated = np.full(len(images), np.nan)
        for image, logit in logits.items():
            if (place := places.get(image)) is not None:
                stated[place] = logit
        said = np.abs(explainer.terms(head, images.matrix).logit - stated)
        without += len(logits) - int(np.isfinite(stated).sum())
        apart += int((said > APART).sum())
        kept = done.get(head.label, {})
        for at in np.flatnonzero(said <= APART).tolist():
            image = images.image_ids[at]
            as_it_is, most, logit = kept.get(image, (False, 0, np.nan))
            fits = as_it_is and most >= least and abs(logit - stated[at]) <= APART
            known += int(fits)
            wanted[at, column] = not fits
            older[at, column] = image in kept and not fits
    reasons = {
        "no vector of the picture as it is now": without,
        "encoded anew since the prediction: predict again": apart,
    }
    numbers = np.flatnonzero(wanted.any(axis=1)).tolist()
    left_out = {reason: count for reason, count in reasons.items() if count}
    return _Todo(images.chosen(numbers), wanted[numbers], older[numbers]), known, left_out


def _done(explainer: Explainer, grouping: Grouping) -> dict[str, dict[str, tuple[bool, int, float]]]:
    """What is kept by label and image: whether it is of this vocabulary, how many contributions, and its logit."""
    where = f"run IN {literals([explainer.run.name])} AND grouping = {literal(grouping)}"
    columns = ["label", "image_id", "space", "top", "logit"]
    table = explainer.images.dataset("attribution_sums").to_table(columns=columns, filter=where)
    found: dict[str, dict[str, tuple[bool, int, float]]] = {}
    for label, image, space, top, logit in zip(*(table[name].to_pylist() for name in columns), strict=True):
        found.setdefault(label, {})[image] = (space == explainer.space.folder.name, top, logit)
    return found


class _Work:
    """The attribution of what is to be done, committed in parts."""

    def __init__(self, kb: KnowledgeBase, batch: BatchExplainer, todo: _Todo, *, by: str | None, why: str | None):
        self._kb, self._batch, self._todo = kb, batch, todo
        self._by, self._why = by, why
        self.residual = 0.0
        self.commit: str | None = None

    def run(self, watcher: Watcher) -> None:
        """Do it."""
        watcher.stage("attributing", int(self._todo.wanted.sum()))
        waiting: list[Taken] = []
        done, first, count, since = 0, 0, 0, time.monotonic()
        ends = [*range(IMAGES, len(self._todo.images), IMAGES), len(self._todo.images)]
        for start, end in zip([0, *ends], ends, strict=False):
            waiting += self._part(slice(start, end))
            added = int(self._todo.wanted[start:end].sum())
            done, count = done + added, count + added
            watcher.advance(done, done)
            if end == ends[-1] or count >= COMMIT_EVERY or time.monotonic() - since > COMMIT_EVERY_S:
                self._publish(waiting, slice(first, end), count)
                waiting, first, count, since = [], end, 0, time.monotonic()

    def _part(self, part: slice) -> list[Taken]:
        images = self._todo.images
        found = self._batch.take(images.image_ids[part], images.matrix[part], self._todo.wanted[part])
        self.residual = max([self.residual, *(one.residual for one in found)])
        return found

    def _publish(self, waiting: Sequence[Taken], part: slice, count: int) -> None:
        if not waiting:
            return

        def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
            for where in self._older(part):
                publication.delete("attributions", where)
                publication.delete("attribution_sums", where)
            publication.write("attributions", _joined([one.largest for one in waiting]))
            publication.write("attribution_sums", _joined([one.sums for one in waiting]))
            return {"run": self._batch.explainer.run.name, "predictions": count}, None

        commit, _ = self._kb.publish("attribute", change, by=self._by, why=self._why)
        self.commit = commit.commit_id if commit else None

    def _older(self, part: slice) -> Iterator[str]:
        """The rows that these take the place of."""
        run, grouping = literal(self._batch.explainer.run.name), literal(self._batch.grouping)
        for column, head in enumerate(self._batch.heads):
            images = np.flatnonzero(self._todo.older[part, column]) + part.start
            for chunk in batched(images.tolist(), 4_096):
                ids = literals(self._todo.images.image_ids[number] for number in chunk)
                mine = f"run = {run} AND grouping = {grouping} AND label = {literal(head.label)}"
                yield f"{mine} AND image_id IN {ids}"


def _joined(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Many small batches as few large ones."""
    return pa.Table.from_batches(batches).combine_chunks().to_batches(max_chunksize=100_000)
