"""What was trained on images of this knowledge base: decided from what is recorded of runs and encoders, here alone.

All that judges asks it: `outcomes.judged`, `evaluate`, `validate`, `predict`, and every audit. A head (a probe, a
bottleneck) was trained here whatever it reads, for it is fitted to the training images. An encoder was, unless it is
recorded as one from elsewhere: the imported release, a frozen backbone, vectors from a file. Scores that came as a
table were not. Of an encoder that nobody recorded the worse is supposed.
"""

from __future__ import annotations

from kb.vocabulary.query import Tables
from schemas.terms import ELSEWHERE, LEARNING


def trained_here(tables: Tables) -> frozenset[str]:
    """The runs that have learned, themselves or by their encoder, from images of this knowledge base."""
    rows = tables.dataset("runs").to_table(columns=["run", "method", "encoder"]).to_pylist()
    elsewhere = encoders_from_elsewhere(tables)
    return frozenset(row["run"] for row in rows if _learns_here(row["method"], row["encoder"], elsewhere))


def learns_here(tables: Tables, method: str, encoder: str | None) -> bool:
    """Whether a run by this method over the vectors of this encoder is one of those."""
    return _learns_here(method, encoder, encoders_from_elsewhere(tables))


def encoders_from_elsewhere(tables: Tables) -> frozenset[str]:
    """The encoders (with their backbones) that no image of this knowledge base has taught."""
    rows = tables.dataset("encoders").to_table(columns=["encoder", "objective"]).to_pylist()
    return frozenset(row["encoder"] for row in rows if row["objective"] in ELSEWHERE)


def _learns_here(method: str, encoder: str | None, elsewhere: frozenset[str]) -> bool:
    return encoder is not None and (method in LEARNING or encoder not in elsewhere)
