"""Counts as a line of text."""

from __future__ import annotations

from collections.abc import Mapping


def by_kind(counts: Mapping[str, int], most: int | None = None) -> str:
    """Counts by kind: "812 PA, 40 AP".

    Args:
        counts: of each kind.
        most: kinds that are named one by one; the others are counted together. Default: all.
    """
    told = list(counts.items())
    named = [f"{count:,} {kind}" for kind, count in told[:most]]
    left = sum(count for _, count in told[len(named) :])
    return ", ".join([*named, f"{left:,} of other kinds"] if left else named)


def spelt(resolved: Mapping[str, int]) -> str:
    """How many images and studies were found by which rule; "" where all are spelt as they are stored."""
    return by_kind({f"found {rule}": count for rule, count in sorted(resolved.items())})
