"""Predictions beside labels: one row of each, by one source of labels or by all that agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
) -> list[dict[str, Any]]:
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
        found = session.run(_ROWS, {"runs": list(runs), **groups}).rows()
        if by not in (None, "site") and all(row["group"] is None for row in found):
            raise UsageError(f"by '{by}': nothing is known by that name; there are {', '.join(_known_groups(session))}")
    rows = _one_each(found, source)
    if by == "site":
        _name_sites(rows)
    if chosen is not None:
        images, studies = chosen
        rows = [r for r in rows if (r["image_id"] in images if r["image_id"] is not None else r["study_id"] in studies)]
    _refuse_contradictions(rows)
    for row in rows:
        row["unit"] = f"study {row['study_id']}" if row["image_id"] is None else f"image {row['image_id']}"
    return rows


_ROWS = """
WITH places AS (
    SELECT run, label, min(place) AS place
    FROM (SELECT run, label, row_number() OVER () AS place FROM predictions) GROUP BY run, label
)
SELECT o.run, o.label, o.source, o.image_id, o.study_id, o.patient_id, o.owner, o.split AS in_split, o.score, o.logit,
    o.truth AS value, o.view,
    CASE CAST($group_by AS VARCHAR) WHEN 'site' THEN o.site WHEN 'source' THEN i.source
        WHEN 'view' THEN o.view WHEN 'sex' THEN o.sex WHEN 'age_band' THEN o.age_band WHEN 'month' THEN o.month
        ELSE o.attributes[CAST($attribute AS VARCHAR)] END AS "group"
FROM outcomes o JOIN places p ON p.run = o.run AND p.label = o.label
LEFT JOIN images i ON i.image_id = o.image_id
WHERE o.run IN (SELECT unnest($runs))
ORDER BY p.place, coalesce(o.image_id, o.study_id), o.source
"""


def _name_sites(rows: Iterable[dict[str, Any]]) -> None:
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


def of_views(rows: Sequence[Mapping[str, Any]], views: str) -> tuple[list[Mapping[str, Any]], dict[str, int]]:
    """The rows of the views that are asked for, and how many images are of others, by view; studies have none."""
    wanted = view_choice(views)
    whole = {row["unit"]: row["view"] for row in rows if row["image_id"] is not None}
    left_out = wanted.left_out(whole.values())
    return [row for row in rows if row["image_id"] is None or row["view"] in wanted], left_out


def _one_each(found: Iterable[Mapping[str, Any]], source: str | None) -> list[dict[str, Any]]:
    """One row of each prediction: its truth by the source that is wanted, or by all that speak of it."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in found:
        key = tuple(one[name] for name in ("run", "label", "image_id", "study_id", "owner"))
        row = rows.setdefault(key, {**one, "value": None, "labelled": False, "contradicted": False, "sources": []})
        if one["source"] is None or source not in (None, one["source"]):
            continue
        row["labelled"] = True
        row["contradicted"] |= None not in (row["value"], one["value"]) and row["value"] != one["value"]
        row["value"] = one["value"] if row["value"] is None else row["value"]
        row["sources"].append(one["source"])
    return list(rows.values())


def _where(session: Views, where: str) -> tuple[set[str], set[str]]:
    """The images (and their studies) that a condition holds for."""
    rows = images_where(session.kb, where)
    return {row["image_id"] for row in rows}, {row["study_id"] for row in rows if row["study_id"] is not None}


def _refuse_contradictions(rows: Sequence[Mapping[str, Any]]) -> None:
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


def wanted_labels(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[Mapping[str, Any]]:
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
