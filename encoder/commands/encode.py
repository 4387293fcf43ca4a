"""`clear-kb encode`: the vectors of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from encoder.commands.options import DeviceOption, EncoderOption
from kb.commands.options import (
    DEFAULT_KB,
    By,
    DryRun,
    Format,
    KbUri,
    OutputFormat,
    Quiet,
    StorageOptions,
    Why,
    open_kb,
)
from kb.commands.output import print_result
from kb.commands.progress import Progress

if TYPE_CHECKING:
    from encoder.vectors.encoding import EncodeResult


def encode_command(
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
    kb: KbUri = DEFAULT_KB,
    by: By = None,
    why: Why = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Encode the images that have no vector of this encoder yet; an interrupted run goes on where it stopped."""
    from encoder.vectors.encoding import encode
    from encoder.vectors.image_vectors import find_checkpoint

    opened = open_kb(kb, None, storage_option)
    checkpoint = find_checkpoint(opened, encoder)
    with Progress("images", hidden=quiet) as progress:
        result = encode(
            opened,
            checkpoint,
            layer=layer,
            where=where,
            batch_size=batch_size,
            device=device,
            by=by,
            why=why,
            dry_run=dry_run,
            watcher=progress,
        )
    print_result({**result.to_dict(), "dry_run": dry_run}, _facts(result, dry_run=dry_run), output, quiet=quiet)


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
