"""Tables of labels of the size of CheXpert's and VinBigData's: how long they take, and what memory."""

from __future__ import annotations

import csv
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, peak_mb, ratio_row, rounds, seconds
from kb.language.labels import labels_of

REPEATS = 3
WIDE, SMALL = 223_414, 55_854
READ_IMAGES = 15_000


def run() -> list[Row]:
    """Measure, and tell seconds beside one pass of Python's csv module, and the peak beside a quarter of the rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wide, small, boxes = folder / "wide.csv", folder / "small.csv", folder / "boxes.csv"
        cells = _write(wide, _wide_rows(WIDE))
        _write(small, _wide_rows(SMALL))
        rows = _write(boxes, _box_rows())
        taken = rounds(
            {
                "wide": lambda: seconds(lambda: _ingest(wide)),
                "boxes": lambda: seconds(lambda: _ingest(boxes, "--consensus", "majority")),
                "csv": lambda: seconds(lambda: _pass(wide)),
            },
            REPEATS,
        )
        peaks = {path: peak_mb(_command(path)) for path in (wide, small)}
    told = {name: f"{statistics.median(times):.1f} s" for name, times in taken.items()}
    growth = peaks[wide] / peaks[small]
    return [
        ratio_row(
            f"labels of {cells:,} rows x 14, ingested",
            taken["wide"],
            taken["csv"],
            f"one pass of Python's csv module over the same file, {told['csv']}",
            better="lower",
            told=told["wide"],
        ),
        ratio_row(
            f"labels of {rows:,} rows of boxes by three readers, their consensus",
            taken["boxes"],
            taken["csv"],
            "the same pass over the larger file",
            better="lower",
            told=told["boxes"],
        ),
        Row(
            f"peak memory, labels of {WIDE:,} rows x 14",
            f"{growth:.2f}x",
            f"{peaks[wide]:,.0f} MB",
            f"{SMALL:,} rows, {peaks[small]:,.0f} MB",
            number=growth,
            better="lower",
        ),
    ]


def _ingest(path: Path, *more: str) -> None:
    peak_mb(_command(path, *more))


def _command(path: Path, *more: str) -> list[str]:
    kb = tempfile.mkdtemp(dir=path.parent)
    command = Path(sys.executable).with_name("clear-kb")
    return [str(command), "ingest", "labels", str(path), "--kb", f"{kb}/bench.kb", "--quiet", *more]


def _pass(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def _write(path: Path, rows: Iterator[list[object]]) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        written = 0
        for row in rows:
            csv.writer(file).writerow(row)
            written += 1
    return written - 1


def _wide_rows(count: int) -> Iterator[list[object]]:
    chance = random.Random(1)
    labels = labels_of("chexpert14") or ()
    yield ["Path", "Sex", "Age", *labels]
    for n in range(count):
        path = f"set/train/patient{n // 3:05d}/study{n % 3 + 1}/view1_frontal.jpg"
        values = chance.choices(["", "1.0", "0.0", "-1.0"], [77, 12, 8, 3], k=len(labels))
        yield [path, chance.choice("MF"), chance.randrange(18, 91), *values]


def _box_rows() -> Iterator[list[object]]:
    chance = random.Random(2)
    labels = [label for label in labels_of("vinbigdata") or () if label != "No finding"]
    yield ["image_id", "class_name", "rad_id", "x_min", "y_min", "x_max", "y_max"]
    for n in range(READ_IMAGES):
        there = chance.sample(labels, chance.choice([0, 0, 0, 1, 2, 4]))
        for reader in chance.sample(range(17), 3):
            seen = [label for label in there if chance.random() < 0.8]
            for label in seen:
                yield [f"i{n:06d}", label, f"R{reader}", *(chance.randrange(2_000) for _ in range(4))]
            if not seen:
                yield [f"i{n:06d}", "No finding", f"R{reader}", "", "", "", ""]
