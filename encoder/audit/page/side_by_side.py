"""Runs side by side on one label, in full: figures, curves, reliability, and what each threshold does."""

from __future__ import annotations

from markupsafe import Markup

from encoder.audit.page.calibration import COLUMNS, calibration_row, reliability
from encoder.audit.page.environment import filled
from encoder.audit.page.operating import confusion_tables, in_words, scores_chart
from encoder.audit.page.runs import curves, runs_table
from encoder.audit.page.views import Table
from encoder.audit.runs_compared import SideBySide


def side_by_side_view(found: SideBySide) -> dict[str, object]:
    """What is shown of some runs; what could not be scored says why."""
    label = found.operating[0].label if found.operating else found.label
    scored = [found.evaluation.get(one.run, one.label) for one in found.operating]
    return {
        "label": label,
        "table": runs_table(label, scored, found.evaluation.comparisons, found.evaluation.left_out),
        "curves": curves("beside", found.operating) if found.operating else [],
        "runs": [
            {
                "id": f"beside-{number}",
                "name": one.run,
                "sentence": in_words(one),
                "tables": confusion_tables(one),
                "charts": [
                    scores_chart(f"beside-{number}", one),
                    reliability(f"beside-{number}-reliability", one.run, bins),
                ],
            }
            for number, (one, bins) in enumerate(zip(found.operating, found.calibration, strict=True))
        ],
        "calibration": Table(
            f"{label}: whether scores are what they say",
            ("run", *COLUMNS[1:]),
            [calibration_row(row, row.run) for row in scored],
            name="figures",
        )
        if scored
        else None,
        "notes": list(found.evaluation.notes),
    }


def side_by_side_section(view: dict[str, object]) -> Markup:
    """The section as HTML."""
    return filled("side_by_side", view)
