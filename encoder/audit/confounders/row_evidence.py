"""What is known of the rows of an audit: the vectors of their images, what their reports state, their attributes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import Exposures, exposures_of, together
from encoder.audit.confounders.result import Kind
from encoder.audit.drift.dates import is_period_attribute
from encoder.audit.rows import AuditRows
from encoder.vectors.encoders import StoredEncoder, find_encoder, known_encoders
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.sql.views import Views

MOST_VALUES = 30
"""Values of an attribute: one with more is a number, a date or an id, and no group of images."""

NO_ATTRIBUTES = frozenset(
    {"split", "fold", "path", "file", "filename", "image", "study", "patient", "sex", "gender", "age"}
)
"""Attributes that are ids, or stand in columns of their own."""

COLUMNS = ("site", "view", "sex", "age_band", "month")

_STATED = """
SELECT DISTINCT study_id, patient_id, finding FROM observations
WHERE assertion = 'present' AND temporality NOT IN ('resolved', 'historical') AND study_id IS NOT NULL
"""


def read_evidence(
    kb: KnowledgeBase, session: Views, rows: AuditRows, *, encoder: str | None, kinds: Collection[Kind]
) -> tuple[Evidence, list[str]]:
    """All that is known of `rows`, and what is not, a sentence each.

    Args:
        kb: the knowledge base.
        session: over it.
        rows: the predictions.
        encoder: the id of the one whose vectors are read; None for none.
        kinds: what is wanted of "image", "report" and "attribute".
    """
    notes: list[str] = []
    encoded, vectors = _vectors(kb, rows, encoder, notes) if "image" in kinds and encoder else (_nothing(), None)
    exposures: list[Exposures] = []
    if "report" in kinds:
        exposures, told = read_stated(session, rows)
        notes += told
    fields = _fields(session, rows)
    if "attribute" in kinds:
        times = {name for name, values in fields.items() if is_period_attribute(name, values.values())}
        exposures.append(_attributes(rows, {name: fields[name] for name in fields if name not in times}))
    return Evidence(rows, exposures, encoded, vectors, _groups(rows, fields)), notes


def read_stated(session: Views, rows: AuditRows) -> tuple[list[Exposures], list[str]]:
    """What the reports of `rows` state, and of how many there is none; empty where no row has a report."""
    stated = _stated(session, rows)
    if stated is None:
        return [], ["no report belongs to these images or studies (they are joined by study)"]
    missing = len(rows) - int(stated.known[0].sum()) if len(stated) else 0
    if not missing:
        return [stated], []
    return [stated], [f"{missing:,} of {len(rows):,} have no report: what reports state is tested on the others"]


def encoder_of(kb: KnowledgeBase, run: str, named: str | None) -> StoredEncoder | None:
    """The encoder whose image vectors say what is in an image: the run's own, the one named, or the only one.

    Raises:
        UsageError: several could be meant, or none begins as named.
    """
    rows = kb.dataset("runs").to_table(columns=["run", "encoder", "space"]).to_pylist()
    own = next((row["encoder"] for row in rows if row["run"] == run), None)
    if named is not None:
        return find_encoder(kb, named)
    known = known_encoders(kb)
    if own is not None:
        return next((one for one in known if one.encoder == own), None)
    if len(known) > 1:
        names = ", ".join(one.encoder for one in known)
        raise UsageError(
            f"run '{run}' is of no encoder here: name the one whose image vectors count, of {names}",
            parameter="encoder",
        )
    return known[0] if known else None


def _nothing() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


def _vectors(
    kb: KnowledgeBase, rows: AuditRows, encoder: str, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Which rows have vectors, and these: of a study the mean over its images."""
    try:
        images = read_image_vectors(kb, encoder)
    except UsageError as error:
        notes.append(str(error))
        return _nothing(), None
    by_image = {image: place for place, image in enumerate(images.image_ids)}
    by_study = _places(images.studies)
    numbers, found = [], []
    for number, (image, study) in enumerate(zip(rows.image_ids, rows.study_ids, strict=True)):
        if image is not None:
            places = [by_image[image]] if image in by_image else []
        else:
            places = [p for p in by_study.get(study, ()) if _same(images.patient_ids[p], rows.patient_ids[number])]
        if places:
            numbers.append(number)
            found.append(places)
    if len(numbers) < len(rows):
        notes.append(f"{len(rows) - len(numbers):,} of {len(rows):,} have no image vector of encoder {encoder}")
    if not numbers:
        return _nothing(), None
    if all(len(places) == 1 for places in found):
        matrix = images.matrix[[places[0] for places in found]]
    else:
        matrix = np.stack([images.matrix[places].mean(axis=0) for places in found])
    return np.array(numbers, dtype=np.int64), matrix


def _same(known: str | None, told: str | None) -> bool:
    """Whether two patients may be one: "study1" of two patients is two studies."""
    return known is None or told is None or known == told


def _stated(session: Views, rows: AuditRows) -> Exposures | None:
    """The findings that the reports of the rows' studies state as present; None if no row has a report."""
    by_study = _places(rows.study_ids)
    known = np.zeros(len(rows), dtype=bool)
    for row in session.run("SELECT study_id, patient_id FROM reports WHERE study_id IS NOT NULL"):
        for number in by_study.get(row["study_id"], ()):
            known[number] |= _same(rows.patient_ids[number], row["patient_id"])
    if not known.any():
        return None

    def found() -> Iterator[tuple[int, str, str | None]]:
        for row in session.run(_STATED):
            for number in by_study.get(row["study_id"], ()):
                if _same(rows.patient_ids[number], row["patient_id"]):
                    yield number, row["finding"], row["finding"]

    return exposures_of("report", found(), known)


def _fields(session: Views, rows: AuditRows) -> dict[str, dict[int, str]]:
    """Site, view, sex, age band, month, and attributes of few values, by row; those named as labels are left out."""
    places = {"studies": _places(rows.study_ids), "images": _places(rows.image_ids)}
    labels = {row["name"] for row in session.run("SELECT DISTINCT name FROM truths").rows()} | {plain_label(rows.label)}
    skip = NO_ATTRIBUTES | labels | set(COLUMNS)
    fields: dict[str, dict[int, str]] = {}
    for relation, unit in (("studies", "study_id"), ("images", "image_id")):
        for row in session.run(f"SELECT * FROM {relation}"):
            for number in places[relation].get(row[unit], ()):
                if _same(rows.patient_ids[number], row["patient_id"]):
                    for name, value in _named(row, skip):
                        fields.setdefault(name, {})[number] = value
    return {name: values for name, values in sorted(fields.items()) if 1 < len(set(values.values())) <= MOST_VALUES}


def _attributes(rows: AuditRows, fields: Mapping[str, Mapping[int, str]]) -> Exposures:
    """Every value of every attribute as a thing that a row has or lacks."""
    parts = []
    for name, values in fields.items():
        # Whose value nobody knows neither has it nor lacks it.
        known = np.zeros(len(rows), dtype=bool)
        known[list(values)] = True
        counts = Counter(values.values())
        if len(counts) == 2:  # "F" and "M" say the same twice: the rarer one speaks
            most = max(counts, key=lambda value: (counts[value], value))
            values = {number: value for number, value in values.items() if value != most}
        parts.append(exposures_of("attribute", ((n, f"{name}: {value}", None) for n, value in values.items()), known))
    return together("attribute", parts)


def _groups(rows: AuditRows, fields: Mapping[str, Mapping[int, str]]) -> dict[str, np.ndarray]:
    """The attributes as columns: the value of each row, or None."""
    return {
        name: np.array([values.get(number) for number in range(len(rows))], dtype=object)
        for name, values in fields.items()
    }


def _places(ids: Sequence[str | None]) -> dict[str | None, list[int]]:
    """The places of each image or study in a list of them."""
    places: dict[str | None, list[int]] = {}
    for number, one in enumerate(ids):
        if one is not None:
            places.setdefault(one, []).append(number)
    return places


def _named(row: Mapping[str, Any], skip: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in COLUMNS:
        if row.get(name) is not None:
            yield name.replace("_", " "), str(row[name])
    for name, value in (row["attributes"] or {}).items():
        # Where in the picture a label was drawn tells the label.
        if name not in skip and plain_label(name) not in skip and not name.startswith("boxes: ") and value is not None:
            yield name, str(value)
