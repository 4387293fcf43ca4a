"""`clear-kb explain`: one prediction, finding by finding or concept by concept, and where it looks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from encoder.audit.kept_attributions import KeptAttributions, keep_attributions
from encoder.commands.explain_grouped import COLUMNS as GROUPED_COLUMNS
from encoder.commands.explain_grouped import print_grouped, table_rows
from encoder.commands.options import EncoderOption
from encoder.explanation.explanation import Explainer, Explanation
from encoder.explanation.grouped import GroupedExplainer
from encoder.figures import check_figure
from encoder.prediction.runs import only_run, read_run
from encoder.vectors.encoders import find_checkpoint
from kb.commands.console import SafeConsole
from kb.commands.options import Format
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.errors import UsageError

COLUMNS = ("concept_id", "text", "finding", "score", "contribution")


@writes(at=True, quiet=True)
def explain_command(
    writing: Writing,
    image: Annotated[str | None, typer.Argument(metavar="IMAGE", help="The id of an encoded image.")] = None,
    label: Annotated[str | None, typer.Argument(metavar="LABEL", help="A label that the run predicts.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Keep the --top contributions of all predictions: the view attributions.")
    ] = False,
    labels: Annotated[
        list[str] | None, typer.Option("--label", metavar="L", help="With --all: only this label; repeatable.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="With --all: only these rows of the view outcomes.")
    ] = None,
    per: Annotated[
        Literal["concept", "finding"],
        typer.Option("--per", help="With --all: each concept, or the concepts of a finding summed."),
    ] = "concept",
    run: Annotated[
        str | None, typer.Option("--run", metavar="NAME", help="The run; default: the only one of this encoder.")
    ] = None,
    concepts: Annotated[
        bool, typer.Option("--concepts", help="The exact sum, concept by concept, with report sentences of each.")
    ] = False,
    top: Annotated[int, typer.Option("--top", min=1, help="Findings, or concepts, that are listed.")] = 10,
    evidence: Annotated[
        int | None, typer.Option("--evidence", min=0, help="With --concepts: report sentences of each; default 1.")
    ] = None,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="With --concepts: scores as they are, not against the mean image.")
    ] = False,
    maps: Annotated[
        int, typer.Option("--maps", min=0, help="Findings whose heat map is asked on which side it lies.")
    ] = 3,
    nearest: Annotated[
        int, typer.Option("--nearest", min=0, help="Images of other patients, with the label and without it.")
    ] = 3,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Of the labels of the nearest images.")
    ] = None,
    heatmap: Annotated[
        Path | None, typer.Option("--heatmap", metavar="OUT.png", help="Draw where in the image it comes from.")
    ] = None,
    concept: Annotated[
        str | None, typer.Option("--concept", metavar="ID|TEXT", help="With --heatmap: of this concept's score.")
    ] = None,
    encoder: EncoderOption = None,
) -> None:
    """Take a prediction apart by finding, beside the study's report; exactly by --concepts; or --all, and keep it."""
    if concept is not None and heatmap is None:
        raise UsageError("--concept goes with --heatmap OUT.png")
    opened = writing.base
    if (evidence is not None or absolute) and not (concepts or everything):
        raise UsageError("--evidence and --absolute go with --concepts")
    if everything:
        if image is not None or concepts or absolute or heatmap is not None or writing.at is not None:
            raise UsageError(
                "--all keeps what predictions owe most to: it goes with no IMAGE, and none of --concepts, --absolute, "
                "--heatmap and --at"
            )
        with Progress("predictions", hidden=writing.quiet) as progress:
            kept = keep_attributions(
                opened,
                run or only_run(opened, find_checkpoint(opened, encoder, text_side=True).encoder_id),
                labels=labels or (),
                where=where,
                grouping=per,
                top=top,
                encoder=encoder,
                **writing.act,
                watcher=progress,
            )
        _print_kept(kept, writing)
        return
    if image is None or label is None:
        raise UsageError("IMAGE and LABEL were expected, or --all")
    if labels or where is not None or per != "concept" or writing.dry_run:
        raise UsageError("--label, --where, --per and --dry-run go with --all")
    if heatmap is not None:
        check_figure(heatmap, "--heatmap")
    checkpoint = find_checkpoint(opened, encoder or (read_run(opened, run).encoder if run else None), text_side=True)
    explainer = Explainer(opened, checkpoint, run or only_run(opened, checkpoint.encoder_id))
    grouped = GroupedExplainer(explainer, source=source)
    if concepts:
        found = explainer.explain(
            image, label, top=top, evidence=1 if evidence is None else evidence, absolute=absolute
        )
        _print_concepts(found, explainer, writing.output)
    else:
        by_finding = grouped.explain(image, label, top=top, maps=maps, nearest=nearest)
        if writing.output is Format.json:
            print_json(by_finding.to_dict())
        elif writing.output is Format.csv:
            print_rows(table_rows(by_finding.findings), GROUPED_COLUMNS, writing.output)
        else:
            print_grouped(by_finding, explainer)
    if heatmap is not None:
        grouped.locator.draw(image, label, heatmap, concept=concept)
        say(f"wrote {escape(str(heatmap))}")


def _print_concepts(found: Explanation, explainer: Explainer, output: Format) -> None:
    if output is Format.json:
        print_json(found.to_dict())
    elif output is Format.csv:
        print_rows(_rows(found), COLUMNS, output)
    else:
        _print(found, explainer)


def _print_kept(kept: KeptAttributions, writing: Writing) -> None:
    if writing.output is Format.json:
        print_json(kept.to_dict())
        return
    if writing.output is Format.csv:
        row = {name: value for name, value in kept.to_dict().items() if name != "left_out"}
        print_rows([row], list(row), writing.output)
    elif not writing.quiet:
        what = "are to be taken apart" if writing.dry_run else f"taken apart in {kept.seconds:,.1f} s"
        rate = "" if writing.dry_run or not kept.added else f", {kept.added / max(kept.seconds, 1e-9):,.0f} a second"
        kind = "concepts" if kept.grouping == "concept" else "findings"
        print_facts(
            [
                ("run", escape(kept.run)),
                ("predictions", f"{kept.predictions:,}: {kept.added:,} {what}{rate}; {kept.known:,} kept already"),
                ("kept", f"the {kept.top} {kind} that each owes most to: FROM attributions, attribution_sums"),
                ("residual", f"{kept.largest_residual:.1e} at the most"),
                ("commit", kept.commit or "none: nothing was written"),
            ]
        )
    for reason, count in kept.left_out.items():
        say(f"left out: {count:,} predictions, {reason}")


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
    SafeConsole(highlight=False).print(escape(others))
    groups = [{**asdict(group), "contribution": f"{group.contribution:+.4f}"} for group in found.groups]
    print_rows(groups, ("finding", "concepts", "contribution"), Format.table, title="\nby finding")
    _print_evidence(found)


def _print_evidence(found: Explanation) -> None:
    console = SafeConsole(highlight=False, soft_wrap=True)
    entries = [(part, mention) for part in found.top for mention in part.evidence]
    if entries:
        console.print("\n[bold]evidence[/bold]")
    for part, mention in entries:
        sentence = mention.sentence or f"(its text is not stored) {mention.text}"
        console.print(f"  [bold]{escape(part.text)}[/bold]  {escape(sentence)}  [dim]{escape(mention.report_id)}[/dim]")
