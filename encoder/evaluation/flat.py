"""An evaluation as one flat table: scores, comparisons, readers and what was left out, by their first column."""

from __future__ import annotations

from typing import Any

from encoder.evaluation.evaluation import Evaluation


def csv_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """All rows, of whatever kind: `row` says which it is, and columns that it has not stay blank."""
    kinds = {
        "score": evaluation.rows.rows(),
        "comparison": evaluation.comparisons.rows(),
        "reader": evaluation.readers.rows(),
        "left out": [row for row in evaluation.left_out.rows() if not row["unlabelled"]],
    }
    return [{"row": kind, **row} for kind, rows in kinds.items() for row in rows]
