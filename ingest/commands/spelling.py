"""What a result says of ids that were found in another spelling."""

from __future__ import annotations

from collections.abc import Mapping


def spelt(resolved: Mapping[str, int]) -> str:
    """How many images and studies were found by which rule; "" where all are spelt as they are stored."""
    return ", ".join(f"{count:,} found {rule}" for rule, count in sorted(resolved.items()))
