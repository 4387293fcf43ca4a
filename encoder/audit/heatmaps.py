"""Whether heat maps fall on what was marked: the predictions of a run against stored boxes, label by label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from encoder.audit.report.examples import open_explainer
from encoder.explanation.heatmap import smoothed
from encoder.explanation.locating import Locator
from encoder.explanation.placing import Corners, Placed, on_square, placed
from encoder.prediction.judged import judged_parts
from encoder.prediction.runs import Run
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.images.patient_split import Part, lies_in
from kb.images.patients import read_patients
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import plain_label
from kb.progress import Silent, Watcher
from kb.statistics.interval import Interval
from kb.statistics.means import mean_interval
from schemas.terms import BOXES

Boxes = Mapping[str, Sequence[Corners]]
"""The boxes of one label by image, in pixels of the picture as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapRow:
    """How the heat maps of one label fall on its boxes.

    Attributes:
        label: which.
        split: of the images.
        images: how many have boxes and were looked at.
        boxed: how many have boxes.
        patients: of how many patients.
        hit: the share whose strongest place lies in a box, with its 95% interval.
        overlap: the mean intersection over union, likewise.
        area: the share of the picture that the boxes take: what a place drawn by chance would hit.
    """

    label: str
    split: str
    images: int
    boxed: int
    patients: int
    hit: float
    hit_low: float | None
    hit_high: float | None
    overlap: float
    overlap_low: float | None
    overlap_high: float | None
    area: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapAudit:
    """The rows of all labels that have boxes, and what is to be known of them."""

    run: str
    rows: tuple[HeatmapRow, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data, for JSON."""
        return asdict(self)


def audit_heatmaps(
    kb: KnowledgeBase,
    run: str,
    *,
    labels: Sequence[str] = (),
    split: Part | None = None,
    most: int = 100,
    encoder: str | None = None,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> HeatmapAudit:
    """Hold the heat maps of a run against the boxes that are stored with labels.

    Args:
        kb: the knowledge base.
        run: its name.
        labels: these only; default: all that it predicts and that have boxes.
        split: default: what the run is judged on.
        most: images of each label; more are drawn from.
        encoder: folder or id of the checkpoint, where it has moved.
        seed: of that draw.
        watcher: hears how it goes.

    Raises:
        UsageError: the run came as a table, or no image that it is judged on has a box of any of its labels.
    """
    watcher = watcher or Silent()
    explainer = open_explainer(kb, run, encoder)
    wanted = [explainer.run.head(label).label for label in labels] or [head.label for head in explainer.run.heads]
    known = {label: boxes for label in wanted if (boxes := read_boxes(kb, label))}
    chosen = _chosen(kb, explainer.run, known, judged_parts(kb, [run], split), most=most, seed=seed)
    if not chosen:
        text = ", ".join(boxed_labels(kb)) or "none"
        raise UsageError(
            f"no image that run '{run}' is judged on has a box of what it predicts (labels with boxes: {text})"
        )
    locator, pictures, patients = Locator(explainer), _pictures(kb), read_patients(kb)
    watcher.stage("heat maps", sum(len(one.images) for one in chosen))
    rows, done = [], 0
    for one in chosen:
        found: list[Placed] = []
        for image in one.images:
            pixels, relevant = locator.locate(image, one.label)
            made = explainer.checkpoint.preprocessing
            square = [on_square(box, *pictures[image], made) for box in known[one.label][image]]
            found.append(placed(smoothed(relevant, len(pixels)), square))
            done += 1
            watcher.advance(done, done)
        rows.append(_row(one, found, [patients.images[image].owner for image in one.images]))
    return HeatmapAudit(run=run, rows=tuple(rows), notes=tuple(_notes(known, wanted)))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The images of one label and split that are looked at, and how many have boxes."""

    label: str
    split: str
    images: list[str]
    boxed: int


def _chosen(
    kb: KnowledgeBase, run: Run, known: Mapping[str, Boxes], parts: Sequence[str], *, most: int, seed: int
) -> list[_Chosen]:
    patients, pictures = read_patients(kb), _pictures(kb)
    encoded = set(read_image_vectors(kb, run.encoder).image_ids) & pictures.keys()
    found = []
    for label, boxes in known.items():
        for part in parts:
            usable = [
                image for image in sorted(boxes.keys() & encoded) if lies_in(patients.split_of_image(image), part)
            ]
            drawn = np.random.default_rng(seed).permutation(len(usable))[:most]
            if usable:
                found.append(_Chosen(label, part, [usable[n] for n in sorted(drawn.tolist())], len(usable)))
    return found


def read_boxes(kb: KnowledgeBase, label: str) -> Boxes:
    """The boxes of a label by image, in whatever spelling the label was stored."""
    names = [name for name in boxed_labels(kb) if plain_label(name) == plain_label(label)]
    found: dict[str, list[Corners]] = {}
    for name, image, value in _box_rows(kb):
        if name in names and image is not None:
            found.setdefault(image, []).extend(_corners(value))
    return found


def boxed_labels(kb: KnowledgeBase) -> list[str]:
    """The labels that have boxes, as they were stored."""
    return sorted({name for name, _, _ in _box_rows(kb)})


def _box_rows(kb: KnowledgeBase) -> Iterator[tuple[str, str | None, str]]:
    table = kb.dataset("attributes").to_table(
        columns=["name", "image_id", "value"], filter=f"starts_with(name, '{BOXES}')"
    )
    for name, image, value in zip(*(table[column].to_pylist() for column in table.column_names), strict=True):
        yield name.removeprefix(BOXES), image, value


def _corners(text: str) -> Iterator[Corners]:
    """The boxes of a stored text: "left top right bottom", a semicolon between two."""
    for box in text.split(";"):
        left, top, right, bottom = map(float, box.split())
        yield left, top, right, bottom


def _pictures(kb: KnowledgeBase) -> dict[str, tuple[int, int]]:
    """The width and height of each picture as it came."""
    table = kb.dataset("images").to_table(columns=["image_id", "width", "height"])
    ids, widths, heights = (table[name].to_pylist() for name in ("image_id", "width", "height"))
    return dict(zip(ids, zip(widths, heights, strict=True), strict=True))


def _row(chosen: _Chosen, found: Sequence[Placed], owners: Sequence[str]) -> HeatmapRow:
    clusters = np.asarray(owners)
    hits, overlaps = (np.array([getattr(one, name) for one in found], float) for name in ("hit", "overlap"))
    hit, overlap = (_bounded(mean_interval(values, clusters)) for values in (hits, overlaps))
    return HeatmapRow(
        label=chosen.label,
        split=chosen.split,
        images=len(found),
        boxed=chosen.boxed,
        patients=len(set(owners)),
        hit=float(hits.mean()),
        hit_low=hit[0],
        hit_high=hit[1],
        overlap=float(overlaps.mean()),
        overlap_low=overlap[0],
        overlap_high=overlap[1],
        area=float(np.mean([one.area for one in found])),
    )


def _bounded(interval: Interval | None) -> tuple[float | None, float | None]:
    """The ends of a share's interval; none where all images are alike, or of one patient."""
    if interval is None or interval.high - interval.low < 1e-12:
        return None, None
    return max(0.0, interval.low), min(1.0, interval.high)


def _notes(known: Mapping[str, Boxes], wanted: Sequence[str]) -> Iterator[str]:
    yield (
        "hit: the strongest place of the map lies in a box; area: the share of the picture that boxes take, which a "
        "place drawn by chance would hit; overlap: of the boxes with what is at least half as strong as that place"
    )
    if without := [label for label in wanted if label not in known]:
        yield f"no boxes of {', '.join(without)}"
