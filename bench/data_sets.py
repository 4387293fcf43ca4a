"""A data set of MIMIC-CXR-JPG's size before a picture is read: its files found, its tables joined, its rows stored."""

from __future__ import annotations

import csv
import gzip
import sys
import tempfile
from pathlib import Path

import pyarrow as pa

from bench.measure import Row, peak_mb, seconds
from ingest.images.compared_rows import sorted_out
from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from schemas.tables import IMAGES

IMAGES_OF_MIMIC, QUARTER = 377_110, 94_277
VIEWS = ("PA", "AP", "LATERAL")
HEADER = ("dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows", "Columns")


def run() -> list[Row]:
    """Measure, and tell seconds beside a walk of the folder and a pass of the tables, and the peak beside a quarter."""
    with tempfile.TemporaryDirectory() as name:
        whole, part = Path(name) / "whole", Path(name) / "part"
        for root, count in ((whole, IMAGES_OF_MIMIC), (part, QUARTER)):
            _draw(root, count)
        least = seconds(lambda: _pass(whole))
        took = seconds(lambda: peak_mb(_command(whole)))
        peaks = {root: peak_mb(_command(root)) for root in (whole, part)}
        stored, again = _store(Path(name) / "k.kb", IMAGES_OF_MIMIC)
    return [
        Row(
            f"{IMAGES_OF_MIMIC:,} images of a data set found and joined with two tables ({took:.0f} s)",
            f"{took / least:.1f}x",
            "-",
            f"a walk of the folder and a pass of both tables, {least:.1f} s",
        ),
        Row(
            f"peak memory of the same ({peaks[whole]:,.0f} MB)",
            f"{peaks[whole] / peaks[part]:.2f}x",
            "-",
            f"{QUARTER:,} images, {peaks[part]:,.0f} MB",
        ),
        Row(
            f"rows of {IMAGES_OF_MIMIC:,} images compared with as many that are stored ({again:.1f} s)",
            f"{again / stored:.1f}x",
            "-",
            f"storing them, {stored:.1f} s",
        ),
    ]


def _command(root: Path) -> list[str]:
    command = Path(sys.executable).with_name("clear-kb")
    return [str(command), "ingest", "dataset", str(root), "--dry-run", "--kb", str(root / "none.kb"), "--quiet"]


def _ids(count: int) -> list[tuple[str, int, int]]:
    """Names, patients and studies: about six images a patient, and some two a study."""
    return [(f"{at:08x}-{at * 7919:08x}", 10_000_000 + at // 6, 50_000_000 + at // 2) for at in range(count)]


def _draw(root: Path, count: int) -> None:
    made: set[Path] = set()
    for name, patient, study in _ids(count):
        folder = root / f"files/p{str(patient)[:2]}/p{patient}/s{study}"
        if folder not in made:
            folder.mkdir(parents=True)
            made.add(folder)
        (folder / f"{name}.jpg").touch()
    with gzip.open(root / "mimic-cxr-2.0.0-metadata.csv.gz", "wt", newline="", compresslevel=1) as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for at, (name, patient, study) in enumerate(_ids(count)):
            writer.writerow([name, patient, study, "CHEST (PA AND LAT)", VIEWS[at % 3], 3056, 2544])
    with gzip.open(root / "mimic-cxr-2.0.0-split.csv.gz", "wt", newline="", compresslevel=1) as file:
        writer = csv.writer(file)
        writer.writerow(["dicom_id", "study_id", "subject_id", "split"])
        for name, patient, study in _ids(count):
            writer.writerow([name, study, patient, "train" if patient % 10 else "test"])


def _pass(root: Path) -> None:
    for _ in root.rglob("*"):
        pass
    for path in root.glob("*.gz"):
        with gzip.open(path, "rt", newline="") as file:
            for _ in csv.reader(file):
                pass


def _store(uri: Path, count: int) -> tuple[float, float]:
    """Seconds to store the rows of so many images, and to find that all of them are stored."""
    base = KnowledgeBase.create(uri)
    ids = _ids(count)
    columns = {
        "image_id": [name for name, _, _ in ids],
        "study_id": [str(study) for _, _, study in ids],
        "patient_id": [str(patient) for _, patient, _ in ids],
        **{name: ["metadata.csv.gz"] * count for name in ("source", "position", "kind")},
        "content_hash": [f"{at:032x}" for at in range(count)],
        "width": [2544] * count,
        "height": [3056] * count,
        "view": [VIEWS[at % 3] for at in range(count)],
        "sex": [None] * count,
        "age": [None] * count,
        "attributes": [[{"name": "split", "value": "train"}]] * count,
    }
    rows = pa.table({field.name: pa.array(columns[field.name], field.type) for field in IMAGES.schema}, IMAGES.schema)

    def store() -> None:
        def change(publication: Publication) -> tuple[dict[str, int], None]:
            publication.write("images", rows.to_batches(max_chunksize=10_000))
            return {"new": count}, None

        base.publish("ingest images", change)

    stored = seconds(store)
    return stored, seconds(lambda: sorted_out(base, rows, set()))
