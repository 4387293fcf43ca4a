"""A plan: from how much there is to how long it takes, where it is stored and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import ceil
from typing import Any

from kb.errors import UsageError
from kb.planning.rates import RATES, Prices, Rate

GB = 1e9
SECONDS = 3_600.0

BYTES_PER_REPORT = 0.65
"""Stored bytes for each byte of a report's text, with its ids: Lance compresses."""

BYTES_PER_OBSERVATION = 25
OBSERVATIONS_PER_REPORT = 8
BYTES_PER_CONCEPT = 110
"""A concept beside its vector. These four are of the 1,892 reports of Open-i, as `du` tells them, 2026-12-01."""

INDEX_BYTES_PER_NUMBER = 1.2
"""The vector index: a byte a number, and its graph."""

REQUEST_BYTES = 8e6
"""Bytes that one request to an object store carries, of large files."""

LOCAL_GB = 1_000.0
"""What is larger than a disk of one machine belongs into an object store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """How much there is.

    Attributes:
        reports: to mine.
        images: to decode, encode and predict.
        concepts: of the vocabulary.
        dimension: numbers of a concept's embedding.
        vector: numbers of an image's vector.
        pixels: of a side, as images are kept.
        report_bytes: of the text of a report.
        epochs: of the training; 0: none.
        float16: whether concepts' vectors are stored in half the space.
    """

    reports: int
    images: int
    concepts: int
    dimension: int = 384
    vector: int = 768
    pixels: int = 448
    report_bytes: int = 700
    epochs: int = 0
    float16: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What there is to work with: machines that are alike, and in how many hours they are to be done."""

    count: int = 1
    cores: int = 16
    gpus: int = 0
    within_hours: float = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One work of the plan: how many items, at what rate of one core or GPU, and what that comes to."""

    step: str
    items: int
    per_second: float
    by: str
    busy_hours: float
    hours: float
    cost: float
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One table of the plan."""

    table: str
    rows: int
    gigabytes: float
    month: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a study takes.

    Attributes:
        steps: the work, in its order.
        tables: what is stored, the largest first.
        engine: "local" where one machine is done in time, else "ray".
        machines: how many of these machines are done in time.
        store: "folder" or "object store".
        hours: of all steps, one after another.
        gigabytes: of all tables.
        work_cost: of cores, GPUs and requests, once.
        month_cost: of the storage.
    """

    steps: list[Step]
    tables: list[Stored]
    engine: str
    machines: int
    store: str
    hours: float
    gigabytes: float
    work_cost: float
    month_cost: float
    prices: Prices = field(default_factory=Prices)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data, for JSON."""
        return asdict(self)


def plan(
    study: Study,
    machines: Machines | None = None,
    *,
    rates: Mapping[str, Rate] = RATES,
    prices: Prices | None = None,
) -> Plan:
    """What a study takes on some machines.

    Work is cut into batches that are alike, so it is taken to spread over all cores, or GPUs, of all machines. What a
    GPU would do takes a core `CORES_OF_A_GPU` times as long where there is none.

    Raises:
        UsageError: a number is below what makes sense.
    """
    machines, prices = machines or Machines(), prices or Prices()
    _check(study, machines)
    tables = sorted(_tables(study, prices), key=lambda one: -one.gigabytes)
    gigabytes = sum(one.gigabytes for one in tables)
    alone = sum(one.hours for one in _steps(study, machines, 1, rates, prices))
    needed = max(1, ceil(alone / machines.within_hours))
    count = max(machines.count, needed)
    steps = _steps(study, machines, count, rates, prices)
    in_store = count > 1 or gigabytes > LOCAL_GB
    requests = 2 * gigabytes * GB / REQUEST_BYTES * prices.million_requests / 1e6 if in_store else 0.0
    return Plan(
        steps=steps,
        tables=tables,
        engine="ray" if count > 1 else "local",
        machines=count,
        store="object store" if in_store else "folder",
        hours=sum(one.hours for one in steps),
        gigabytes=gigabytes,
        work_cost=sum(one.cost for one in steps) + requests,
        month_cost=sum(one.month for one in tables),
        prices=prices,
    )


CORES_OF_A_GPU = 400
"""Cores whose arithmetic in float32 is that of the GPU which rates are reckoned for (40 TFLOP/s against 0.1)."""


def _steps(study: Study, machines: Machines, count: int, rates: Mapping[str, Rate], prices: Prices) -> list[Step]:
    items = {
        "mine": study.reports,
        "decode": study.images,
        "embed": study.concepts,
        "train": study.images * study.epochs,
        "encode": study.images,
        "predict": study.images,
    }
    return [_step(name, number, machines, count, rates[name], prices) for name, number in items.items() if number]


def _step(name: str, items: int, machines: Machines, count: int, rate: Rate, prices: Prices) -> Step:
    per_second, by = rate.per_second, rate.by
    if by == "gpu" and not machines.gpus:
        per_second, by = per_second / CORES_OF_A_GPU, "core"
    at_once = count * (machines.gpus if by == "gpu" else machines.cores)
    busy = items / per_second / SECONDS
    return Step(
        step=name,
        items=items,
        per_second=per_second,
        by=by,
        busy_hours=busy,
        hours=busy / at_once,
        cost=busy * (prices.gpu_hour if by == "gpu" else prices.core_hour),
        basis=rate.basis,
    )


def _tables(study: Study, prices: Prices) -> list[Stored]:
    number = 2 if study.float16 else 4
    observations = study.reports * OBSERVATIONS_PER_REPORT
    sizes = {
        "reports": (study.reports, study.report_bytes * BYTES_PER_REPORT),
        "observations": (observations, BYTES_PER_OBSERVATION),
        "concepts": (study.concepts, BYTES_PER_CONCEPT + study.dimension * number),
        "embeddings": (study.concepts, study.dimension * 4),
        "vector index": (study.concepts, study.dimension * INDEX_BYTES_PER_NUMBER),
        "pixels": (study.images, study.pixels**2),
        "image_vectors": (study.images, study.vector * 4),
    }
    return [
        Stored(table=name, rows=rows, gigabytes=rows * each / GB, month=rows * each / GB * prices.gb_month)
        for name, (rows, each) in sizes.items()
        if rows
    ]


def _check(study: Study, machines: Machines) -> None:
    for name, value in {**asdict(study), **asdict(machines)}.items():
        if value < (0 if name in ("reports", "images", "concepts", "epochs", "gpus", "float16") else 1e-9):
            raise UsageError(f"{name} {value}: a number above 0 was expected")
    if not (study.reports or study.images or study.concepts):
        raise UsageError("there is nothing to plan: say how many reports, images or concepts there are")
