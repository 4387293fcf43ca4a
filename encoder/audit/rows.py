"""The rows that an audit looks at: predictions of one run for one label beside one source of truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kb.errors import UsageError
from kb.images.patient_split import PARTS, lies_in
from kb.images.view_choice import FRONTAL, told_left_out, view_choice
from kb.language.label_names import plain_label
from kb.sql.condition import rows_asked
from kb.sql.views import Views

SMALLEST = 1e-6
"""A score of 0 or 1 has no logit: it counts as this far from it."""

ROWS = """
SELECT * FROM (
    SELECT o.*, i.kind, i.width, i.height
    FROM outcomes o LEFT JOIN images i ON i.image_id = o.image_id
    WHERE o.run = $run AND label_key(o.label) = label_key($label)
)
WHERE (/*condition*/)
ORDER BY coalesce(image_id, study_id), source
"""
"""The rows of a run and label, with what a condition may speak of: the view `outcomes` and columns of `images`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AuditRows:
    """Predictions of known truth, (n,) each.

    Attributes:
        run: of which run.
        label: as the run spells it.
        source: of the labels.
        split: of the rows, or "all".
        image_ids: None if a prediction is of a study.
        study_ids: None if nobody knows.
        patient_ids: likewise.
        truth: bool.
        score: between 0 and 1.
        logit: what the model says; of a score alone, its log-odds.
        owners: whose they are, as numbers.
        unknown: rows whose truth is unknown, left out.
        other_views: rows left out because they are of other views, by view.
        unlabelled: predictions that the source of labels says nothing of, left out.
        chose: which have helped to choose the threshold of the view `thresholds`, and are never judged by it: rows of
            the validation; None where none has.
    """

    run: str
    label: str
    source: str
    split: str
    image_ids: Sequence[str | None]
    study_ids: Sequence[str | None]
    patient_ids: Sequence[str | None]
    truth: np.ndarray
    score: np.ndarray
    logit: np.ndarray
    owners: np.ndarray
    unknown: int
    other_views: Mapping[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    chose: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def part(self, numbers: np.ndarray) -> AuditRows:
        """Some of the rows."""
        return replace(
            self,
            image_ids=[self.image_ids[int(n)] for n in numbers],
            study_ids=[self.study_ids[int(n)] for n in numbers],
            patient_ids=[self.patient_ids[int(n)] for n in numbers],
            truth=self.truth[numbers],
            score=self.score[numbers],
            logit=self.logit[numbers],
            owners=self.owners[numbers],
            chose=None if self.chose is None else self.chose[numbers],
        )

    def without_choosers(self) -> tuple[AuditRows, list[str]]:
        """The rows that a threshold of the view `thresholds` may be judged on, and what is to be said of the others.

        Raises:
            UsageError: none is left, or none of one truth.
        """
        if self.chose is None or not self.chose.any():
            return self, []
        kept = self.part(np.flatnonzero(~self.chose))
        told = f"{int(self.chose.sum()):,} validation rows, which chose the threshold"
        if not 0 < kept.positives < len(kept):
            raise UsageError(
                f"none of one truth is left of {self.label} without {told}: name one", parameter="threshold"
            )
        return kept, [f"left out: {told}"]

    @property
    def units(self) -> list[str]:
        """The image or study of each."""
        return [image or study or "" for image, study in zip(self.image_ids, self.study_ids, strict=True)]

    @property
    def notes(self) -> list[str]:
        """What was left out before anything was looked at."""
        notes = [f"left out for their view: {told_left_out(self.other_views)}"] if self.other_views else []
        if self.unlabelled:
            notes.append(f"left out: {self.unlabelled:,} predictions that {self.source} says nothing of")
        if self.unknown:
            notes.append(f"{self.unknown:,} rows of unknown truth are left out")
        return notes

    @property
    def positives(self) -> int:
        """How many hold the label."""
        return int(self.truth.sum())

    @property
    def largest_share(self) -> float:
        """The share of the rows that one patient has."""
        return float(np.bincount(self.owners).max() / len(self)) if len(self) else 0.0

    @property
    def patients(self) -> int:
        """How many patients (or images, if nobody knows them) they are of."""
        return len(set(self.owners.tolist()))


def read_rows(
    session: Views,
    run: str,
    label: str,
    *,
    source: str | None = None,
    split: str | None = None,
    where: str | None = None,
    views: str = FRONTAL,
) -> AuditRows:
    """The predictions of a run for a label, with what is true.

    Args:
        session: over the knowledge base.
        run: its name.
        label: in any spelling.
        source: of labels; needed if several speak.
        split: train, validation, test or external; "internal" for all that is not external, "all" or None for any.
        where: SQL over the columns of the view `outcomes`, and of `images`: "view = 'PA' AND attributes['ward'] = 'A'".
        views: of the images; see `kb.images.view_choice`. A prediction of a study has none.

    Raises:
        UsageError: there is no such run or label, no truth, several sources, or `where` is no condition.
    """
    split = split or "all"
    if split not in PARTS:
        raise UsageError(f"split '{split}': one of {', '.join(PARTS)} was expected")
    asked = rows_where(session, run, label, where=where)
    rows = [row for row in asked if row["source"] is not None]
    if not rows:
        _refuse(session, run, label, where)
    rows = [row for row in one_spelling(rows, label) if lies_in(row["split"], split)]
    if not rows:
        raise UsageError(f"nothing is known to be true of {label} in split '{split}': name another", parameter="split")
    predicted = len({_unit(row) for row in one_spelling(asked, label) if lies_in(row["split"], split)})
    sources = sorted({row["source"] for row in rows})
    if source is None and len(sources) > 1:
        raise UsageError(f"several sources speak of {label}: {', '.join(sources)}; name one", parameter="source")
    if source is not None and source not in sources:
        raise UsageError(f"source '{source}': {label} is spoken of by {', '.join(sources)}")
    rows = [row for row in rows if row["source"] == (source or sources[0])]
    of_views, other_views = rows_of_views(rows, views)
    known = [row for row in of_views if row["truth"] is not None]
    if other_views and not known:
        told = f"{told_left_out(other_views)} were left out (views: {views})"
        raise UsageError(f"nothing is known to be true of {label} in these views: {told}", parameter="views")
    if not known:
        raise UsageError(f"nothing is known to be true of {label} in split '{split}': name another", parameter="split")
    found = as_arrays(run, split, known, len(of_views) - len(known))
    return replace(found, other_views=other_views, unlabelled=predicted - len({_unit(row) for row in rows}))


def _unit(row: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """What a prediction is of: an image, or a study."""
    return (row["image_id"], None if row["image_id"] is not None else row["study_id"])


def rows_of_views(rows: Sequence[dict[str, Any]], views: str) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    """The rows of these views (a prediction of a study has none), and how many are left out, by view."""
    wanted = view_choice(views)
    kept = [row for row in rows if row["image_id"] is None or row["view"] in wanted]
    return kept, wanted.left_out(row["view"] for row in rows if row["image_id"] is not None)


def rows_where(session: Views, run: str, label: str, *, where: str | None) -> list[dict[str, Any]]:
    """The rows of a run and label that a condition holds for, as data."""
    # A query of its own round the condition: whatever it says, other runs and labels stay outside. The line break keeps
    # a comment in it from taking the bracket with it.
    values = {"run": run, "label": label}
    if where is None:
        return session.run(ROWS.replace("/*condition*/", "true"), values).rows()
    return rows_asked(session.kb, ROWS.replace("/*condition*/", f"{where}\n"), values)


def one_spelling(rows: Sequence[dict[str, Any]], label: str) -> list[dict[str, Any]]:
    """The rows of one spelling of a label; a run may hold two that only differ in case or "_".

    Raises:
        UsageError: it holds two, and neither is the one asked for.
    """
    spelt = sorted({row["label"] for row in rows})
    if len(spelt) > 1 and label not in spelt:
        raise UsageError(f"label '{label}': the run predicts {' and '.join(spelt)}: name one as it is written")
    wanted = label if label in spelt else spelt[0]
    return [row for row in rows if row["label"] == wanted]


def as_arrays(run: str, split: str, known: Sequence[Mapping[str, Any]], unknown: int) -> AuditRows:
    """Rows of `outcomes` as columns; a truth that is unknown counts as none."""
    score = np.array([row["score"] for row in known], dtype=np.float64)
    logits = [row["logit"] for row in known]
    clipped = np.clip(score, SMALLEST, 1 - SMALLEST)
    logit = np.log(clipped / (1 - clipped)) if None in logits else np.array(logits, dtype=np.float64)
    _, owners = np.unique([row["owner"] for row in known], return_inverse=True)
    chose = [row["chosen_on"] == "validation" and row["decision"] is None for row in known]
    return AuditRows(
        run=run,
        label=known[0]["label"],
        source=known[0]["source"],
        split=split,
        image_ids=[row["image_id"] for row in known],
        study_ids=[row["study_id"] for row in known],
        patient_ids=[row["patient_id"] for row in known],
        truth=np.array([row["truth"] == 1 for row in known], dtype=bool),
        score=score,
        logit=logit,
        owners=owners.astype(np.int64),
        unknown=unknown,
        chose=np.array(chose, dtype=bool),
    )


def check_run(session: Views, run: str, label: str) -> None:
    """See that there is such a run, and that it predicts the label.

    Raises:
        UsageError: there is none, or it does not.
    """
    runs = [row["run"] for row in session.run("SELECT run FROM runs ORDER BY run").rows()]
    if run not in runs:
        text = ", ".join(runs) or "there are none"
        raise UsageError(f"there is no run '{run}': {text}", need=None if runs else "predictions")
    labels = labels_of(session, run)
    if plain_label(label) not in map(plain_label, labels):
        raise UsageError(f"run '{run}' predicts no '{label}': {', '.join(labels)}")


def labels_of(session: Views, run: str) -> list[str]:
    """What a run predicts."""
    sql = "SELECT DISTINCT label FROM predictions WHERE run = $run ORDER BY label"
    return [str(row["label"]) for row in session.run(sql, {"run": run}).rows()]


def _refuse(session: Views, run: str, label: str, where: str | None) -> None:
    """Say what is missing: the run, the label, its truth, or rows that the condition holds for."""
    check_run(session, run, label)
    if where is not None:
        raise UsageError(f"no prediction of {label} by '{run}' of known truth is left where {where}")
    raise UsageError(f"no label says whether {label} is true", need="labels")
