"""p values as they are written: one that no draw came near is below a floor, and not at it."""

from __future__ import annotations


def floor_of(draws: int) -> float:
    """The least p that so many resamples can give, from both sides."""
    return 2 / (draws + 1)


def told_p(p: float | None, *, is_floor: bool = False) -> str:
    """A p value as a person reads it: "0.013", "<0.001", or "<0.002" where it is the least that could come out."""
    if p is None:
        return ""
    return "<0.001" if p < 0.001 else f"{'<' if is_floor else ''}{p:.3f}"
