"""`clear-kb audit slices`: clusters of images where a model fails."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from encoder.audit.commands.options import Against, Label, Run, Source, Where
from encoder.audit.commands.parts import each_part, print_parts
from encoder.audit.confounders.sentences import number, share, small
from encoder.audit.segments.sentences import WORST, between, wrong
from encoder.audit.slices.audit import audit_slices
from encoder.audit.slices.find import SliceOptions
from encoder.audit.slices.flat import flat_slices
from encoder.audit.slices.result import Slice, Slices
from encoder.commands.options import EncoderOption, SplitOption, ViewsOption
from kb.commands.options import Format
from kb.commands.output import print_facts, print_rows, print_text, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.images.view_choice import FRONTAL
from kb.statistics.interval import Interval

COLUMNS = ("slice", "images", "positives", "false alarms", "missed", "AUROC", "verdict")


@reads(quiet=True)
def slices_command(
    reading: Reading,
    run: Run,
    label: Label,
    slices: Annotated[int, typer.Option("--slices", min=2, help="How many clusters.")] = 10,
    min_size: Annotated[int, typer.Option("--min-size", min=2, help="Images under which nothing is said.")] = 30,
    min_positives: Annotated[
        int, typer.Option("--min-positives", min=1, help="Positives, and negatives, under which there is no AUROC.")
    ] = 5,
    against: Against = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", metavar="NUMBER", help="Of scores; default: that of the view thresholds."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the clustering.")] = 0,
    source: Source = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    where: Where = None,
    encoder: EncoderOption = None,
) -> None:
    """Cut the images into slices that look alike; show where the model does worse, and by which concepts they differ.

    Worse is what has more false alarms or misses at the threshold that all slices share, scores on the wrong side of
    others of the same truth, or a lower AUROC.

    With --against, two data sets are cut in one basis, and each slice stands there for both, by its own labels.
    """
    options = SliceOptions(slices=slices, min_size=min_size, min_positives=min_positives, seed=seed)
    with Progress("steps", hidden=reading.quiet) as progress:

        def look(part: str) -> Slices:
            return audit_slices(
                reading.base,
                run,
                label,
                options=options,
                source=source,
                split=part,
                where=where,
                views=views or FRONTAL,
                encoder=encoder,
                against=against,
                threshold=threshold,
                watcher=progress,
            )

        audits, untold = each_part(reading.base, run, split, look)
    print_parts(reading, audits, untold, show=_print, table=flat_slices)


def _print(found: Slices, quiet: bool) -> None:
    cut = found.threshold
    print_facts(
        [
            ("run", escape(f"{found.run}, {found.label}: AUROC {number(found.auroc)}")),
            ("rows", f"{found.n:,} ({found.split}), {found.positives:,} positives, {found.patients:,} patients"),
            *([("threshold", escape(f"{cut.value:.4g}: {cut.origin}"))] if cut is not None else []),
        ]
    )
    two = any(one.data for one in found.slices)
    columns = (COLUMNS[0], "data", *COLUMNS[1:]) if two else COLUMNS
    print_rows([_shown(one) for one in found.slices if one.n], columns, Format.table, title=" ")
    if two and not any(_held_by_both(found, one.number) for one in found.slices):
        say("no slice has enough images of both: the two data sets look so unlike that nothing can be compared")
    for one in found.slices:
        if one.verdict == "low":
            data = escape(f" ({one.data})" if one.data else "")
            print_text(f"\n[bold]slice {one.number}{data}[/bold]  {escape(_told(one))}")
    if not any(one.verdict == "low" for one in found.slices):
        say("no slice does worse than the others beyond what chance does")
    for note in found.notes if not quiet else ():
        say(f"note: {escape(note)}")


def _held_by_both(found: Slices, number: int) -> bool:
    return sum(one.verdict != "small" for one in found.slices if one.number == number) == 2


def _shown(one: Slice) -> dict[str, object]:
    return {
        "slice": one.number,
        "data": one.data,
        "images": one.n,
        "positives": one.positives,
        "false alarms": wrong(one.here.specificity) if one.here else "-",
        "missed": wrong(one.here.sensitivity) if one.here else "-",
        "AUROC": between(_auroc(one)),
        "verdict": one.verdict,
    }


def _auroc(one: Slice) -> Interval | None:
    if one.auroc is None or one.auroc_low is None or one.auroc_high is None:
        return None
    return Interval(one.auroc, one.auroc_low, one.auroc_high)


def _told(one: Slice) -> str:
    """In what a low slice does worse, what it holds more or less of than the good one beside it, and its images."""
    worse = "; ".join(WORST[measure] for measure in one.worse_in)
    parts = [f"{worse} (q {small(one.q)})" if one.q is not None else worse]
    if one.here is not None and one.elsewhere is not None:
        parts.append(
            f"false alarms {wrong(one.here.specificity)}, elsewhere {wrong(one.elsewhere.specificity)}; missed "
            f"{wrong(one.here.sensitivity)}, elsewhere {wrong(one.elsewhere.sensitivity)}; BPSN "
            f"{between(one.here.bpsn)}, BNSP {between(one.here.bnsp)}"
        )
    if one.traits:
        held = (f"{each.name} {share(each.share)}, elsewhere {share(each.elsewhere)}" for each in one.traits)
        parts.append("; ".join(held))
    told = "; ".join(
        f"{concept.text} {concept.difference:+.2f} ({concept.low:.2f} to {concept.high:.2f})"
        for concept in one.concepts
    )
    parts.append(f"against slice {one.against}, in SD: {told}" if told else "no slice beside it does well")
    parts.append(f"most wrong: {', '.join(one.wrong)}")
    return ". ".join(part[:1].upper() + part[1:] for part in parts)
