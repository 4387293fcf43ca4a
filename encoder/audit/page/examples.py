"""Explained examples: a few predictions taken apart into what concepts add, with the report sentences behind them."""

from __future__ import annotations

from encoder.audit.page.bars import bars_figure
from encoder.audit.page.markup import Html, tag
from encoder.audit.page.numbers import count, share, signed
from encoder.audit.page.plot import figure
from encoder.audit.page.slices import thumbnail
from encoder.audit.page.tables import folded, missing, notes, table
from encoder.audit.report.report_data import Example, ReportData
from encoder.explanation.explanation import Contribution, Explanation

MOST_BARS = 6


def examples(data: ReportData) -> Html:
    """The section."""
    parts: list[Html] = []
    for label in dict.fromkeys(one.label for one in data.examples):
        parts.append(tag("h3", label))
        mine = [(number, one) for number, one in enumerate(data.examples) if one.label == label]
        parts += [_one(f"example-{number}", one, data) for number, one in mine]
    return tag(
        "section",
        tag("h2", "Explained examples", id="examples"),
        tag(
            "p",
            "A prediction is a sum: what every concept adds to the logit, or takes from it, and a base that belongs to "
            "no concept. What numbers lose on the way is the residual.",
        )
        if data.examples
        else None,
        *parts,
        None if data.examples else missing("No prediction is explained here: the notes say why."),
        notes([*data.notes_of("examples"), *(data.notes_of("thumbnails") if data.examples else ())]),
        aria_labelledby="examples",
    )


def _one(name: str, example: Example, data: ReportData) -> Html:
    found = example.explanation
    picture = thumbnail(found.image_id, data.thumbnails) if found.image_id in data.thumbnails else None
    concepts = [(one.text, one.contribution) for one in found.top[:MOST_BARS]]
    groups = [(f"{one.finding} ({count(one.concepts)})", one.contribution) for one in found.groups[:MOST_BARS]]
    title = f"{example.label}, {example.what.lower()}"
    return tag(
        "article",
        tag("h4", f"{example.what}: {found.image_id}"),
        tag(
            "div",
            tag("div", picture, tag("p", _told(example)), tag("p", _sum(found))),
            figure(bars_figure(f"{name}-concepts", f"{title}: by concept", concepts), "The largest single concepts."),
            figure(
                bars_figure(f"{name}-findings", f"{title}: by finding", groups),
                "All concepts of a finding together (how many).",
            ),
            class_="grid",
        ),
        _numbers(found),
        _evidence(found) if data.with_evidence else None,
        class_="example",
    )


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


def _numbers(found: Explanation) -> Html:
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
    return folded("The numbers", table("All parts of the logit", columns, rows, texts=(1,)))


def _evidence(found: Explanation) -> Html:
    entries = [line for one in found.top for line in _sentences(one)]
    if not entries:
        return missing("No report mentions the listed concepts, so there is no sentence to show.")
    return folded("Sentences of other reports that these concepts come from", tag("ul", *entries, class_="evidence"))


def _sentences(one: Contribution) -> list[Html]:
    return [
        tag(
            "li",
            tag("strong", one.text),
            ": ",
            tag("q", mention.sentence) if mention.sentence else f"{mention.text} (its sentence is not stored)",
            " ",
            tag("span", f"{mention.report_id}, {mention.section}", class_="id"),
        )
        for mention in one.evidence
    ]
