"""Slices: clusters of images alike, the ones where the model fails told apart by concepts, with their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from encoder.audit.page.markup import Html, join, tag
from encoder.audit.page.numbers import NONE, between, chance, count, share, signed, signed_interval
from encoder.audit.page.summary import weak_slice
from encoder.audit.page.tables import missing, notes, over, table
from encoder.audit.report.report_data import ReportData
from encoder.audit.slices.result import Slice, Slices

VERDICTS = {"low": "low", "small": "too small to say", "": ""}
MOST_CONCEPTS, MOST_SHOWN, MOST_IMAGES = 8, 2, 4


def slices(data: ReportData) -> Html:
    """The section."""
    return tag(
        "section",
        tag("h2", "Slices", id="slices"),
        tag(
            "p",
            "Images are put into clusters by what the encoder sees. A slice is low if the model surely does worse in "
            "it than in all other images: more false alarms or misses at the threshold that all share, scores on the "
            "wrong side of others of the same truth, or a lower AUROC. It is told apart from the nearest good one by "
            "the concepts it holds more or less of, in standard deviations (SD).",
        ),
        *(_one(number, one, data) for number, one in enumerate(data.slices)),
        None if data.slices else missing("No slices could be made: the notes say why."),
        notes([*data.notes_of("slices"), *(data.notes_of("thumbnails") if data.slices else ())]),
        aria_labelledby="slices",
    )


def shown_slices(found: Slices) -> list[Slice]:
    """The slices that are shown with what they hold: the lowest, else the weakest where it lies under all rows."""
    low = sorted((one for one in found.slices if one.verdict == "low"), key=lambda one: one.auroc or 0.0)
    weak = weak_slice(found)
    return low[:MOST_SHOWN] or ([weak] if weak is not None else [])


def _one(number: int, found: Slices, data: ReportData) -> Html:
    low = sum(one.verdict == "low" for one in found.slices)
    text = (
        f"{count(len(found.slices))} slices of {count(found.n)} rows ({count(found.positives)} positive), AUROC "
        f"{share(found.auroc)} over all; {count(low) if low else 'none'} of them low."
    )
    return tag(
        "section",
        tag("h3", found.label, id=f"slices-{number}"),
        tag("p", text),
        _table(found) if found.slices else missing("There is no slice."),
        *(_shown(f"slices-{number}-{one.number}", one, found, data.thumbnails) for one in shown_slices(found)),
        notes(found.notes),
        aria_labelledby=f"slices-{number}",
    )


def _table(found: Slices) -> Html:
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
        for one in found.slices
    ]
    columns = ("slice", "n", "positives", "patients", "false alarms", "missed", "AUROC", "95%", "mean score", "verdict")
    return table(f"Slices of {found.label}, the worst first", columns, rows, texts=(9,))


def _errors(one: Slice) -> tuple[str, str]:
    """The shares of false alarms among its negatives, and of misses among its positives."""
    right = (None, None) if one.here is None else (one.here.specificity, one.here.sensitivity)
    alarms, missed = (share(None if known is None else 1 - known.value) for known in right)
    return alarms, missed


def _shown(name: str, one: Slice, found: Slices, thumbnails: Mapping[str, str]) -> Html:
    which = "low" if one.verdict == "low" else "the lowest AUROC, though not surely low"
    return tag(
        "div",
        tag("h4", f"Slice {one.number} ({which})", id=name),
        tag("div", _concepts(one), _traits(one), class_="pair" if one.concepts else None),
        tag(
            "div",
            _images("Nearest to its centre", one.images, thumbnails),
            _images("The model gets most wrong", one.wrong, thumbnails),
            class_="pair",
        ),
        class_="slice",
    )


def _concepts(one: Slice) -> Html:
    """The concepts that tell a low slice from a good one."""
    if one.against is None and not one.concepts:
        return missing("It is not surely low, so its concepts are not held against those of a good slice.")
    if not one.concepts:
        return missing(f"No concept surely tells it from slice {one.against}.")
    rows = [
        (
            over(concept.text, concept.finding),
            over(signed(concept.difference), signed_interval(concept.low, concept.high)),
            chance(concept.q),
        )
        for concept in one.concepts[:MOST_CONCEPTS]
    ]
    against = f" than slice {one.against}" if one.against is not None else ""
    columns = ("concept", "difference, SD (95%)", "q")
    return table(f"Slice {one.number}: what it holds more (+) or less of{against}", columns, rows)


def _traits(one: Slice) -> Html | None:
    """Attributes and stated findings that are more or less common in it."""
    rows = [(trait.name, share(trait.share), share(trait.elsewhere)) for trait in one.traits[:MOST_CONCEPTS]]
    caption = f"Slice {one.number}: shares of its images, and of all others"
    return table(caption, ("attribute or reported finding", "here", "elsewhere"), rows) if rows else None


def _images(said: str, ids: Sequence[str], thumbnails: Mapping[str, str]) -> Html | None:
    shown = [image for image in ids if image in thumbnails][:MOST_IMAGES]
    if not shown:
        return None
    return tag(
        "div",
        tag("p", said, class_="over"),
        tag("ul", *(tag("li", _named(i, thumbnails)) for i in shown), class_="thumbnails"),
    )


def thumbnail(image: str, thumbnails: Mapping[str, str]) -> Html:
    """An image."""
    return tag("img", src=thumbnails[image], alt=f"Chest X-ray {image}", width=96, height=96)


def _named(image: str, thumbnails: Mapping[str, str]) -> Html:
    """An image with its id beneath."""
    return join([thumbnail(image, thumbnails), tag("span", _tail(image), title=image, class_="id")])


def _tail(image: str, most: int = 24) -> str:
    """The end of an id, which tells it from others."""
    name = PurePosixPath(image).name.removesuffix(PurePosixPath(image).suffix) or image
    return name if len(name) <= most else "…" + name[1 - most :]
