"""The concepts of a bottleneck run on one page that a clinician reads: HTML, or the same as a CSV table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from encoder.prediction.bottleneck import Bottleneck, BottleneckConcept
from encoder.prediction.predicting import PredictResult
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.whole_file import written_whole

DOUBLING = 10
"""Points that double the odds."""

MINUS = "\N{MINUS SIGN}"
ENDINGS = (".html", ".csv")
GENERATOR = "clear-kb bottleneck sheet"
LONGEST = 160
"""Characters of an example sentence."""

COLUMNS = (
    "label",
    "concept_id",
    "concept",
    "finding",
    "points_per_sd",
    "weight_per_sd",
    "mean_score",
    "sd_score",
    "selected",
    "alike",
    "merged_into",
    "example",
)

_SPLITS = {"test": "test images", "external": "external images"}


def check_sheet(path: Path) -> None:
    """Refuse a file that no sheet can be written to (UsageError), before the work begins."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a sheet ends in {' or '.join(ENDINGS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}")


def write_sheet(kb: KnowledgeBase, result: PredictResult, path: Path, *, evidence: bool = True) -> None:
    """Write the sheet of a bottleneck run, by the ending of the path.

    Args:
        kb: the vocabulary, for an example sentence of each concept.
        result: the run, with its bottlenecks.
        path: of the .html or .csv file; a file of that name is replaced.
        evidence: whether sentences of reports are shown.

    Raises:
        UsageError: the path is no such file, or cannot be written.
    """
    check_sheet(path)
    ids = sorted({one.concept_id for bottleneck in result.bottlenecks for one in bottleneck.concepts})
    found = kb.vocabulary.evidence_of(ids, 1) if evidence and ids else {}
    sentences = {concept: _shortened(told[0].sentence or told[0].text) for concept, told in found.items() if told}
    made = _page(result, sentences) if path.suffix.lower() == ".html" else _table(kb, result, sentences)
    try:
        with written_whole(path) as fresh:
            fresh.write_text(made, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def points_of(weight: float) -> int:
    """What a weight on the standardised score comes to in points: `DOUBLING` of them double the odds."""
    return round(weight * DOUBLING / math.log(2))


def _page(result: PredictResult, sentences: Mapping[str, str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("encoder.prediction", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("bottleneck.html.j2").render(
        generator=GENERATOR,
        run=result.run.name,
        encoder=result.run.encoder,
        commit=result.run.vocabulary_commit,
        images=f"{result.images:,}",
        resamples=result.run.parameters.get("resamples", 0),
        doubling=DOUBLING,
        labels=[_label(result, bottleneck, sentences) for bottleneck in result.bottlenecks],
    )


def _label(result: PredictResult, bottleneck: Bottleneck, sentences: Mapping[str, str]) -> dict[str, Any]:
    texts = {one.concept_id: one.text for one in bottleneck.concepts}
    return {
        "name": bottleneck.label,
        "average": f"{100 / (1 + math.exp(-bottleneck.bias)):.1f} %",
        "parts": [_part(row) for row in result.rows if row["label"] == bottleneck.label and row["auroc"] is not None],
        "concepts": [_concept(one, texts, sentences) for one in bottleneck.concepts],
    }


def _part(row: Mapping[str, Any]) -> dict[str, str]:
    spread = (
        "" if row["gap_low"] is None else f"; 95 % interval {_signed(row['gap_low'])} to {_signed(row['gap_high'])}"
    )
    return {
        "images": f"{row['n']:,} {_SPLITS.get(row['split'], 'images')}, {row['positives']:,} of which have it",
        "auroc": f"{row['auroc']:.3f}",
        "probe": f"{row['probe_auroc']:.3f}",
        "gap": f"{_signed(row['gap'])}{spread}",
    }


def _signed(value: float) -> str:
    """A difference with its sign; one that rounds to nothing has none."""
    text = f"{value:+.3f}"
    return "0.000" if not float(text) else text.replace("-", MINUS)


def _concept(
    one: BottleneckConcept, texts: Mapping[str, str], sentences: Mapping[str, str]
) -> dict[str, str | float | None]:
    again = "" if one.selected is None else f"{one.selected:.0%} ({one.alike or 0:.0%})"
    return {
        "text": one.text,
        "weight": one.weight,
        "points": f"{points_of(one.weight):+d}".replace("-", MINUS),
        "selected": again,
        "merged": texts.get(one.merged_into or ""),
        "sentence": sentences.get(one.concept_id, ""),
    }


def _table(kb: KnowledgeBase, result: PredictResult, sentences: Mapping[str, str]) -> str:
    file = StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for bottleneck in result.bottlenecks:
        writer.writerows(_rows(kb, bottleneck, sentences))
    return file.getvalue()


def _rows(kb: KnowledgeBase, bottleneck: Bottleneck, sentences: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for one in bottleneck.concepts:
        yield {
            "label": bottleneck.label,
            "concept_id": one.concept_id,
            "concept": one.text,
            "finding": kb.vocabulary.get(one.concept_id).finding,
            "points_per_sd": points_of(one.weight),
            "weight_per_sd": f"{one.weight:.6f}",
            "mean_score": f"{one.mean:.6f}",
            "sd_score": f"{one.deviation:.6f}",
            "selected": "" if one.selected is None else f"{one.selected:.2f}",
            "alike": "" if one.alike is None else f"{one.alike:.2f}",
            "merged_into": one.merged_into or "",
            "example": sentences.get(one.concept_id, ""),
        }


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
