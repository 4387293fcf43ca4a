"""One prediction by finding, printed: what it rests on, what the study's own report says, and what contradicts it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.markup import escape

from encoder.explanation.explanation import Explainer
from encoder.explanation.grouped_explanation import FindingPart, GroupedExplanation
from encoder.explanation.nearest_labelled import LabelledImage
from kb.commands.options import Format
from kb.commands.output import print_facts, print_rows, print_text, say

COLUMNS = ("finding", "part", "sum", "concepts", "image", "report")
SENTENCES = 2
"""Sentences of the study's own reports that are shown of a finding."""


def print_grouped(found: GroupedExplanation, explainer: Explainer) -> None:
    """Print one prediction by finding, for a person."""
    run = explainer.run
    view = f" ({found.view})" if found.view else ""
    weighed = f", weights {run.weighting}" if run.weighting else ""
    print_facts(
        [
            ("image", escape(found.image_id) + view),
            ("prediction", f"{escape(found.label)}: score {found.score:.3f}, logit {found.logit:+.3f}"),
            ("run", f"{escape(found.run)}: {run.method}, space {run.space}{weighed}"),
            (
                "the mean image",
                f"logit {found.exact.base:+.3f}; this one {found.logit - found.exact.base:+.3f} above it",
            ),
        ]
    )
    print_rows(table_rows(found.findings), COLUMNS, Format.table, title="\nwhat it rests on, by finding")
    print_text(
        f"{found.rest:+.3f} from {found.more:,} other findings. A part is what a finding spans of the logit, "
        "whatever its number of concepts; a sum is what its concepts add, exactly."
    )
    _print_section("the study's own report", _report_lines(found))
    _print_section("to be looked at", _contradictions(found.findings))
    _print_section("nearest images of other patients", _nearest_lines(found))
    for note in found.notes:
        say(escape(note))
    exact = found.exact
    left_out = f", {exact.others:+.3f} from {exact.left_out:,} others" if exact.left_out else ""
    print_text(
        f"\n[bold]exact sum[/bold]  base {exact.base:+.3f}, {exact.counted:+.3f} from "
        f"{exact.concepts - exact.left_out:,} concepts{left_out}, outside {exact.outside:+.3f}, residual "
        f"{exact.residual:+.1e}; concept by concept with --concepts"
    )


def table_rows(findings: Sequence[FindingPart]) -> list[dict[str, Any]]:
    """The findings as rows of `COLUMNS`, in words and rounded."""
    return [
        {
            "finding": one.finding,
            "part": f"{one.part:+.2f}",
            "sum": f"{one.sum:+.2f}",
            "concepts": one.concepts,
            "image": image_in_words(one),
            "report": one.report.verdict,
        }
        for one in findings
    ]


def image_in_words(one: FindingPart) -> str:
    """What the image shows of a finding: "shown, left, large"; side, place and size only where it is shown."""
    if one.shown is None:
        return "hardly known" if one.hardly_known else "unclear"
    if not one.shown:
        return "not shown"
    return ", ".join(["shown", *(facing.name for facing in one.facings if facing.name is not None)])


def _report_lines(found: GroupedExplanation) -> Iterator[str]:
    for one in found.findings:
        sentences = dict.fromkeys(
            said.sentence or f"(its text is not stored) {said.text}" for said in one.report.statements
        )
        if sentences:
            why = f" ({one.report.why})" if one.report.why else ""
            shown = " / ".join(" ".join(text.split()) for text in list(sentences)[:SENTENCES])
            yield f"[bold]{escape(one.finding)}[/bold] {one.report.verdict}{escape(why)}: {escape(shown)}"
    if not found.statements:
        yield "no report of this study is here"


def _contradictions(findings: Sequence[FindingPart]) -> Iterator[str]:
    for one in findings:
        if one.report.verdict == "contradicts":
            yield f"{escape(one.finding)}: {escape(one.report.why)}"
        side = one.facing("side")
        if one.side_contradicts and one.map_side is not None and side is not None:
            yield (
                f"{escape(one.finding)}: named on the {side.name}, but its heat map lies on the patient's "
                f"{one.map_side.side} ({max(one.map_side.left, 1 - one.map_side.left):.0%})"
            )


def _nearest_lines(found: GroupedExplanation) -> Iterator[str]:
    if found.nearest is None:
        return
    for what, images in (("with", found.nearest.positive), ("without", found.nearest.negative)):
        if images:
            yield f"{what} {escape(found.label)}: " + ", ".join(map(_image_in_words, images))


def _image_in_words(image: LabelledImage) -> str:
    return f"{escape(image.image_id)} ({image.similarity:.2f}, score {image.score:.2f})"


def _print_section(title: str, lines: Iterator[str]) -> None:
    told = list(lines)
    if told:
        print_text(f"\n[bold]{title}[/bold]")
        for line in told:
            print_text(f"  {line}")
