"""How many examples a property is tried with, and where a draw begins: more, and elsewhere, where one asks for it."""

import os


def examples(count: int) -> int:
    """So many in the long form (CLEAR_KB_SOAK is set), a quarter of them else."""
    return count if os.environ.get("CLEAR_KB_SOAK") else max(count // 4, 3)


def drawn_from(usual: int) -> int:
    """The seed of a suite: the same each time, or another (CLEAR_KB_SEED) for cases that nobody has seen."""
    return usual + int(os.environ.get("CLEAR_KB_SEED", "0"))
