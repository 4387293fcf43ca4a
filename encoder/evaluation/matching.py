"""Predictions beside labels, across levels: of an image or of a whole study, by one source of labels or several.

A prediction for an image meets the label of that image, else that of its study. One for a study meets the label of the
study, else those of its images: it is positive where any image is, and unknown where none is and any is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kb.errors import UsageError
from kb.images.splits import splits_of
from kb.label_names import plain_label
from kb.storage import quoted

if TYPE_CHECKING:
    import duckdb

    from kb.knowledge_base import KnowledgeBase

_PLAIN = "trim(regexp_replace(lower(replace({0}, '_', ' ')), '\\s+', ' ', 'g'))"

_MATCH = f"""
WITH studies AS (
    SELECT study_id, min(patient_id) AS patient_id, min(split) AS split
    FROM pictures WHERE study_id IS NOT NULL
    -- "study1" of two patients is no study that anything could be matched by
    GROUP BY study_id HAVING count(DISTINCT patient_id) < 2
),
predicted AS (
    SELECT row_number() OVER () AS number, p.run, p.image_id, coalesce(p.study_id, i.study_id) AS study_id,
        coalesce(p.patient_id, i.patient_id, s.patient_id) AS patient_id, coalesce(i.split, s.split) AS split,
        p.label, {_PLAIN.format("p.label")} AS name, p.score, p.logit
    FROM predictions p
    LEFT JOIN pictures i ON i.image_id = p.image_id
    LEFT JOIN studies s ON p.image_id IS NULL AND s.study_id = p.study_id
    WHERE p.run IN (SELECT unnest($runs))
),
held AS (
    SELECT l.image_id, coalesce(l.study_id, i.study_id) AS study_id, coalesce(l.patient_id, i.patient_id) AS patient_id,
        {_PLAIN.format("l.label")} AS name, l.value, l.source
    FROM labels l LEFT JOIN pictures i ON i.image_id = l.image_id
    WHERE $source IS NULL OR l.source = $source
),
met AS (
    SELECT p.number, h.source, h.value, h.patient_id, 0 AS distance
    FROM predicted p JOIN held h ON h.name = p.name AND h.image_id = p.image_id
    UNION ALL
    SELECT p.number, h.source, h.value, h.patient_id, CASE WHEN h.image_id IS NULL THEN 1 ELSE 2 END
    FROM predicted p JOIN held h ON h.name = p.name AND h.study_id = p.study_id
    WHERE (h.image_id IS NULL OR p.image_id IS NULL)
      AND (h.patient_id IS NULL OR p.patient_id IS NULL OR h.patient_id = p.patient_id)
),
by_source AS (
    SELECT number, source, min(patient_id) AS patient_id,
        CASE WHEN max(value) = 1 THEN 1 WHEN count(*) > count(value) THEN NULL ELSE 0 END AS value
    FROM (SELECT *, min(distance) OVER (PARTITION BY number, source) AS nearest FROM met) WHERE distance = nearest
    GROUP BY number, source
),
truth AS (
    SELECT number, max(value) AS value, min(patient_id) AS patient_id, count(DISTINCT value) > 1 AS contradicted,
        min(source) AS one_source, max(source) AS other_source
    FROM by_source GROUP BY number
)
SELECT p.run, p.label, p.score, p.logit, p.image_id, p.study_id, p.split, t.value, t.number IS NOT NULL AS labelled,
    coalesce(p.patient_id, t.patient_id) AS patient_id, t.contradicted, t.one_source, t.other_source
FROM predicted p LEFT JOIN truth t ON t.number = p.number
ORDER BY p.number
"""


def match(
    kb: KnowledgeBase, runs: Sequence[str], *, source: str | None = None, where: str | None = None
) -> list[dict[str, Any]]:
    """Every prediction of `runs` with its truth (`value`), patient, owner and split (`in_split`).

    `value` is None where the truth is unknown, and `labelled` false where there is no label at all. `owner` is the
    patient or, where nobody knows it, the image or study itself; `unit` says which image or study the row is of.

    Raises:
        UsageError: two sources of labels contradict each other, or `where` is no condition over the images.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        _register(connection, kb, runs)
        chosen = _where(connection, where) if where else None
        cursor = connection.execute(_MATCH, {"runs": list(runs), "source": source})
        columns = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(columns, values, strict=True)) for values in cursor.fetchall()]
    if chosen is not None:
        images, studies = chosen
        rows = [r for r in rows if (r["image_id"] in images if r["image_id"] is not None else r["study_id"] in studies)]
    _refuse_contradictions(rows)
    _own(rows)
    return rows


def _register(connection: duckdb.DuckDBPyConnection, kb: KnowledgeBase, runs: Sequence[str]) -> None:
    """The tables, in memory: nothing outside them can be reached from what is run over them."""
    for table in ("predictions", "labels", "images"):
        only = f"run IN {quoted(runs)}" if table == "predictions" else None
        connection.register(f"stored_{table}", kb.dataset(table).to_table(filter=only))
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM stored_{table}")
        connection.unregister(f"stored_{table}")
    connection.execute(
        "CREATE TABLE pictures AS SELECT * EXCLUDE (attributes), map_from_entries(attributes) AS attributes, "
        "map_extract(map_from_entries(attributes), 'split')[1] AS split FROM images"
    )
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _where(connection: duckdb.DuckDBPyConnection, where: str) -> tuple[set[str], set[str]]:
    """The images (and their studies) that a condition holds for."""
    import duckdb

    try:
        # The line break keeps a comment in the condition from taking the bracket with it.
        rows = connection.execute(f"SELECT image_id, study_id FROM pictures WHERE ({where}\n)").fetchall()
    except duckdb.Error as error:
        told = str(error).splitlines()[0]
        raise UsageError(
            f"--where {where}: {told}; the columns are those of the images: view, sex, age, width, source, "
            "attributes['NAME'], ..."
        ) from error
    return {row[0] for row in rows}, {row[1] for row in rows if row[1] is not None}


def _refuse_contradictions(rows: Sequence[Mapping[str, Any]]) -> None:
    against = [row for row in rows if row["contradicted"]]
    if not against:
        return
    first = against[0]
    of = f"image {first['image_id']}" if first["image_id"] is not None else f"study {first['study_id']}"
    raise UsageError(
        f"the labels of {first['one_source']} and {first['other_source']} contradict each other in {len(against):,} "
        f"places (first: {first['label']} of {of}): name the ones to go by with --source"
    )


def _own(rows: Sequence[dict[str, Any]]) -> None:
    """Say of each row what it is of, whose it is and in which split it lies."""
    for row in rows:
        image, study = row["image_id"], row["study_id"]
        row["unit"] = f"image {image}" if image is not None else f"study {study}"
        row["owner"] = row["patient_id"] or image or study
    owners = [row["owner"] for row in rows]
    named = [{"split": row["split"]} if row["split"] else {} for row in rows]
    for row, split in zip(rows, splits_of(owners, named), strict=True):
        row["in_split"] = split


def wanted_labels(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows of the labels named, in whatever spelling; UsageError where a run knows none of that name."""
    if not labels:
        return list(rows)
    known = {plain_label(row["label"]): row["label"] for row in rows}
    if unknown := [label for label in labels if plain_label(label) not in known]:
        raise UsageError(f"--label {unknown[0]}: there are predictions for {', '.join(sorted(known.values()))}")
    wanted = {plain_label(label) for label in labels}
    return [row for row in rows if plain_label(row["label"]) in wanted]
