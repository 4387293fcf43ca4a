"""`clear-kb audit attribution`: what the predictions of a slice of images are made of."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.attribution import Attribution, GroupContribution, attribute
from encoder.audit.commands.options import Label, Run
from encoder.commands.options import EncoderOption
from encoder.explanation.explanation import Contribution
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, print_text
from kb.commands.shared import Reading, reads

STALE = "the images were encoded anew since the run was made, and it is today's vectors that are explained"


@reads
def attribution_command(
    reading: Reading,
    run: Run,
    label: Label,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="SQL", help="The images, by the view outcomes: \"truth = 0 AND site = 'A'\"."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="SQL", help="Images whose mean is taken off: explain the difference."),
    ] = None,
    image: Annotated[str | None, typer.Option("--image", metavar="ID", help="One image instead.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Contributions and findings that are listed.")] = 10,
    evidence: Annotated[int, typer.Option("--evidence", min=0, help="Report sentences of each.")] = 1,
    encoder: EncoderOption = None,
) -> None:
    """Take the mean logit of some images apart, or the difference of two such means: it sums up exactly."""
    found = attribute(
        reading.base,
        run,
        label,
        where=where,
        against=against,
        image=image,
        encoder=encoder,
        top=top,
        evidence=evidence,
    )
    if reading.output is Format.json:
        print_json(found.to_dict())
    elif reading.output is Format.csv:
        print_rows(
            [_row(one) for one in found.top], ("concept_id", "text", "finding", "score", "contribution"), reading.output
        )
    else:
        _print(found)


def _print(found: Attribution) -> None:
    what = (
        "the difference of the mean logits" if found.against else "the mean logit" if found.images > 1 else "the logit"
    )
    stale = found.stored_difference > 1e-3
    entries = [
        ("prediction", f"{found.label}, run {found.run}: {what} is {found.logit:+.3f}"),
        ("images", f"{found.images:,}: {found.of}"),
        ("less", f"{found.images_against:,}: {found.against}" if found.against else ""),
        ("base", f"{found.base:+.3f} (the mean image and the bias)"),
        (
            "concepts",
            f"{found.logit - found.base - found.outside - found.residual:+.3f}, from {found.concepts:,} of them",
        ),
        ("no concept", f"{found.outside:+.3f} is read of the images that no concept reaches" if found.outside else ""),
        ("residual", f"{found.residual:.1e}"),
        ("stored", f"the stored logits differ by up to {found.stored_difference:.3g}: {STALE}" if stale else ""),
    ]
    print_facts([(name, escape(value)) for name, value in entries if value])
    columns = ("text", "finding", "score", "contribution")
    print_rows([_row(one) for one in found.top], columns, Format.table, title="\nthe largest contributions")
    groups = ("finding", "concepts", "contribution")
    print_rows([_group(one) for one in found.groups], groups, Format.table, title="\nby finding")
    seen = [one for one in found.top if one.evidence]
    print_text("\n[bold]evidence[/bold]" if seen else "")
    print_facts([(escape(one.text), escape(_sentence(one))) for one in seen])


def _row(one: Contribution) -> dict[str, object]:
    return {
        "concept_id": one.concept_id,
        "text": one.text,
        "finding": one.finding,
        "score": f"{one.score:+.3f}",
        "contribution": f"{one.contribution:+.4f}",
    }


def _group(one: GroupContribution) -> dict[str, object]:
    return {"finding": one.finding, "concepts": one.concepts, "contribution": f"{one.contribution:+.4f}"}


def _sentence(one: Contribution) -> str:
    return "; ".join(f"{told.sentence or told.text} ({told.report_id})" for told in one.evidence)
