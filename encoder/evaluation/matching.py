"""Predictions beside labels: one row of each, by one source of labels or by all that agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from encoder.evaluation.matched_row import MatchedRow, Row
from kb.batched import few_at_once
from kb.errors import UsageError
from kb.images.view_choice import view_choice
from kb.images.where import images_where
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.language.labels import labels_of, with_lists
from kb.sql.views import Views


def match(
    kb: KnowledgeBase,
    runs: Sequence[str],
    *,
    source: str | None = None,
    where: str | None = None,
    by: str | None = None,
) -> list[MatchedRow]:
    """Every prediction of `runs` with its truth (`value`), patient, owner and split (`in_split`).

    `value` is None if the truth is unknown, and `labelled` false if there is no label at all. `owner` is the
    patient or, if nobody knows it, the study or the image itself; `unit` says which image or study the row is of.
    How a prediction meets its label is the view `outcomes` (schemas/sql/views). `by` is a column of that view, "source"
    for the table or folder that images came in by, or an attribute: its value stands in the row as `group`. A site that
    nobody names is called by the source of its labels.

    Raises:
        UsageError: two sources of labels contradict each other, `where` is no condition over the images, or nothing is
            known by the name `by`.
    """
    with Views(kb) as session:
        chosen = None if where is None else _where(session, where)
        groups = {"group_by": by, "attribute": None if by is None or by in COLUMNS else plain_label(by)}
        rows = _one_each(_found(session, runs, groups), source)
        if by not in (None, "site") and all(row["group"] is None for row in rows):
            raise UsageError(f"by '{by}': nothing is known by that name; there are {', '.join(_known_groups(session))}")
    if by == "site":
        _name_sites(rows)
    if chosen is not None:
        images, studies = chosen
        rows = [r for r in rows if (r["image_id"] in images if r["image_id"] is not None else r["study_id"] in studies)]
    _refuse_contradictions(rows)
    return rows


AT_ONCE = 1_000_000
"""Predictions that are put in order at a time."""

_SERIES = """
SELECT run, label, count(*) AS predictions
FROM (SELECT run, label, row_number() OVER () AS place FROM predictions WHERE list_contains($runs, run))
GROUP BY run, label ORDER BY min(place)
"""

_ROWS = """
SELECT o.run, o.label, o.source, o.image_id, o.study_id, o.patient_id, o.owner, o.split AS in_split, o.score, o.logit,
    o.truth AS value, o.view,
    CASE CAST($group_by AS VARCHAR) WHEN 'site' THEN o.site WHEN 'source' THEN i.source
        WHEN 'view' THEN o.view WHEN 'sex' THEN o.sex WHEN 'age_band' THEN o.age_band WHEN 'month' THEN o.month
        ELSE o.attributes[CAST($attribute AS VARCHAR)] END AS "group"
FROM outcomes o LEFT JOIN images i ON i.image_id = o.image_id
WHERE list_contains($series, {'run': o.run, 'label': o.label})
ORDER BY list_position($series, {'run': o.run, 'label': o.label}), coalesce(o.image_id, o.study_id), o.source
"""


def _found(session: Views, runs: Sequence[str], groups: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What the sources say of each prediction, run by run and label by label in the order of the predictions."""
    counted = session.run(_SERIES, {"runs": list(runs)}).rows()
    series = [({"run": row["run"], "label": row["label"]}, row["predictions"]) for row in counted]
    for few in few_at_once(series, AT_ONCE):
        yield from session.run(_ROWS, {"series": few, **groups})


def _name_sites(rows: Iterable[MatchedRow]) -> None:
    """Call rows of which nobody knows the site by the source of their labels: without pictures that is all there is."""
    for row in rows:
        if row["group"] is None and row["sources"]:
            row["group"] = ", ".join(sorted(set(row["sources"])))


COLUMNS = ("site", "source", "view", "sex", "age_band", "month")
"""What rows are grouped by, beside any attribute of theirs."""


def _known_groups(session: Views) -> list[str]:
    """Whatever rows may be grouped by."""
    sql = "SELECT DISTINCT unnest(map_keys(attributes)) AS name FROM images ORDER BY name"
    return [*COLUMNS, *(row["name"] for row in session.run(sql).rows())]


def of_views(rows: Sequence[Row], views: str) -> tuple[list[Row], dict[str, int]]:
    """The rows of the views that are asked for, and how many images are of others, by view; studies have none."""
    wanted = view_choice(views)
    whole = {row["unit"]: row["view"] for row in rows if row["image_id"] is not None}
    left_out = wanted.left_out(whole.values())
    return [row for row in rows if row["image_id"] is None or row["view"] in wanted], left_out


def _one_each(found: Iterable[Mapping[str, Any]], source: str | None) -> list[MatchedRow]:
    """One row of each prediction: its truth by the source that is wanted, or by all that speak of it.

    What is found of one prediction comes in a row, so that no more than those of one image are looked through.
    """
    same: dict[Any, Any] = {}
    rows: list[MatchedRow] = []
    of_image: dict[tuple[Any, ...], MatchedRow] = {}
    at: tuple[Any, ...] = ()
    for one in found:
        if (now := (one["run"], one["label"], one["image_id"] or one["study_id"])) != at:
            at, of_image = now, {}
        key = one["image_id"], one["study_id"], one["owner"]
        if (row := of_image.get(key)) is None:
            row = of_image[key] = MatchedRow(one, same)
            rows.append(row)
        row.hear(one["source"], one["value"], wanted=source, same=same)
    return rows


def _where(session: Views, where: str) -> tuple[set[str], set[str]]:
    """The images (and their studies) that a condition holds for."""
    rows = images_where(session.kb, where)
    return {row["image_id"] for row in rows}, {row["study_id"] for row in rows if row["study_id"] is not None}


def _refuse_contradictions(rows: Sequence[Row]) -> None:
    against = [row for row in rows if row["contradicted"]]
    if not against:
        return
    first = against[0]
    of = f"image {first['image_id']}" if first["image_id"] is not None else f"study {first['study_id']}"
    one, other = sorted(first["sources"])[:2]
    raise UsageError(
        f"the labels of {one} and {other} contradict each other in {len(against):,} places (first: {first['label']} of "
        f"{of}): name the source to go by",
        parameter="source",
    )


def wanted_labels(rows: Sequence[Row], labels: Sequence[str]) -> list[Row]:
    """The rows of the labels named, in whatever spelling; UsageError if a run knows none of that name."""
    if not labels:
        return list(rows)
    known = {plain_label(row["label"]): row["label"] for row in rows}
    # Of a list by name ("chexpert5") a run may know some; of a label that was named itself, it must know.
    named = [label for label in labels if labels_of(label) is None]
    labels = with_lists(labels)
    unknown = [label for label in named or labels if plain_label(label) not in known]
    if unknown and (named or len(unknown) == len(labels)):
        raise UsageError(f"label '{unknown[0]}': there are predictions for {', '.join(sorted(known.values()))}")
    wanted = {plain_label(label) for label in labels}
    return [row for row in rows if plain_label(row["label"]) in wanted]
