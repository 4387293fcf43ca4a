"""Explained examples: a few predictions taken apart into what concepts add, with the report sentences behind them."""

from __future__ import annotations

from encoder.audit.page.charts.bars import bars_chart
from encoder.audit.page.numbers import count, share, signed
from encoder.audit.page.pictures import pictures_of
from encoder.audit.page.views import Chart, Picture, Table
from encoder.audit.report.report_data import Example, ReportData
from encoder.explanation.explanation import Explanation
from kb.vocabulary.vocabulary import Evidence

MOST_BARS = 6


def examples(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    labels = dict.fromkeys(one.label for one in data.examples)
    numbered = list(enumerate(data.examples))
    return {
        "labels": [
            (label, [_one(f"example-{number}", one, data) for number, one in numbered if one.label == label])
            for label in labels
        ],
        "notes": [*data.notes_of("examples"), *(data.notes_of("thumbnails") if data.examples else ())],
    }


def _one(name: str, example: Example, data: ReportData) -> dict[str, object]:
    found = example.explanation
    concepts = [(one.text, one.contribution) for one in found.top[:MOST_BARS]]
    groups = [(f"{one.finding} ({count(one.concepts)})", one.contribution) for one in found.groups[:MOST_BARS]]
    title = f"{example.label}, {example.what.lower()}"
    by_concept = bars_chart(f"{name}-concepts", f"{title}: by concept", concepts)
    by_finding = bars_chart(f"{name}-findings", f"{title}: by finding", groups)
    return {
        "title": f"{example.what}: {found.image_id}",
        "pictures": [*pictures_of([found.image_id], data.thumbnails), *_heatmap(example, data)],
        "told": _told(example),
        "sum": _sum(found),
        "charts": [
            Chart(by_concept, "The largest single concepts."),
            Chart(by_finding, "All concepts of a finding together (how many)."),
        ],
        "numbers": _numbers(found),
        "sentences": _sentences(found) if data.with_evidence else None,
    }


def _heatmap(example: Example, data: ReportData) -> list[Picture]:
    """Where in the image the prediction comes from."""
    image = example.explanation.image_id
    uri = data.heatmaps.get((image, example.label))
    return [] if uri is None else [Picture(uri, f"{image}, heat map", "red speaks for it, blue against it")]


def _told(example: Example) -> str:
    found = example.explanation
    truth = "positive" if example.truth else "negative"
    cut = f", threshold {share(example.threshold)}" if example.threshold is not None else ""
    return f"Score {share(found.score)}{cut}; by the labels it is {truth}."


def _sum(found: Explanation) -> str:
    listed = sum(one.contribution for one in found.top)
    return (
        f"Logit {signed(found.logit)} = base {signed(found.base)}, listed concepts {signed(listed)}, others "
        f"{signed(found.others)}, outside {signed(found.outside)}, residual {signed(found.residual)}."
    )


def _numbers(found: Explanation) -> Table:
    rest = max(found.concepts - len(found.top), 0)
    against = "the bias, and what the mean image has" if found.relative else "the bias"
    rows: list[tuple[str, str, str, str]] = [
        (one.text, one.finding, signed(one.score), signed(one.contribution)) for one in found.top
    ]
    rows += [
        (f"all other concepts ({count(rest)})", "", "", signed(found.others)),
        ("base", against, "", signed(found.base)),
        ("outside", "what no concept reaches", "", signed(found.outside)),
        ("residual", "what numbers lose", "", signed(found.residual)),
        ("logit", "the sum of all", "", signed(found.logit)),
    ]
    score = "score above the mean" if found.relative else "score"
    columns = ("part", "finding", score, "adds to the logit")
    return Table("All parts of the logit", columns, rows, texts=(1,))


def _sentences(found: Explanation) -> list[tuple[str, Evidence]]:
    """The report sentences behind the listed concepts, with the concept of each."""
    return [(one.text, mention) for one in found.top for mention in one.evidence]
