"""A phantom study as files: pictures, and tables of what they are, what they show, where, and what was reported."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ingest.demo.drawing import Box, draw_study
from ingest.demo.report_wording import ReportText, write_report
from ingest.demo.study import LABELS, Study, phantom_studies
from kb.cores import core_count
from kb.errors import UsageError

TASK = 50
"""Pictures that a process draws at a time."""

ALONE = 300
"""Fewer pictures are drawn by this process alone, before another would have started."""

SMALLEST = 32
"""Pixels of a side: with fewer, a nodule would be less than one."""

_IMAGE_COLUMNS = ("image", "study_id", "patient_id", "site", "view", "sex", "age", "split")
_BOX_COLUMNS = ("image", "finding", "side", "x0", "y0", "x1", "y1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomStudy:
    """Where the files of a phantom study lie, and how much they hold; `positives` counts the images of each label.

    The tables name an image as it lies in `folder` ("images/PH0000000.png"), which is its id in a knowledge base:

        clear-kb ingest images --table FOLDER/images.csv
    """

    folder: Path
    images: Path
    image_table: Path
    reports: Path
    labels: Path
    boxes: Path
    image_count: int
    patient_count: int
    positives: dict[str, int]


def write_phantom_study(
    folder: Path,
    count: int,
    seed: int = 0,
    *,
    size: int = 128,
    workers: int | None = None,
    shortcut: float = 0.9,
) -> PhantomStudy:
    """Draw and write a study of `count` pictures into `folder`; the same arguments give the same bytes.

    Args:
        folder: where to; it is made if it is not there, and files of the same names are replaced.
        count: pictures; each has one report.
        seed: another seed, other patients.
        size: pixels of a side.
        workers: processes that draw; default: one for each processor.
        shortcut: P(chest tube) where there is a pneumothorax at the site "harbor"; 0.05 or less plants none.

    Raises:
        UsageError: a finding would be smaller than a pixel.
    """
    if size < SMALLEST:
        raise UsageError(f"a size of {size} pixels: a phantom is drawn with {SMALLEST} or more")
    studies = list(phantom_studies(count, seed, shortcut))
    made = PhantomStudy(
        folder=folder,
        images=folder / "images",
        image_table=folder / "images.csv",
        reports=folder / "reports.csv",
        labels=folder / "labels.csv",
        boxes=folder / "boxes.csv",
        image_count=len(studies),
        patient_count=len({study.patient for study in studies}),
        positives={label: sum(study.shows(label) for study in studies) for label in LABELS},
    )
    made.images.mkdir(parents=True, exist_ok=True)
    drawn = _drawn(studies, made.images, size, workers or core_count())
    _write(made.boxes, _BOX_COLUMNS, (_box_row(image_name(study), box) for study, box in drawn))
    _write(made.image_table, _IMAGE_COLUMNS, map(_image_row, studies))
    _write(made.labels, ("image", *LABELS), map(_label_row, studies))
    _write_reports(made.reports, studies)
    return made


def write_phantom_reports(path: Path, count: int, seed: int = 0) -> None:
    """Write the reports of such a study alone, `count` of them, as a CSV file: no picture is drawn."""
    _write_reports(path, phantom_studies(count, seed))


def image_name(study: Study) -> str:
    """What the tables call a study's image: its path in the folder."""
    return f"images/{study.name}.png"


def _drawn(studies: Sequence[Study], images: Path, size: int, workers: int) -> Iterator[tuple[Study, Box]]:
    """Draw all pictures; says which boxes they hold, in order."""
    tasks = [(studies[start : start + TASK], images, size) for start in range(0, len(studies), TASK)]
    if workers == 1 or len(studies) < ALONE:
        for task in tasks:
            yield from _draw(task)
        return
    # The caller may have Lance's threads running: they do not survive a fork.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(_draw, tasks):
            yield from found


def _draw(task: tuple[Sequence[Study], Path, int]) -> list[tuple[Study, Box]]:
    studies, images, size = task
    found = []
    for study in studies:
        picture = draw_study(study, size)
        Image.fromarray(picture.pixels).save(images / f"{study.name}.png", compress_level=4)
        found += [(study, box) for box in picture.boxes]
    return found


def _image_row(study: Study) -> list[object]:
    whose = (study.study_id, study.patient_id, study.site)
    return [image_name(study), *whose, study.view, study.sex, study.age, study.split]


def _label_row(study: Study) -> list[object]:
    return [image_name(study), *(int(study.shows(label)) for label in LABELS)]


def _box_row(image: str, box: Box) -> list[object]:
    return [image, box.finding, box.side, box.x0, box.y0, box.x1, box.y1]


def _write_reports(path: Path, studies: Iterable[Study]) -> None:
    columns = tuple(ReportText.__dataclass_fields__)
    reports = (write_report(study).report for study in studies)
    _write(path, columns, ([getattr(report, column) for column in columns] for report in reports))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
