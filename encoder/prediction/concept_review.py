"""A curator's review of the concepts of bottlenecks: a table to be edited, a row a label and concept.

    label,concept_id,concept,status,merge_into,weight_per_sd,selected,alike,note

`status` is `proposed` (chosen by data), `accepted` (always offered), `forbidden` (never chosen again) or `merged`
(it shares the weight of the one in `merge_into`). A row without a label holds for all labels. The table is written anew
after each training: what a curator decided stays, with the figures of that training beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from encoder.prediction.bottleneck import Bottleneck
from encoder.prediction.concept_list import find_concept
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.reading.spreadsheet import read_sheet
from kb.whole_file import written_whole

Status = Literal["proposed", "accepted", "forbidden", "merged"]
STATUSES: tuple[Status, ...] = get_args(Status)
COLUMNS = (
    "label",
    "concept_id",
    "concept",
    "status",
    "merge_into",
    "weight_per_sd",
    "selected",
    "alike",
    "note",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a curator decided of one concept.

    Attributes:
        label: for which label; "" for all.
        concept_id: of which concept.
        concept: its text.
        status: what was decided.
        into: the concept that it is merged into; "" if it is not.
        note: what the curator wrote.
    """

    label: str
    concept_id: str
    concept: str
    status: Status
    into: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """All decisions of a curator."""

    decisions: tuple[Decision, ...] = ()

    def of(self, label: str) -> list[Decision]:
        """Those that hold for a label."""
        return [one for one in self.decisions if not one.label or plain_label(one.label) == plain_label(label)]

    def accepted(self, label: str) -> list[str]:
        """The concepts that are always offered: those accepted, and those that others were merged into."""
        kept = [one.concept_id if one.status == "accepted" else one.into for one in self.of(label)]
        return list(dict.fromkeys(one for one in kept if one))

    def forbidden(self, label: str) -> list[str]:
        """The concepts that are never chosen."""
        return [one.concept_id for one in self.of(label) if one.status == "forbidden"]

    def merged(self, label: str) -> dict[str, str]:
        """The concepts that share the weight of another, and whose."""
        return {one.concept_id: one.into for one in self.of(label) if one.status == "merged"}


def read_review(kb: KnowledgeBase, path: Path) -> Review:
    """The decisions that a table holds; none if it is not there yet.

    Raises:
        UsageError: it is no such table, a row names no concept in use, or two rows contradict each other.
    """
    if not path.exists():
        return Review()
    sheet = read_sheet(path)
    if not {"concept_id", "status"} <= set(sheet.columns):
        raise UsageError(f"{path} is no review: the columns concept_id and status were expected")
    decisions = []
    for line, row in sheet.records():
        try:
            decisions.append(_decision(kb, row))
        except UsageError as error:
            raise UsageError(f"{path}, line {line}: {error}") from error
    review = Review(tuple(one for one in decisions if one.status != "proposed"))
    _check(review, path)
    return review


def _decision(kb: KnowledgeBase, row: Mapping[str, str]) -> Decision:
    said = {name: row.get(name, "").strip() for name in COLUMNS}
    status = next((known for known in STATUSES if known == (said["status"].lower() or "proposed")), None)
    if status is None:
        raise UsageError(f"status '{said['status']}': one of {', '.join(STATUSES)} was expected")
    if (status == "merged") != bool(said["merge_into"]):
        raise UsageError("merge_into names the concept that a merged one shares the weight of, and no other has one")
    concept = find_concept(kb, said["concept_id"] or said["concept"])
    into = find_concept(kb, said["merge_into"]) if said["merge_into"] else ""
    if into == concept:
        raise UsageError(f"'{said['concept'] or concept}' is merged into itself")
    return Decision(
        label=said["label"],
        concept_id=concept,
        concept=said["concept"] or concept,
        status=status,
        into=into,
        note=said["note"],
    )


def _check(review: Review, path: Path) -> None:
    """Refuse decisions that contradict each other for some label (UsageError)."""
    labels = {one.label for one in review.decisions}
    for label in sorted(labels):
        said: dict[str, Decision] = {}
        for one in review.of(label) if label else review.decisions:
            before = said.setdefault(one.concept_id, one)
            if not label and before.label != one.label:
                continue
            if (before.status, before.into) != (one.status, one.into):
                raise UsageError(f"{path}: '{one.concept}' is {before.status} and {one.status}: leave one row")
        for one in said.values():
            target = said.get(one.into)
            if target is not None and target.status in ("merged", "forbidden"):
                raise UsageError(
                    f"{path}: '{one.concept}' is merged into '{target.concept}', which is {target.status} itself"
                )


def write_review(path: Path, review: Review, bottlenecks: Sequence[Bottleneck]) -> None:
    """Write the table anew: each concept that has a weight, and each that a curator decided on."""
    try:
        with written_whole(path) as fresh, fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(_rows(review, bottlenecks))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _rows(review: Review, bottlenecks: Sequence[Bottleneck]) -> Iterator[dict[str, str]]:
    written: set[tuple[str, str]] = set()
    for bottleneck in bottlenecks:
        own = {
            one.concept_id: one for one in review.decisions if plain_label(one.label) == plain_label(bottleneck.label)
        }
        general = {one.concept_id for one in review.decisions if not one.label}
        for concept in bottleneck.concepts:
            decided = own.get(concept.concept_id)
            if decided is None and concept.concept_id in general:
                continue  # the row for all labels stands below
            written.add((bottleneck.label, concept.concept_id))
            yield {
                "label": bottleneck.label,
                "concept_id": concept.concept_id,
                "concept": concept.text,
                "status": decided.status if decided else "proposed",
                "merge_into": decided.into if decided else "",
                "weight_per_sd": f"{concept.weight:+.4f}",
                "selected": _share(concept.selected),
                "alike": _share(concept.alike),
                "note": decided.note if decided else "",
            }
    for one in review.decisions:
        if not any(
            plain_label(label) == plain_label(one.label) and one.concept_id == known for label, known in written
        ):
            told = {"label": one.label, "concept_id": one.concept_id, "concept": one.concept, "status": one.status}
            yield {**dict.fromkeys(COLUMNS, ""), **told, "merge_into": one.into, "note": one.note}


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
