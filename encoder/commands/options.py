"""The options that the encoder's commands share, each defined once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kb.images.patient_split import Part

EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="FOLDER|ID",
        help="The checkpoint, a frozen backbone's name, or that of ingested vectors; not needed where there is one.",
    ),
]
RunOption = Annotated[
    str | None, typer.Option("--run", metavar="NAME", help="What the run is called; default: METHOD-SPACE.")
]
LabelsOption = Annotated[
    list[str] | None, typer.Option("--label", help="Only this label; repeatable. Default: all that are known.")
]
SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="The source of labels, where several contradict.")
]
SplitOption = Annotated[
    Part | None,
    typer.Option(
        "--split",
        help="Default: what nothing learned from. That is test for probes, bottlenecks and encoders trained here; all "
        "for tables and encoders from elsewhere (imported, frozen, ingested vectors). External rows stand apart.",
    ),
]
ViewsOption = Annotated[
    str | None,
    typer.Option("--views", metavar="PA,AP|lateral|all", help="Default: frontal, that is PA, AP and unknown views."),
]
WeightsOption = Annotated[
    Literal["each", "finding"] | None,
    typer.Option(
        "--weights",
        help="In the llm space each concept counts once, or each finding. Default: finding for encoders trained "
        "against concepts, else each.",
    ),
]
AdjustOption = Annotated[
    Literal["holm", "bh"] | None,
    typer.Option("--adjust", help="Adjust the p values shown for their number: Holm, or Benjamini-Hochberg."),
]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Replace the run of that name.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1; default: the best there is.")]

ReadersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--readers", metavar="stored|SOURCE|FILE", help="Readings that are kept, or a file of them; repeatable."
    ),
]
