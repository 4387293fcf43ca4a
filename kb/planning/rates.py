"""How much of a work one core or one GPU does in a second, and how many bytes a row takes: the figures of a plan.

`bench/RESULTS.md` and `docs/how-to/at-scale.md` say how each was measured. No GPU was at hand: what a GPU does is
reckoned from the arithmetic of the network, and said to be so; `python -m bench.gpu` measures it on yours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kb.errors import UsageError

MEASURED, RECKONED = "measured", "reckoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one core or one GPU does.

    Attributes:
        per_second: items a second.
        by: "core" or "gpu".
        basis: whether it was measured, and where.
    """

    per_second: float
    by: str
    basis: str


RATES: Mapping[str, Rate] = {
    "mine": Rate(per_second=1_078, by="core", basis=f"{MEASURED}: distinct Open-i reports, x86_64, 2026-11-30"),
    "decode": Rate(per_second=196, by="core", basis=f"{MEASURED}: PNG to 448 pixels, two cores 393, 2026-11-25"),
    "embed": Rate(per_second=900, by="gpu", basis=f"{RECKONED}: 7 billion weights, 16 tokens, 200 TFLOP/s in bfloat16"),
    "encode": Rate(per_second=180, by="gpu", basis=f"{RECKONED}: 220 GFLOP an image, 40 TFLOP/s in float32"),
    "train": Rate(per_second=300, by="gpu", basis=f"{RECKONED}: 660 GFLOP an image, 200 TFLOP/s in bfloat16"),
    "predict": Rate(per_second=100_000, by="core", basis=f"{RECKONED}: products with 14 heads of 768 numbers"),
}
"""By the work, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What is paid, in any currency; the defaults are examples of 2026-12, not offers."""

    core_hour: float = 0.05
    gpu_hour: float = 3.0
    gb_month: float = 0.023
    million_requests: float = 5.0


def with_rates(told: Mapping[str, float]) -> dict[str, Rate]:
    """The rates with some of one's own.

    Raises:
        UsageError: there is no such work, or a rate is not above 0.
    """
    rates = dict(RATES)
    for name, value in told.items():
        if name not in rates:
            raise UsageError(f"there is no rate '{name}': choose of {', '.join(rates)}")
        if not 0 < value < float("inf"):
            raise UsageError(f"rate {name}={value}: a number above 0 was expected, of items a second")
        rates[name] = replace(rates[name], per_second=value, basis="told")
    return rates
