"""The queues of a review: suggestions of each kind, what is new, what nobody looked at yet, and what is put aside."""

from __future__ import annotations

from typing import Literal, get_args

Queue = Literal["duplicates", "synonyms", "outliers", "rare", "new", "unreviewed", "aside"]
QUEUES: tuple[Queue, ...] = get_args(Queue)
