"""Slices: clusters of images alike, the ones where the model fails told apart by concepts, with their images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from encoder.audit.page.numbers import NONE, between, chance, count, share, signed, signed_interval
from encoder.audit.page.pictures import pictures_of
from encoder.audit.page.summary import weak_slice
from encoder.audit.page.views import Cell, Picture, Table
from encoder.audit.report.report_data import ReportData
from encoder.audit.slices.result import Slice, Slices

VERDICTS = {"low": "low", "small": "too small to say", "": ""}
MOST_CONCEPTS, MOST_SHOWN, MOST_IMAGES = 8, 2, 4

Pictured = Callable[[Sequence[str]], list[Picture]]
"""Makes pictures of images, by their ids."""


def slices(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    return {
        "labels": [
            slices_of_label(
                number, one, lambda images: pictures_of(images[:MOST_IMAGES], data.thumbnails), shown_slices(one)
            )
            for number, one in enumerate(data.slices)
        ],
        "notes": [*data.notes_of("slices"), *(data.notes_of("thumbnails") if data.slices else ())],
    }


def shown_slices(found: Slices) -> list[Slice]:
    """The slices that are shown with what they hold: the lowest, else the weakest where it lies under all rows."""
    low = sorted((one for one in found.slices if one.verdict == "low"), key=lambda one: one.auroc or 0.0)
    weak = weak_slice(found)
    return low[:MOST_SHOWN] or ([weak] if weak is not None else [])


def slices_of_label(number: int, found: Slices, pictured: Pictured, shown: Sequence[Slice]) -> dict[str, object]:
    """What is shown of one label; `pictured` makes pictures of images, `shown` stand there with what they hold."""
    low = sum(one.verdict == "low" for one in found.slices)
    said = [one for one in found.slices if one.verdict != "small"]
    small = [one for one in found.slices if one.verdict == "small"]
    text = (
        f"{count(len(found.slices))} slices of {count(found.n)} rows ({count(found.positives)} positive), AUROC "
        f"{share(found.auroc)} over all; {count(low) if low else 'none'} of them low."
    )
    return {
        "id": f"slices-{number}",
        "label": found.label,
        "text": text,
        "table": _table(found, said) if said else None,
        "small": _table(found, small) if small else None,
        "small_title": f"{count(len(small))} more that are too small to say",
        "shown": [
            _shown(f"slices-{number}-{one.number}", one, pictured, weakest=one is weak_slice(found)) for one in shown
        ],
        "notes": found.notes,
    }


def _table(found: Slices, shown: Sequence[Slice]) -> Table:
    several = any(one.data for one in found.slices)
    rows = [
        (
            f"{one.number} ({one.data})" if several else str(one.number),
            count(one.n),
            count(one.positives),
            count(one.patients),
            *_errors(one),
            share(one.auroc),
            between(one.auroc_low, one.auroc_high) or NONE,
            share(one.mean_score),
            VERDICTS.get(one.verdict, one.verdict),
        )
        for one in shown
    ]
    columns = ("slice", "n", "positives", "patients", "false alarms", "missed", "AUROC", "95%", "mean score", "verdict")
    return Table(f"Slices of {found.label}, the worst first", columns, rows, texts=(9,))


def _errors(one: Slice) -> tuple[str, str]:
    """The shares of false alarms among its negatives, and of misses among its positives."""
    right = (None, None) if one.here is None else (one.here.specificity, one.here.sensitivity)
    alarms, missed = (share(None if known is None else 1 - known.value) for known in right)
    return alarms, missed


def _shown(name: str, one: Slice, pictured: Pictured, *, weakest: bool) -> dict[str, object]:
    which = " (low)" if one.verdict == "low" else " (the lowest AUROC, though not surely low)" if weakest else ""
    return {
        "id": name,
        "title": f"Slice {one.number}{which}",
        "concepts": _concepts(one),
        "no_concepts": _no_concepts(one),
        "traits": _traits(one),
        "galleries": [
            ("Nearest to its centre", pictured(one.images)),
            ("The model gets most wrong", pictured(one.wrong)),
        ],
    }


def _concepts(one: Slice) -> Table | None:
    """The concepts that tell a low slice from a good one."""
    if not one.concepts:
        return None
    rows = [
        (
            Cell(concept.text, concept.finding),
            Cell(signed(concept.difference), signed_interval(concept.low, concept.high)),
            chance(concept.q),
        )
        for concept in one.concepts[:MOST_CONCEPTS]
    ]
    against = f" than slice {one.against}" if one.against is not None else ""
    columns = ("concept", "difference, SD (95%)", "q")
    return Table(f"Slice {one.number}: what it holds more (+) or less of{against}", columns, rows)


def _no_concepts(one: Slice) -> str:
    if one.against is None:
        return "It is not surely low, so its concepts are not held against those of a good slice."
    return f"No concept surely tells it from slice {one.against}."


def _traits(one: Slice) -> Table | None:
    """Attributes and stated findings that are more or less common in it."""
    rows = [(trait.name, share(trait.share), share(trait.elsewhere)) for trait in one.traits[:MOST_CONCEPTS]]
    caption = f"Slice {one.number}: shares of its images, and of all others"
    return Table(caption, ("attribute or reported finding", "here", "elsewhere"), rows) if rows else None
