"""`clear-kb encode`: the vectors of images."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.markup import escape

from encoder.commands.options import DeviceOption, EncoderOption
from encoder.cores import share_cores
from encoder.face import encode
from encoder.vectors.encoding import EncodeResult
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.commands.shared import Writing, writes


@writes(quiet=True)
def encode_command(
    writing: Writing,
    encoder: EncoderOption = None,
    layer: Annotated[
        Literal["projection", "backbone"],
        typer.Option("--layer", help="backbone: what lies before the projection, to compare with."),
    ] = "projection",
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"view = 'PA'\".")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 64,
    device: DeviceOption = None,
) -> None:
    """Encode the images that have no vector of this encoder yet; an interrupted run goes on where it stopped."""
    share_cores()
    with Progress("images", hidden=writing.quiet) as progress:
        result = encode(
            writing.base,
            encoder,
            layer=layer,
            where=where,
            batch_size=batch_size,
            device=device,
            **writing.act,
            watcher=progress,
        )
    print_result(
        {**result.to_dict(), "dry_run": writing.dry_run},
        _facts(result, dry_run=writing.dry_run),
        writing.output,
        quiet=writing.quiet,
    )


def _facts(result: EncodeResult, *, dry_run: bool) -> list[tuple[str, str]]:
    speed = f", {result.encoded / result.seconds:,.0f} a second" if result.encoded and not dry_run else ""
    commit = "none: a dry run writes nothing" if dry_run else result.commit or "none: there was nothing new"
    return [
        ("images", f"{result.images:,}"),
        ("encoded", f"{result.encoded:,}{speed}"),
        ("known", f"{result.known:,} from before"),
        ("encoder", escape(result.encoder)),
        ("commit", commit),
    ]
