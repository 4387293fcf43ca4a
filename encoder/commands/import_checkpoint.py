"""`clear-kb import-checkpoint`: the published CLEAR release as a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from encoder.model.checkpoint import Checkpoint
from kb.commands.options import Format, OutputFormat, Quiet
from kb.commands.output import print_result
from kb.commands.progress import Progress
from kb.images.preprocessing import Preprocessing


def import_checkpoint_command(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The published weights: best_model.pt.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the checkpoint goes.")],
    merges: Annotated[
        Path | None,
        typer.Option("--merges", metavar="PATH", help="CLIP's merges; default: those of an installed open_clip."),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=16, max=4096, help="Pixels of a side that it reads.")] = 448,
    fit: Annotated[
        Literal["pad", "crop", "stretch"],
        typer.Option("--fit", help="What becomes of an oblong picture; the published code pads it."),
    ] = "pad",
    resample: Annotated[
        Literal["bicubic", "bilinear", "lanczos"],
        typer.Option("--resample", help="The filter that scales its pictures; the published code's is lanczos."),
    ] = "lanczos",
    quiet: Quiet = False,
    output: OutputFormat = Format.table,
) -> None:
    """Import the published CLEAR encoder, DINOv2 and CLIP's text transformer; no code in the file is run."""
    from encoder.release.importing import import_release

    with Progress("tensors", hidden=quiet) as progress:
        progress.stage("importing", None)
        checkpoint = import_release(source, out, merges, preprocessing=Preprocessing(size, fit, resample))
    found = _told(checkpoint)
    print_result(found, _facts(found), output, quiet=quiet)


def _told(checkpoint: Checkpoint) -> dict[str, Any]:
    """What was imported, as plain data."""
    facts = checkpoint.facts
    image, text = facts.architecture["image"], facts.architecture["text"]
    return {
        "folder": str(checkpoint.folder),
        "encoder": checkpoint.encoder_id,
        "dimension": image["dimension"],
        "image_layers": image["backbone"]["num_hidden_layers"],
        "image_width": image["backbone"]["hidden_size"],
        "text_layers": text["transformer"]["num_hidden_layers"],
        "text_width": text["transformer"]["hidden_size"],
        "tokens": text["transformer"]["vocab_size"],
        "context": text["context"],
        **asdict(checkpoint.preprocessing),
        "scale": checkpoint.encoder.log_scale.exp().item(),
        "source": facts.training["source"],
        "sha256": facts.training["sha256"],
    }


def _facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("checkpoint", escape(told["folder"])),
        ("encoder", f"{told['encoder']}, vectors of {told['dimension']:,} numbers, scale {told['scale']:.2f}"),
        ("images", f"DINOv2, {told['image_layers']} layers of {told['image_width']:,}"),
        ("texts", f"CLIP, {told['text_layers']} layers of {told['text_width']:,}, at most {told['context']} tokens"),
        ("pixels", f"{told['size']} x {told['size']}, {told['fit']}, {told['resample']}"),
        ("source", f"{escape(told['source'])}, SHA-256 {told['sha256'][:12]}"),
    ]
