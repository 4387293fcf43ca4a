"""How numbers are written on the page: to three digits, with the same signs everywhere."""

from __future__ import annotations

import math

NONE = "–"
"""What stands if there is no number."""


def known(value: float | None) -> bool:
    """Whether there is a number."""
    return value is not None and math.isfinite(value)


def share(value: float | None) -> str:
    """A number between 0 and 1: 0.962."""
    return f"{value:.3f}" if value is not None and math.isfinite(value) else NONE


def signed(value: float | None) -> str:
    """A number that may lie on both sides of 0, to three digits: +1.23."""
    if value is None or not math.isfinite(value):
        return NONE
    if abs(value) < 5e-4:
        return "0" if value == 0 else f"{value:+.0e}".replace("-", "\u2212").replace("e\u22120", "e\u2212")
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:+,.{min(digits, 3)}f}".replace("-", "\u2212")


def count(value: int | None) -> str:
    """A count: 1,904."""
    return NONE if value is None else f"{value:,}"


def hundred(value: float) -> str:
    """So many of 100: 24, 4.2, 0.03; 0 only where there is none."""
    if value == 0 or value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.1 else f"{value:.1g}"


def chance(value: float | None) -> str:
    """A p or q: 0.0312, or < 0.001."""
    if value is None or not math.isfinite(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def between(low: float | None, high: float | None) -> str:
    """An interval of numbers between 0 and 1: 0.944–0.978; "" if there is none."""
    return f"{share(low)}–{share(high)}" if known(low) and known(high) else ""


def with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    """A number between 0 and 1 with its interval: 0.962 (0.944–0.978)."""
    found = between(*interval) if interval is not None else ""
    return f"{share(value)} ({found})" if found and known(value) else share(value)


def signed_interval(low: float | None, high: float | None) -> str:
    """An interval of signed numbers: +0.22 to +0.40; "" if there is none."""
    return f"{signed(low)} to {signed(high)}" if known(low) and known(high) else ""
