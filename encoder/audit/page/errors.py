"""Worst errors: the false alarms and misses of each label that are most wrong, as pictures and as a list."""

from __future__ import annotations

from encoder.audit.page.numbers import count, share
from encoder.audit.page.pictures import id_end
from encoder.audit.page.views import Picture, Table
from encoder.audit.report.report_data import Errors, ReportData

MOST_ERRORS = 4
"""Pictures of each kind of error of a label."""


def errors(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    labels = dict.fromkeys(one.label for one in data.errors)
    shown = [
        {
            "label": label,
            "kinds": [_one(one, data) for one in data.errors if one.label == label and one.n],
            "none": [one.kind for one in data.errors if one.label == label and not one.n],
        }
        for label in labels
    ]
    return {
        "labels": shown,
        "notes": [*data.notes_of("errors"), *(data.notes_of("thumbnails") if data.errors else ())],
    }


def _one(found: Errors, data: ReportData) -> dict[str, object]:
    pictures = [
        Picture(data.thumbnails[one.image], one.image, f"{id_end(one.image)}, score {share(one.score)}")
        for one in found.worst[:MOST_ERRORS]
        if one.image is not None and one.image in data.thumbnails
    ]
    rows = [(one.unit, share(one.score)) for one in found.worst]
    return {
        "heading": f"{found.kind.capitalize()}, the worst of {count(found.n)}",
        "pictures": pictures,
        "table": Table(f"{found.label}: {found.kind}, the worst first", ("row", "score"), rows),
    }
