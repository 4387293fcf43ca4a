"""`clear-kb explain`: one prediction, concept by concept, with the sentences behind it and where it looks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from encoder.commands.options import EncoderOption
from encoder.explanation.explanation import Explainer, Explanation
from encoder.figures import check_figure
from encoder.prediction.runs import only_run, read_run
from encoder.vectors.encoders import find_checkpoint
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.shared import Reading, reads
from kb.errors import UsageError

COLUMNS = ("concept_id", "text", "finding", "score", "contribution")


@reads
def explain_command(
    reading: Reading,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The id of an encoded image.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="A label that the run predicts.")],
    run: Annotated[
        str | None, typer.Option("--run", metavar="NAME", help="The run; default: the only one of this encoder.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Contributions and findings that are listed.")] = 10,
    evidence: Annotated[int, typer.Option("--evidence", min=0, help="Report sentences of each concept.")] = 1,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Scores as they are, not against the mean image.")
    ] = False,
    heatmap: Annotated[
        Path | None, typer.Option("--heatmap", metavar="OUT.png", help="Draw where in the image it comes from.")
    ] = None,
    concept: Annotated[
        str | None, typer.Option("--concept", metavar="ID|TEXT", help="With --heatmap: of this concept's score.")
    ] = None,
    encoder: EncoderOption = None,
) -> None:
    """Take one prediction apart: what each concept adds to its logit, and the report sentences behind it."""
    if concept is not None and heatmap is None:
        raise UsageError("--concept goes with --heatmap OUT.png")
    opened = reading.base
    if heatmap is not None:
        check_figure(heatmap, "--heatmap")
    checkpoint = find_checkpoint(opened, encoder or (read_run(opened, run).encoder if run else None))
    explainer = Explainer(opened, checkpoint, run or only_run(opened, checkpoint.encoder_id))
    found = explainer.explain(image, label, top=top, evidence=evidence, absolute=absolute)
    if heatmap is not None:
        explainer.draw_heatmap(image, label, heatmap, concept=concept)
    if reading.output is Format.json:
        print_json(found.to_dict())
    elif reading.output is Format.csv:
        print_rows(_rows(found), COLUMNS, reading.output)
    else:
        _print(found, explainer)
    if heatmap is not None:
        say(f"wrote {escape(str(heatmap))}")


def _outside(found: Explanation) -> str:
    return f"{found.outside:+.3f}, which no concept reaches" if abs(found.outside) > 1e-4 else "nothing"


def _rows(found: Explanation) -> list[dict[str, object]]:
    return [{name: getattr(part, name) for name in COLUMNS} for part in found.top]


def _print(found: Explanation, explainer: Explainer) -> None:
    against = "above the mean image" if found.relative else "as it is"
    run = explainer.run
    weighed = f", weights {run.weighting}" if run.weighting else ""
    print_facts(
        [
            ("image", escape(found.image_id)),
            ("prediction", f"{escape(found.label)}: score {found.score:.3f}, logit {found.logit:+.3f}"),
            ("run", f"{escape(found.run)}: {run.method}, space {run.space}{weighed}"),
            ("base", f"{found.base:+.3f} ({'the mean image and the bias' if found.relative else 'the bias'})"),
            (
                "concepts",
                f"{found.logit - found.base - found.outside - found.residual:+.3f}, from {found.concepts:,} of them",
            ),
            ("outside", _outside(found)),
            ("residual", f"{found.residual:+.1e}"),
        ]
    )
    rows = [
        {**row, "score": f"{row['score']:+.3f}", "contribution": f"{row['contribution']:+.4f}"} for row in _rows(found)
    ]
    print_rows(rows, COLUMNS[1:], Format.table, title=f"\nthe largest contributions (score: {against})")
    others = f"{found.others:+.3f} from the {max(found.concepts - len(found.top), 0):,} others"
    Console(highlight=False).print(escape(others))
    groups = [{**asdict(group), "contribution": f"{group.contribution:+.4f}"} for group in found.groups]
    print_rows(groups, ("finding", "concepts", "contribution"), Format.table, title="\nby finding")
    _print_evidence(found)


def _print_evidence(found: Explanation) -> None:
    console = Console(highlight=False, soft_wrap=True)
    entries = [(part, mention) for part in found.top for mention in part.evidence]
    if entries:
        console.print("\n[bold]evidence[/bold]")
    for part, mention in entries:
        sentence = mention.sentence or f"(its text is not stored) {mention.text}"
        console.print(f"  [bold]{escape(part.text)}[/bold]  {escape(sentence)}  [dim]{escape(mention.report_id)}[/dim]")
