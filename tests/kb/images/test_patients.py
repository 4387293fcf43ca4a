"""Whose images and studies are: what the tables come to together, against the rules read out one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.images.patient_split import split_named, split_of
from kb.images.patients import Patients, settled_patients
from schemas.tables import VERSIONED
from tests.support.examples import examples

SCHEMAS = {table.name: table.schema for table in VERSIONED}
RUNS = [{"run": "ours", "encoder": "e"}, {"run": "theirs", "encoder": None}]


class Stored:
    """Tables in memory, as the tables of a commit."""

    def __init__(self, rows: Mapping[str, list[dict[str, Any]]]):
        self._rows = rows

    def dataset(self, table: str) -> Any:
        return pa.Table.from_pylist(self._rows[table], schema=SCHEMAS[table])


def _perhaps(*values: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, *values])


IMAGE, STUDY, PATIENT = _perhaps("i1", "i2", "i3"), _perhaps("s1", "s2"), _perhaps("p1", "p2", "p3")
SPLIT = _perhaps("train", "val", "external")
UNIT = st.tuples(IMAGE, STUDY, PATIENT, SPLIT).filter(lambda unit: unit[0] is not None or unit[1] is not None)


@settings(max_examples=examples(100), deadline=None)
@given(
    images=st.lists(st.tuples(STUDY, PATIENT, SPLIT), max_size=3),
    reports=st.lists(st.tuples(STUDY, PATIENT), max_size=3),
    labels=st.lists(UNIT, max_size=3),
    attributes=st.lists(UNIT, max_size=3),
    predictions=st.lists(st.tuples(UNIT, st.sampled_from(["ours", "theirs"])), max_size=2),
)
def test_what_the_tables_say_together_is_what_each_rule_says(
    images: list[Any], reports: list[Any], labels: list[Any], attributes: list[Any], predictions: list[Any]
) -> None:
    own = [_row(f"i{number}", study, patient, split) for number, (study, patient, split) in enumerate(images, start=1)]
    reported = [_row(None, study, patient) for study, patient in reports]
    labelled, described = [_row(*unit[:3]) for unit in labels], [_row(*unit) for unit in attributes]
    scored = [{**_row(*unit[:3]), "run": run} for unit, run in predictions]
    found = settled_patients(
        Stored(
            {
                "images": [
                    {**_ids(row), "source": "here", "attributes": [{"name": "Split", "value": row["split"] or ""}]}
                    for row in own
                ],
                "reports": [_ids(row, "study_id", "patient_id") for row in reported],
                "labels": [{**_ids(row), "source": "table"} for row in labelled],
                "attributes": [
                    {**_ids(row), "source": "more", "name": "split", "value": row["split"]} for row in described
                ],
                "predictions": [{**_ids(row), "run": row["run"]} for row in scored],
                "runs": RUNS,
            }
        )
    )
    # A run of our own only repeats whose an image is; what is no unit says nothing.
    repeated = [{**row, "patient_id": row["patient_id"] if row["run"] == "theirs" else None} for row in scored]
    rows = [*own, *(row for row in reported if row["study_id"]), *labelled, *described, *repeated]
    _check(found, own, rows)


def _check(found: Patients, own: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    first = {row["image_id"]: row for row in own}
    of_image = _patients_by(rows, "image_id")
    study_of = {
        image: (first.get(image) or {}).get("study_id")
        or min((row["study_id"] for row in rows if row["image_id"] == image and row["study_id"]), default=None)
        for image in of_image
    }
    of_study = _patients_by(rows, "study_id")
    for image, study in study_of.items():
        if study is not None:
            of_study[study] |= of_image[image]
    alone = {study: min(patients) for study, patients in of_study.items() if len(patients) == 1}
    whose = {
        image: (first.get(image) or {}).get("patient_id") or min(patients, default=alone.get(study_of[image]))
        for image, patients in of_image.items()
    }
    owners = {image: patient or study_of[image] or image for image, patient in whose.items()}
    assert {image: (one.patient_id, one.owner) for image, one in found.images.items()} == {
        image: (whose[image], owners[image]) for image in of_image
    }
    assert {study: (one.patient_id, one.owner) for study, one in found.studies.items()} == {
        study: (alone.get(study), alone.get(study, study)) for study in of_study
    }
    assert found.pictured == first.keys()
    named: dict[str, set[str | None]] = {}
    for row in rows:
        if row["split"] is not None:
            image, study = row["image_id"], row["study_id"]
            owner = owners[image] if image else row["patient_id"] or alone.get(study, study)
            named.setdefault(owner, set()).add(split_named(row["split"]))
    everybody = {*owners.values(), *(one.owner for one in found.studies.values()), *set().union(*of_image.values())}
    assert found.splits.keys() == everybody | set().union(*of_study.values())
    assert found.named == named.keys()
    for owner, split in found.splits.items():
        assert split in named.get(owner, {split_of(owner)})
    torn = {owner for owner, splits in named.items() if len(splits) > 1}
    for image, patients in of_image.items():
        among = patients or (of_study.get(study_of[image] or "", set()) if image in first else set())
        if len(among) > 1 and len({found.splits[one] for one in (owners[image], *among)}) > 1:
            torn.add(owners[image])
    assert torn == {leak.patient for leak in found.leaks if " and has images of " not in leak.detail}


def _patients_by(rows: Iterable[Mapping[str, Any]], unit: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        if row[unit] is not None:
            found.setdefault(row[unit], set()).update({row["patient_id"]} - {None})
    return found


def _row(image: str | None, study: str | None, patient: str | None, split: str | None = None) -> dict[str, Any]:
    return {"image_id": image, "study_id": study, "patient_id": patient, "split": split}


def _ids(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names or ("image_id", "study_id", "patient_id")}
