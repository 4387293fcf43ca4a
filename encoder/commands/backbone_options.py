"""The options of a frozen backbone: which it is, and how its pictures are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

BackboneOption = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        metavar="NAME|FOLDER|FILE",
        help="A pretrained backbone as it is, an encoder of its own: microsoft/rad-dino, a folder, timm:NAME, "
        "torchvision:NAME, a file of weights.",
    ),
]
RevisionOption = Annotated[str | None, typer.Option("--revision", metavar="COMMIT", help="Of a backbone on a hub.")]
ArchitectureOption = Annotated[
    str | None,
    typer.Option("--architecture", metavar="timm:NAME|torchvision:NAME", help="What a file of weights is of."),
]
PoolingOption = Annotated[
    Literal["auto", "class", "mean", "attention", "pooler"] | None,
    typer.Option("--pooling", help="What of a backbone becomes the vector; default auto: as it was trained."),
]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", metavar="PIXELS", help="Of a side, for a backbone; default: what it was made for."),
]
FitOption = Annotated[
    Literal["pad", "crop", "stretch"] | None,
    typer.Option("--fit", help="What became of oblong pictures, as ingested, for a backbone; default: pad."),
]
ResampleOption = Annotated[
    Literal["bicubic", "bilinear", "lanczos"] | None,
    typer.Option("--resample", help="The filter of the pictures, as ingested; default: the backbone's own."),
]
MeanOption = Annotated[
    str | None,
    typer.Option("--mean", metavar="GREY[,GREY,GREY]", help="Grey level, 0 to 255; default: the backbone's own."),
]
DeviationOption = Annotated[
    str | None,
    typer.Option("--deviation", metavar="GREY[,GREY,GREY]", help="Grey levels that become 1; likewise."),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FOLDER", help="Where the backbone is kept; default: the user's cache."),
]
