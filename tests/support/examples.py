"""How many examples a property is tried with: a quarter of them but in `make soak`."""

import os


def examples(count: int) -> int:
    """So many in the long form (CLEAR_KB_SOAK is set), a quarter of them else."""
    return count if os.environ.get("CLEAR_KB_SOAK") else max(count // 4, 3)
