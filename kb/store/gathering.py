"""Gathering: the many small data files that single acts leave become one, so that reading a table stays cheap.

A writer gathers what is small, and rewrites a file once three in ten of its rows are dead: for the time that kept
states need the old one it stands twice. Files of many rows it leaves alone: rewriting one takes longer than an act
should. A clean-up rewrites those too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lance

FEW_FILES = 5
"""Small data files that a table may have."""

SMALL = 512
"""Rows of a file from which on it is not small: nothing is gathered into files of more."""

LARGE = 50_000
"""Rows of a file from which on only a clean-up rewrites it."""

MUCH_DEAD = 0.3
"""The share of deleted rows at which a file is rewritten."""


def is_scattered(dataset: lance.LanceDataset) -> bool:
    """Whether a table has many small files, or one of which many rows are deleted."""
    small = 0
    for fragment in dataset.get_fragments():
        rows, dead = fragment.physical_rows, fragment.num_deletions
        small += rows < SMALL
        if MUCH_DEAD * rows < dead and rows < LARGE:
            return True
    return small > FEW_FILES


def gather(dataset: lance.LanceDataset) -> bool:
    """Gather the small files of a table, in two versions; says whether there was anything to gather."""
    large = [fragment.fragment_id for fragment in dataset.get_fragments() if fragment.physical_rows >= LARGE]
    metrics = dataset.optimize.compact_files(
        target_rows_per_fragment=SMALL,
        materialize_deletions_threshold=MUCH_DEAD,
        excluded_fragment_ids=large or None,
        num_threads=1,
    )
    return bool(metrics.fragments_removed)
