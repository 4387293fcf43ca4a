"""Whether what is taken in joins anything that is stored; if nothing does, both spellings are shown.

Images, reports and labels come from different files, and ids that are spelt otherwise join nothing: "s50414267" is not
"50414267". That is told when the second of them comes, not when a training or an evaluation finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

import pyarrow as pa

from kb.errors import ClearKbError
from kb.vocabulary.query import Tables

ALL_THE_SAME = "or allow_unjoined, to store them all the same"


def require_label_join(state: Tables, rows: pa.Table, what: str) -> None:
    """Refuse labels or predictions of images and studies of which none is stored.

    Where no image is stored yet, nothing can be said. Other tables may speak of them too: an evaluation needs no image.

    Args:
        state: what is stored.
        rows: of the table `labels` or `predictions`.
        what: "labels" or "predictions".

    Raises:
        ClearKbError: none of them is there; the message shows both spellings.
    """
    images, studies = _ids(state, "images")
    if not images:
        return
    by_image = _named(rows, "image_id")
    by_study = _named(rows.filter(rows["image_id"].is_null()), "study_id")
    others = [_ids(state, table) for table in ("labels", "predictions", "reports") if table != what]
    of_images, of_studies = _joined(images, [i for i, _ in others]), _joined(studies, [s for _, s in others])
    if by_image & of_images or by_study & of_studies:
        return
    of, theirs, here = ("image", by_image, images) if by_image else ("study", by_study, studies)
    raise ClearKbError(
        f"none of the {len(by_image) + len(by_study):,} images and studies of these {what} is here: "
        f"{_both(what, of, theirs, 'images', here)}; name the column of the ids that images have "
        f"in columns as '{of}', ingest the images under these ids, {ALL_THE_SAME}",
        need="join",
    )


def require_image_join(state: Tables, image_ids: Set[str], study_ids: Set[str]) -> None:
    """Refuse images such that none of all images would have a report, or a label, though such are stored.

    Args:
        state: what is stored.
        image_ids: of the images that come in.
        study_ids: of their studies.

    Raises:
        ClearKbError: reports (labels) are stored and none of them is of any image; the message shows both spellings.
    """
    stored, studies = _ids(state, "images")
    _require_report_join(_ids(state, "reports")[1], studies | study_ids, "these images", study_ids)
    for table in ("labels", "predictions"):
        labelled, by_study = _ids(state, table)
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
    """Refuse a state in which reports and images both name studies, and none is named by both.

    Raises:
        ClearKbError: it is such a state; the message shows both spellings.
    """
    studies = _ids(state, "images")[1]
    _require_report_join(_ids(state, "reports")[1], studies, "images", studies)


def _require_report_join(of_reports: Set[str], of_images: Set[str], who: str, shown: Set[str]) -> None:
    if of_reports and of_images and not of_reports & of_images:
        raise ClearKbError(
            "no image would have a report: images and reports are joined by study, and "
            f"{_both('reports', 'study', of_reports, who, shown or of_images)}; name the column that has the studies "
            f"of the others in columns as 'study', {ALL_THE_SAME}",
            need="join",
        )


def count_joins(state: Tables) -> tuple[int, int]:
    """How many images are stored, and how many of them have a report by their study."""
    images = state.dataset("images").to_table(columns=["study_id"])["study_id"].to_pylist()
    studies = _ids(state, "reports")[1]
    return len(images), sum(study in studies for study in images)


def _ids(state: Tables, table: str) -> tuple[set[str], set[str]]:
    """The images and studies that a table names."""
    dataset = state.dataset(table)
    columns = [name for name in ("image_id", "study_id") if name in dataset.schema.names]
    images: set[str] = set()
    studies: set[str] = set()
    for batch in dataset.to_batches(columns=columns):
        for name, known in (("image_id", images), ("study_id", studies)):
            if name in columns:
                known.update(batch[name].unique().to_pylist())
    return images - {None}, studies - {None}


def _named(table: pa.Table, column: str) -> set[str]:
    return set(table[column].unique().to_pylist()) - {None}


def _joined(known: set[str], others: Iterable[set[str]]) -> set[str]:
    return known.union(*others)


def _both(one: str, of: str, theirs: Set[str], other: str, here: Set[str]) -> str:
    """What each side calls its images or studies, by two ids that are alike where any are."""
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
