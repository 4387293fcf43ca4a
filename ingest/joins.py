"""Whether what is taken in joins anything that is stored; if nothing does, both spellings are shown.

Images, reports and labels come from different files, and ids that are spelt otherwise join nothing: "s50414267" is not
"50414267". That is told when the second of them comes, not when a training or an evaluation finds nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set

import pyarrow as pa

from ingest.identity.stored import stored_ids
from kb.errors import ClearKbError
from kb.vocabulary.query import Tables

ALL_THE_SAME = "or allow_unjoined, to store them all the same"


LITTLE = 0.05
"""Where less than this share of both sides meets, they are spelt otherwise and meet by chance, or are of two sets."""

FEW = 20
"""Of so few, any that meets is enough."""


def require_label_join(state: Tables, rows: pa.Table, what: str) -> None:
    """Refuse labels or predictions of images and studies of which none, or hardly one, is stored.

    Where no image is stored yet, nothing can be said. Other tables may speak of them too: an evaluation needs no image.
    A file may tell of many more images than were taken, and of fewer: only where both shares are small is it refused.

    Args:
        state: what is stored.
        rows: of the table `labels` or `predictions`.
        what: "labels" or "predictions".

    Raises:
        ClearKbError: none of them is there, or hardly one; the message shows both spellings.
    """
    images, studies = stored_ids(state, "images")
    if not images:
        return
    by_image = _named(rows, "image_id")
    by_study = _named(rows.filter(rows["image_id"].is_null()), "study_id")
    others = [stored_ids(state, table) for table in ("labels", "predictions", "reports") if table != what]
    of_images, of_studies = _joined(images, [i for i, _ in others]), _joined(studies, [s for _, s in others])
    asked = len(by_image) + len(by_study)
    met = len(by_image & of_images) + len(by_study & of_studies)
    if met and (asked <= FEW or met >= LITTLE * asked or not _is_little(state, by_image, by_study)):
        return
    of, theirs, here = ("image", by_image, images) if by_image else ("study", by_study, studies)
    raise ClearKbError(
        f"{_count(met)} of the {asked:,} images and studies of these {what} is here: "
        f"{_both(what, of, theirs - here, 'images', here - theirs)}; name the column of the ids that images have "
        f"in columns as '{of}', ingest the images under these ids, {ALL_THE_SAME}",
        need="join",
    )


def require_vector_join(state: Tables, asked: Set[str], known: Set[str]) -> None:
    """Refuse vectors of images of which none is stored, nor spoken of by labels or predictions.

    Args:
        state: what is stored.
        asked: the images that the vectors are of, as they are spelt.
        known: those that are here.

    Raises:
        ClearKbError: always; the message shows both spellings.
    """
    studies = set[str]().union(*(stored_ids(state, table)[1] for table in ("images", "reports", "labels")))
    if asked & studies:
        what = f"{min(asked & studies)} is a study, and a vector is of one image"
    else:
        what = _both("vectors", "image", asked, "images (or labels and predictions of them)", known)
    raise ClearKbError(
        f"none of the {len(asked):,} images of these vectors is here: {what}; name the column that has the ids of "
        "images in columns as 'image'",
        parameter="columns.image",
    )


def require_image_join(state: Tables, rows: pa.Table) -> None:
    """Refuse images such that none of all images would have a report, or a label, though such are stored.

    Args:
        state: what is stored.
        rows: the images that come in.

    Raises:
        ClearKbError: reports (labels) are stored and none of them is of any image; the message shows both spellings.
    """
    image_ids, study_ids = _named(rows, "image_id"), _named(rows, "study_id")
    stored, studies = stored_ids(state, "images")
    _require_report_join(stored_ids(state, "reports")[1], studies | study_ids, "these images", study_ids)
    for table in ("labels", "predictions"):
        labelled, by_study = stored_ids(state, table)
        known = labelled | by_study
        if known and not (labelled & (stored | image_ids) or by_study & (studies | study_ids)):
            of, theirs, here = ("image", labelled, image_ids) if labelled else ("study", by_study, study_ids)
            raise ClearKbError(
                f"none of the {len(known):,} images and studies that {table} are stored of would be here: "
                f"{_both(table, of, theirs, 'these images', here)}; name the column that has the ids of the "
                f"{table} in columns as '{of}', replace the {table}, {ALL_THE_SAME}",
                need="join",
            )


def require_report_join(state: Tables) -> None:
    """Refuse a state in which reports and images both name studies, and none, or hardly one, is named by both.

    Raises:
        ClearKbError: it is such a state; the message shows both spellings.
    """
    studies = stored_ids(state, "images")[1]
    _require_report_join(stored_ids(state, "reports")[1], studies, "images", studies)


def _require_report_join(of_reports: Set[str], of_images: Set[str], who: str, shown: Set[str]) -> None:
    if not of_reports or not of_images:
        return
    met, fewer = len(of_reports & of_images), min(len(of_reports), len(of_images))
    if met and (fewer <= FEW or met >= LITTLE * fewer):
        return
    here = (shown or of_images) - of_reports
    raise ClearKbError(
        f"{'no image' if not met else f'hardly an image ({met:,} studies of {fewer:,})'} would have a report: images "
        f"and reports are joined by study, and {_both('reports', 'study', of_reports - of_images, who, here)}; name "
        f"the column that has the studies of the others in columns as 'study', {ALL_THE_SAME}",
        need="join",
    )


def _is_little(state: Tables, by_image: Set[str], by_study: Set[str]) -> bool:
    """Whether rows are of hardly an image of those sources that they are of at all."""
    met, every = Counter[str](), Counter[str]()
    for batch in state.dataset("images").to_batches(columns=["image_id", "study_id", "source"]):
        for image, study, source in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            every[source] += 1
            met[source] += image in by_image or study in by_study
    return met.total() < LITTLE * sum(every[source] for source, count in met.items() if count)


def _count(met: int) -> str:
    return f"only {met:,}" if met else "none"


def count_joins(state: Tables) -> tuple[int, int]:
    """How many images are stored, and how many of them have a report by their study."""
    images = state.dataset("images").to_table(columns=["study_id"])["study_id"].to_pylist()
    studies = stored_ids(state, "reports")[1]
    return len(images), sum(study in studies for study in images)


def _named(table: pa.Table, column: str) -> set[str]:
    return set(table[column].unique().to_pylist()) - {None}


def _joined(known: set[str], others: Iterable[set[str]]) -> set[str]:
    return known.union(*others)


def _both(one: str, of: str, theirs: Set[str], other: str, here: Set[str]) -> str:
    """What each side calls its images or studies, by two ids that are alike where any are."""
    if not theirs:
        return f"{other} say {of} {min(here)}, and {one} do not"
    if not here:
        return f"{one} say {of} {min(theirs)}, {other} name no {of}"
    mine, yours = _alike(theirs, here)
    return f"{one} say {of} {mine}, {other} say {yours}"


def _alike(theirs: Set[str], here: Set[str]) -> tuple[str, str]:
    """An id of each side that may be the same thing in two spellings; the first ones where none look so."""
    for key in (_end, _stem, _digits):
        known = {key(name): name for name in sorted(here, reverse=True)}
        for name in sorted(theirs):
            if key(name) and key(name) in known:
                return name, known[key(name)]
    return min(theirs), min(here)


def _end(name: str) -> str:
    return "/".join(re.split(r"[/\\]", name.lower())[-2:])


def _stem(name: str) -> str:
    return re.sub(r"\.[a-z]+$", "", re.split(r"[/\\]", name.lower())[-1])


def _digits(name: str) -> str:
    found = re.findall(r"\d+", _stem(name))
    return found[-1].lstrip("0") if found else ""
