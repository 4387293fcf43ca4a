"""`clear-kb predict`: zero-shot by sentences, linear probes, concept bottlenecks."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from encoder.commands.interventions import keep, show_saved
from encoder.commands.options import (
    EncoderOption,
    LabelsOption,
    ReplaceOption,
    RunOption,
    SourceOption,
    ViewsOption,
    WeightsOption,
)
from encoder.face import predict_bottleneck, predict_probe, predict_zero_shot
from encoder.prediction.bottleneck import BottleneckConcept
from encoder.prediction.concept_list import read_concept_list
from encoder.prediction.concept_review import Review, read_review, write_review
from encoder.prediction.intervention import set_concepts
from encoder.prediction.predicting import PredictResult
from encoder.prediction.prompts import read_prompts
from encoder.prediction.published import SETTINGS
from encoder.prediction.runs import read_run
from encoder.prediction.sheet import check_sheet, write_sheet
from encoder.vectors.encoders import find_checkpoint
from kb.commands.engine import EngineAddressOption, EngineOption, WorkersOption, asked_engine
from kb.commands.options import (
    Format,
    parse_pairs,
)
from kb.commands.output import print_facts, print_json, print_rows, print_text, say
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.commands.target import Overwrite, check_target
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.whole_file import written_whole


@writes(quiet=True)
def zero_shot_command(
    writing: Writing,
    labels: LabelsOption = None,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help='YAML; default: "{x}" against "no {x}".')
    ] = None,
    space: Annotated[
        Literal["encoder", "llm"] | None,
        typer.Option("--space", help="Default: the better one on the validation images."),
    ] = None,
    weights: WeightsOption = None,
    contrast: Annotated[
        Literal["absent", "none"] | None,
        typer.Option("--contrast", help="none: sentences against a label do not count. Default: as for --space."),
    ] = None,
    like: Annotated[
        Literal["published"] | None,
        typer.Option("--like", help="All as in the published CLEAR code: space, contrast, weights, sentences, scale."),
    ] = None,
    encode_first: Annotated[
        bool, typer.Option("--encode", help="First encode the images that have no vector of this encoder yet.")
    ] = False,
    run: RunOption = None,
    encoder: EncoderOption = None,
    source: SourceOption = None,
    views: ViewsOption = None,
    replace: ReplaceOption = False,
    engine: EngineOption = "local",
    engine_address: EngineAddressOption = None,
    workers: WorkersOption = None,
) -> None:
    """Predict labels from sentences that say they hold, and that they do not; nothing is trained.

    The AUROC is of images that taught the encoder nothing: the test split if it was trained here, else all.
    """
    if engine != "local" and not encode_first:
        raise UsageError("an engine encodes images: say --encode, or leave --engine out; the rest takes seconds here")
    found = read_prompts(prompts) if prompts else None
    before: list[str] = []

    def tell(note: str) -> None:
        before.append(note)
        say(escape(note), quiet=writing.quiet)

    work = asked_engine(engine, engine_address, workers, threaded=True)
    with work as does_it, Progress("concepts", hidden=writing.quiet) as progress:
        result = predict_zero_shot(
            writing.base,
            labels=labels or (),
            prompts=found,
            space=space,
            weights=weights,
            contrast=contrast,
            like=like,
            encode_first=encode_first,
            engine=does_it,
            run=run,
            encoder=encoder,
            source=source,
            views=views or FRONTAL,
            replace=replace,
            **writing.act,
            watcher=progress,
            say=tell,
        )
    _print(result, writing.output, quiet=writing.quiet, said=before)


@writes(quiet=True)
def probe_command(
    writing: Writing,
    labels: LabelsOption = None,
    space: Annotated[
        Literal["encoder", "llm", "backbone"],
        typer.Option(
            "--space", help="llm: projected through the vocabulary; backbone: needs `encode --layer backbone`."
        ),
    ] = "encoder",
    weights: WeightsOption = None,
    run: RunOption = None,
    encoder: EncoderOption = None,
    source: SourceOption = None,
    views: ViewsOption = None,
    replace: ReplaceOption = False,
) -> None:
    """Train a linear probe of each label on the training patients, and predict all images with it.

    The AUROC is of the test split, whatever the encoder: the probe has learned from the other images.
    """
    with Progress("labels", hidden=writing.quiet) as progress:
        progress.stage("probes", None)
        result = predict_probe(
            writing.base,
            labels=labels or (),
            space=space,
            weights=weights,
            run=run,
            encoder=encoder,
            source=source,
            views=views or FRONTAL,
            replace=replace,
            **writing.act,
        )
    _print(result, writing.output, quiet=writing.quiet)


@writes(at=True, quiet=True)
def bottleneck_command(
    writing: Writing,
    labels: LabelsOption = None,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="Concepts that a label is offered.")] = 12,
    concepts: Annotated[
        Path | None,
        typer.Option("--concepts", metavar="FILE", help="A curator's list: a concept's id or text a line."),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(
            "--review",
            metavar="FILE.csv",
            help="A curator's decisions, to be edited: read if it is there, and written anew with what was chosen.",
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option("--resamples", min=0, help="Of the training patients: how often concepts are chosen again.")
    ] = 20,
    sheet: Annotated[
        list[Path] | None,
        typer.Option("--sheet", metavar="FILE", help="The concepts on a page to read: .html or .csv; repeatable."),
    ] = None,
    overwrite: Overwrite = False,
    evidence: Annotated[
        bool, typer.Option("--evidence/--no-evidence", help="Show a report sentence of each concept on the sheet.")
    ] = True,
    interventions: Annotated[
        int | None,
        typer.Option(
            "--interventions",
            metavar="K",
            min=1,
            help="Of a trained run: how AUROC moves when a reader corrects up to K concepts.",
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="CONCEPT=VALUE", help="Show what a trained run becomes; repeatable, 0 is average."
        ),
    ] = None,
    images: Annotated[
        list[str] | None, typer.Option("--image", metavar="ID", help="With --set: these images; repeatable.")
    ] = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="NAME", help="With --set: keep it with the run under this name.")
    ] = None,
    saved: Annotated[
        str | None,
        typer.Option("--saved", metavar="NAME", help="Show what a kept intervention comes to; '?' lists them."),
    ] = None,
    run: RunOption = None,
    encoder: EncoderOption = None,
    source: SourceOption = None,
    views: ViewsOption = None,
    replace: ReplaceOption = False,
) -> None:
    """Train a concept bottleneck of each label; with --set, show how its predictions change."""
    opened = writing.base
    trained = run or "bottleneck-encoder"
    if interventions is not None:
        from encoder.prediction.correcting import evaluate_corrections

        told = evaluate_corrections(
            opened,
            find_checkpoint(opened, encoder or read_run(opened, trained).encoder),
            trained,
            most=interventions,
            labels=labels or (),
            source=source,
        )
        rows = [_looked(row) for row in told.rows] if writing.output is Format.table else told.rows
        _print_rows(rows, told.notes, writing.output)
        return
    if saved is not None:
        again = show_saved(writing, trained, saved, encoder=encoder)
        if again is not None:
            _print_rows(again.rows, again.notes, writing.output)
        return
    if values:
        checkpoint = find_checkpoint(opened, encoder or read_run(opened, trained).encoder)
        pairs = {name: _number(value) for name, value in parse_pairs(values, "--set").items()}
        shown = set_concepts(opened, checkpoint, trained, values=pairs, image_ids=images, labels=labels or ())
        _print_rows(shown.rows, shown.notes, writing.output)
        if save is not None:
            keep(writing, trained, save, shown.concepts, labels=labels or (), images=images or ())
        return
    if save is not None:
        raise UsageError("--save keeps what --set sets: name a concept and its value")
    if images:
        raise UsageError("--image goes with --set: a bottleneck is trained for all images")
    if writing.at:
        raise UsageError("--at goes with --set: a bottleneck is trained on the newest state")

    if concepts is not None and review is not None:
        raise UsageError("--concepts leaves data nothing to choose, and --review says what they may: name one")
    for path in sheet or ():
        check_sheet(path)
        check_target(path, overwrite=overwrite)
    listed = None if concepts is None else read_concept_list(opened, concepts)
    decided = Review() if review is None else read_review(opened, review)
    with Progress("concepts", hidden=writing.quiet) as progress:
        result = predict_bottleneck(
            opened,
            labels=labels or (),
            count=count,
            concept_ids=listed,
            review=decided,
            resamples=resamples,
            run=run,
            encoder=encoder,
            source=source,
            views=views or FRONTAL,
            replace=replace,
            **writing.act,
            watcher=progress,
        )
    if review is not None and not writing.dry_run:
        write_review(review, decided, result.bottlenecks)
        say(f"review: {escape(str(review))}", quiet=writing.quiet)
    for path in sheet or ():
        with written_whole(path) as partial:
            write_sheet(opened, result, partial, evidence=evidence)
        say(f"sheet: {escape(str(path))}", quiet=writing.quiet)
    _print(result, writing.output, quiet=writing.quiet)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--set ...={text}: a number was expected (0 is what the average image has)")
    return number


def _print(result: PredictResult, output: Format, *, quiet: bool, said: Collection[str] = ()) -> None:
    columns = list(dict.fromkeys(name for row in result.rows for name in row))
    if output is Format.json:
        print_json(result.to_dict())
        return
    if output is Format.csv:
        print_rows(result.rows, columns, output)
        _say_notes(result, said)
        return
    if quiet:
        return
    run = result.run
    weighed = f", weights {run.weighting}" if run.weighting else ""
    print_facts(
        [
            ("run", f"{escape(run.name)}: {run.method}, space {run.space}{weighed}, encoder {run.encoder}"),
            *(("as published", f"{name}: {value}") for name, value in SETTINGS.items() if run.parameters.get("like")),
            ("images", f"{result.images:,}"),
            ("commit", result.commit or "none: a dry run writes nothing"),
        ]
    )
    for split in dict.fromkeys(row["split"] for row in result.rows):
        rows = [_rounded(_short(row)) for row in result.rows if row["split"] == split]
        named = list(dict.fromkeys(name for row in rows for name in row))
        shown = [name for name in named if name != "split" and any(row.get(name) is not None for row in rows)]
        print_text(f"\n[bold]on {_JUDGED[split]}[/bold]")
        print_rows(rows, shown, output)
    for bottleneck in result.bottlenecks:
        concepts = ", ".join(map(_in_words, bottleneck.concepts[:6]))
        print_facts([(escape(bottleneck.label), escape(concepts) or "no concept has a weight")])
    _say_notes(result, said)


_JUDGED = {
    "test": "the test images",
    "all": "all images: the encoder was not trained here",
    "internal": "all images that are not external: the encoder was not trained here",
    "external": "the external images, which had no say in anything",
}


def _say_notes(result: PredictResult, said: Collection[str]) -> None:
    for note in (*result.notes, *(f"{label}: left out, {reason}" for label, reason in result.left_out.items())):
        if note not in said:
            say(escape(note))


def _short(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row as it fits a terminal: of a bottleneck the gap with its interval in one cell."""
    if "gap" not in row:
        return row
    left = ("probe_auroc", "gap", "gap_low", "gap_high", "concepts")
    named = {name: value for name, value in row.items() if name not in left}
    return {**named, "probe": row["probe_auroc"], "gap": _with_interval(row, "gap")}


def _with_interval(row: Mapping[str, Any], name: str) -> str | None:
    """A difference with its interval in one cell: "+.051 (+.021, +.078)"."""
    if row[name] is None:
        return None
    value, *ends = (f"{row[one]:+.3f}".replace("0.", ".", 1) for one in _known(row, name))
    return f"{value} ({', '.join(ends)})" if ends else value


def _known(row: Mapping[str, Any], name: str) -> Iterator[str]:
    yield from (name, *(end for end in (f"{name}_low", f"{name}_high") if row[end] is not None))


def _looked(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader's corrections come to as it fits a terminal."""
    named = {name: row[name] for name in ("label", "k", "corrected", "auroc")}
    return {**named, "change": _with_interval(row, "change"), "random": row["auroc_random"], "n": row["n"]}


def _in_words(concept: BottleneckConcept) -> str:
    again = "" if concept.selected is None else f" ({concept.selected:.0%})"
    return f"{concept.text} {concept.weight:+.2f}{again}"


def _rounded(row: Mapping[str, object]) -> dict[str, object]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def _print_rows(found: Sequence[Mapping[str, object]], notes: Sequence[str], output: Format) -> None:
    rows = [_rounded(row) for row in found]
    print_rows(rows, list(rows[0]), output)
    if output is Format.table:
        for note in notes:
            say(escape(note))
