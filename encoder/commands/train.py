"""`clear-kb train`: an image encoder against the vocabulary."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from encoder.commands.options import ViewsOption
from encoder.training.config import read_config
from encoder.training.log import EpochResult
from kb.commands.options import Format, parse_pairs
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.progress import Progress
from kb.commands.shared import Reading, reads
from kb.cores import share_cores
from kb.errors import UsageError
from kb.images.view_choice import told_left_out
from kb.reading.yaml_text import read_yaml

if TYPE_CHECKING:
    from encoder.training.beginning import Beginning
    from encoder.training.train_result import TrainResult

EPOCH_COLUMNS = (
    "epoch",
    "step",
    "loss",
    "validation_loss",
    "validation_auroc",
    "learning_rate",
    "images_per_second",
    "gradient_norm",
    "clipped",
    "scale",
    "bias",
    "best",
)


@reads(quiet=True)
def train_command(
    reading: Reading,
    config: Annotated[
        str, typer.Option("--config", metavar="FILE|NAME", help="A YAML file, or cpu-demo, one-gpu, many-gpus.")
    ] = "one-gpu",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of the checkpoint.")] = Path("encoder"),
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="FOLDER", help="A checkpoint to start with: its architecture and its weights."),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(
            "--freeze",
            metavar="PART",
            help="Leave it as it is: image, backbone, projection, text, scale, '6 layers'; repeatable.",
        ),
    ] = None,
    objective: Annotated[str | None, typer.Option(metavar="concepts|report", help="Overrides the file.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most; overrides the file.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images of a step; overrides the file.")] = None,
    views: ViewsOption = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"sex = 'F' AND age > 60\".")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another training.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any value of the file (augment.rotate=3); repeatable."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted training in --out.")] = False,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="tensorboard|wandb|mlflow", help="Who hears of every step too; repeatable."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; default: the best there is.")] = None,
) -> None:
    """Train an image encoder on the images that have reports, against the vocabulary's concepts."""
    share_cores()
    from encoder.training.trainer import train

    fields = {
        "start": start,
        "freeze": freeze,
        "objective": objective,
        "epochs": epochs,
        "batch_size": batch_size,
        "views": views,
        "where": where,
        "seed": seed,
    }
    given = {
        **_nested(parse_pairs(values, "--set")),
        **{name: value for name, value in fields.items() if value is not None},
    }
    chosen = read_config(config, given.get("start")).with_values(given)
    leads = os.environ.get("RANK", "0") == "0"
    with Progress("images", hidden=reading.quiet or not leads) as progress:
        result = train(
            reading.base,
            chosen,
            out,
            resume=resume,
            device=device,
            track=track or (),
            watcher=progress,
            on_begin=lambda beginning: say(escape(_begun(beginning)), quiet=reading.quiet),
            on_epoch=lambda epoch: say(_told(epoch, chosen.epochs), quiet=reading.quiet),
        )
    if result is not None:
        _print(result, reading.output, quiet=reading.quiet)


def _nested(pairs: dict[str, str]) -> dict[str, Any]:
    """`augment.rotate=3` as a mapping in a mapping; values are read as YAML."""
    fields: dict[str, Any] = {}
    for name, text in pairs.items():
        first, dot, rest = name.partition(".")
        value = read_yaml(text, f"the value of {name}")
        if dot:
            part = fields.setdefault(first, {})
            if not isinstance(part, dict):
                raise UsageError(f"{first} is told as a whole and in parts ({name}): say one of them")
            part[rest] = value
        else:
            fields[name] = value
    return fields


def _begun(beginning: Beginning) -> str:
    """Where the weights come from, how many are trained, and how a checkpoint does before the first step."""
    told = beginning.origin.told().replace("; ", "\n")
    if beginning.trained < beginning.numbers:
        told += f"\ntrained: {beginning.trained:,} of {beginning.numbers:,} numbers; the others stay as they are"
    measured = beginning.measured
    if measured is not None:
        auroc = "" if measured.auroc is None else f", AUROC {measured.auroc:.3f}"
        told += f"\nbefore the first step: validation loss {measured.loss:.4f}{auroc}"
    return told


def _told(epoch: EpochResult, epochs: int) -> str:
    auroc = "" if epoch.validation_auroc is None else f"  validation AUROC {epoch.validation_auroc:.3f}"
    best = "  [green]best[/]" if epoch.best else ""
    return (
        f"epoch {epoch.epoch:>3}/{epochs}  loss {epoch.loss:.3f}  validation loss {epoch.validation_loss:.3f}"
        f"{auroc}  {epoch.images_per_second:,.0f} images/s{best}"
    )


def _print(result: TrainResult, output: Format, *, quiet: bool) -> None:
    if output is Format.json:
        print_json(result.to_dict())
    elif output is Format.csv:
        print_rows([epoch.to_dict() for epoch in result.epochs], EPOCH_COLUMNS, output)
    elif not quiet:
        print_facts(_facts(result))


def _facts(result: TrainResult) -> list[tuple[str, str]]:
    best, folder = result.best, result.checkpoint.folder
    auroc = "too few images to tell" if best.auroc is None else f"{best.auroc:.3f} (mean of {best.concepts} concepts)"
    early = ": none was better since" if result.stopped_early else ""
    images = ", ".join(f"{count:,} {split}" for split, count in result.images.items())
    return [
        ("images", images),
        *([("left out", told_left_out(result.left_out))] if result.left_out else []),
        ("best epoch", f"{result.best_epoch}{early}"),
        ("validation", f"loss {best.loss:.4f}, AUROC {auroc}"),
        *_gradients(result.epochs),
        ("encoder", result.checkpoint.encoder_id),
        ("training", f"{result.training} in the table training_metrics"),
        ("checkpoint", escape(f"{folder}, with curve.png and steps.csv")),
    ]


def _gradients(epochs: list[EpochResult]) -> list[tuple[str, str]]:
    known = [epoch.steps for epoch in epochs if epoch.steps is not None]
    if not known:
        return []
    norm = sum(steps.gradient_norm for steps in known) / len(known)
    clipped = sum(steps.clipped for steps in known) / len(known)
    last = known[-1]
    told = f"norm {norm:.3g} in the mean, {clipped:.0%} of steps clipped; scale {last.scale:.1f}, bias {last.bias:.1f}"
    return [("gradients", told)]
