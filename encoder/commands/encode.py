"""`clear-kb encode`: the vectors of images, by an encoder or by a pretrained backbone as it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from encoder.commands.backbone_options import (
    ArchitectureOption,
    BackboneOption,
    DeviationOption,
    FitOption,
    MeanOption,
    OutOption,
    PoolingOption,
    ResampleOption,
    RevisionOption,
    SizeOption,
)
from encoder.commands.options import DeviceOption, EncoderOption
from encoder.face import encode, encode_backbone
from encoder.vectors.encoding import EncodeResult
from encoder.vectors.frozen import FrozenEncoding
from kb.commands.engine import EngineAddressOption, EngineOption, WorkersOption, asked_engine
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes
from kb.cores import share_cores
from kb.errors import UsageError


@writes(quiet=True)
def encode_command(
    writing: Writing,
    encoder: EncoderOption = None,
    layer: Annotated[
        Literal["projection", "backbone"],
        typer.Option("--layer", help="backbone: what lies before the projection, to compare with."),
    ] = "projection",
    backbone: BackboneOption = None,
    revision: RevisionOption = None,
    architecture: ArchitectureOption = None,
    pooling: PoolingOption = None,
    size: SizeOption = None,
    fit: FitOption = None,
    resample: ResampleOption = None,
    mean: MeanOption = None,
    deviation: DeviationOption = None,
    out: OutOption = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"view = 'PA'\".")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    device: DeviceOption = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option("--precision", help="auto: that of the encoder's vectors here, else float32 on any device."),
    ] = "auto",
    again: Annotated[
        bool, typer.Option("--again", help="Encode all images, in place of all vectors of this encoder.")
    ] = False,
    engine: EngineOption = "local",
    engine_address: EngineAddressOption = None,
    workers: WorkersOption = None,
) -> None:
    """Encode the images that have no vector of this encoder yet; an interrupted run goes on where it stopped.

    All vectors of an encoder are of one precision. bfloat16 is faster on a GPU, and rounds to 2 to 3 digits.
    """
    share_cores()
    of_backbone = {
        "revision": revision,
        "architecture": architecture,
        "pooling": pooling,
        "size": size,
        "fit": fit,
        "resample": resample,
        "mean": _levels("--mean", mean),
        "deviation": _levels("--deviation", deviation),
        "out": out,
    }
    told: dict[str, Any] = {name: value for name, value in of_backbone.items() if value is not None}
    how = {"where": where, "batch_size": batch_size, "device": device, "precision": precision, "again": again}
    shared: dict[str, Any] = {**how, **writing.act}
    if backbone is None and told:
        raise UsageError(f"--{next(iter(told))} is of a frozen backbone: name one with --backbone")
    if backbone is not None and (encoder is not None or layer != "projection"):
        raise UsageError("--backbone names an encoder of its own: leave --encoder and --layer out")
    work = asked_engine(engine, engine_address, workers, threaded=True)
    with work as does_it, Progress("images", hidden=writing.quiet) as progress:
        if backbone is not None:
            found = encode_backbone(writing.base, backbone, **told, **shared, engine=does_it, watcher=progress)
            result, more = found.encoding, _frozen_facts(found)
            record = found.to_dict()
        else:
            result = encode(writing.base, encoder, layer=layer, **shared, engine=does_it, watcher=progress)
            record, more = result.to_dict(), []
    print_result(
        {**record, "dry_run": writing.dry_run},
        [*more, *_facts(result, dry_run=writing.dry_run)],
        writing.output,
        quiet=writing.quiet,
    )


def _levels(option: str, text: str | None) -> float | list[float] | None:
    if text is None:
        return None
    try:
        levels = [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(
            f"{option} {text}: a grey level was expected, or one for each channel: 123.7,116.3,103.5"
        ) from None
    return levels if len(levels) > 1 else levels[0]


def _frozen_facts(found: FrozenEncoding) -> list[tuple[str, str]]:
    told = found.to_dict()
    revision = f", revision {told['revision']}" if told["revision"] else ""
    asked = told["resample_asked_for"]
    used = found.checkpoint.preprocessing.resample
    scaled = f"; it was trained on {asked} ones" if asked not in (None, used) else ""
    return [
        ("backbone", escape(f"{told['backbone']} ({told['network']}{revision})")),
        ("vector", f"{told['pooling']}, {told['dimension']:,} numbers"),
        ("pictures", f"{told['size']} x {told['size']}, {told['fit']}, {used}{scaled}"),
        ("grey levels", f"mean {_shown(told['mean'])}, deviation {_shown(told['deviation'])}"),
        *([("kept in", escape(told["checkpoint"]))] if found.encoding.commit else []),
    ]


def _shown(levels: float | list[float]) -> str:
    listed = levels if isinstance(levels, list | tuple) else [levels]
    return " ".join(f"{one:.2f}" for one in listed)


def _facts(result: EncodeResult, *, dry_run: bool) -> list[tuple[str, str]]:
    speed = f", {result.encoded / result.seconds:,.0f} a second" if result.encoded and not dry_run else ""
    commit = "none: a dry run writes nothing" if dry_run else result.commit or "none: there was nothing new"
    return [
        ("images", f"{result.images:,}"),
        ("encoded", f"{result.encoded:,}{speed}"),
        ("known", f"{result.known:,} from before"),
        ("encoder", escape(result.encoder)),
        ("numbers", result.computed.told),
        ("commit", commit),
    ]
