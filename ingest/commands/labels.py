"""`clear-kb ingest labels` and `clear-kb ingest predictions`: what is true of images, and what models say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from ingest.commands.counts import spelt
from ingest.labels.choices import Blank, Choices, Consensus, Uncertain
from ingest.labels.label_tables import read_label_table
from ingest.labels.labels import LabelResult, ingest_labels
from ingest.labels.predictions import PredictionResult, ingest_predictions
from kb.commands.options import (
    Format,
    HashIds,
    id_key,
    parse_pairs,
)
from kb.commands.output import print_result
from kb.commands.shared import Writing, writes
from kb.images.patient_split import Split
from schemas.terms import BOXES

LabelsOption = Annotated[
    str | None, typer.Option("--labels", metavar="A,B", help="These labels, or a named list (chexpert5); default: all.")
]
RenameOption = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="Store a label under another name; repeatable."),
]
LabelTableOption = Annotated[
    Path | None,
    typer.Option("--label-table", metavar="FILE", help="Label names and their findings, beside the bundled ones."),
]
AllowUnjoined = Annotated[
    bool, typer.Option("--allow-unjoined", help="Store them even if none of their images or studies is here.")
]
EncodingOption = Annotated[str, typer.Option("--encoding", help="The encoding of text files.")]


@writes(quiet=True)
def labels_command(
    writing: Writing,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON or Parquet; .gz too.")],
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="WHAT=COLUMN", help="image, study, patient, label, value or labels (a list); repeatable."
        ),
    ] = None,
    labels: LabelsOption = None,
    split_on: Annotated[str, typer.Option("--split-on", help="What stands between listed labels.")] = "|",
    rename: RenameOption = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="NAME", help="What boxes, masks or the only label stand for.")
    ] = None,
    readers: Annotated[
        str | None, typer.Option("--readers", metavar="COLUMN", help="It names who read; default: by its usual names.")
    ] = None,
    consensus: Annotated[
        Consensus | None, typer.Option("--consensus", help="What several readings of an image come to.")
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option("--reader", metavar="NAME", help="The file is what this reader says: readings, no labels."),
    ] = None,
    blank: Annotated[
        Blank, typer.Option("--blank", help="What a blank cell is; CheXpert's authors and CLEAR: negative.")
    ] = "unknown",
    uncertain: Annotated[
        Uncertain, typer.Option("--uncertain", help="What -1 is: U-Ones is positive, U-Zeros negative.")
    ] = "unknown",
    label_table: LabelTableOption = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Store them as this; default: the file's name.")
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="All of them lie in this split; external: another place, only ever judged."),
    ] = None,
    allow_unjoined: AllowUnjoined = False,
    hash_ids: HashIds = None,
    encoding: EncodingOption = "utf-8",
) -> None:
    """Ingest labels: a column a label, a row a label, or lists of them; readers, boxes and masks too."""

    # Read before anything is made: a mistyped name leaves no knowledge base behind.
    choices = Choices(
        mapping=parse_pairs(mapping, "--map"),
        labels=_names(labels),
        split_on=split_on,
        rename=parse_pairs(rename, "--rename"),
        encoding=encoding,
        readers=readers,
        reader=reader,
        consensus=consensus,
        blank=blank,
        uncertain=uncertain,
        label=label,
        label_table=label_table,
        key=id_key(hash_ids),
    )
    table = read_label_table(file, "value", choices)
    opened = writing.base_or_new
    result = ingest_labels(opened, table, source=source, split=split, **writing.act, allow_unjoined=allow_unjoined)
    _print(
        result, _label_facts(result), writing.uri, dry_run=writing.dry_run, quiet=writing.quiet, output=writing.output
    )
    if result.rejected and not result.values and not result.readings:
        raise typer.Exit(1)


@writes(quiet=True)
def predictions_command(
    writing: Writing,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON or Parquet; .gz too.")],
    run: Annotated[str, typer.Option("--run", metavar="NAME", help="The name these predictions go by.")],
    method: Annotated[str, typer.Option("--method", help="How they were made.")] = "imported",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="WHAT=COLUMN", help="image, study, patient, label or score; repeatable."),
    ] = None,
    labels: LabelsOption = None,
    rename: RenameOption = None,
    label_table: LabelTableOption = None,
    scores: Annotated[
        Literal["probabilities", "logits"] | None,
        typer.Option("--scores", help="What the numbers are; default: logits where any is below 0."),
    ] = None,
    operating_point: Annotated[
        list[str] | None,
        typer.Option(
            "--operating-point",
            metavar="NUMBER|LABEL=NUMBER|FILE",
            help="The threshold that the model is used with; repeatable.",
        ),
    ] = None,
    allow_unjoined: AllowUnjoined = False,
    hash_ids: HashIds = None,
    encoding: EncodingOption = "utf-8",
) -> None:
    """Ingest predictions of any model: a column a label, or rows of label and score, kept as one run."""
    choices = Choices(
        mapping=parse_pairs(mapping, "--map"),
        labels=_names(labels),
        rename=parse_pairs(rename, "--rename"),
        encoding=encoding,
        label_table=label_table,
        key=id_key(hash_ids),
    )
    table = read_label_table(file, "score", choices)
    opened = writing.base_or_new
    result = ingest_predictions(
        opened,
        table,
        run,
        method=method,
        scores_are=scores,
        operating_points=operating_point or (),
        **writing.act,
        allow_unjoined=allow_unjoined,
    )
    _print(
        result,
        _prediction_facts(result),
        writing.uri,
        dry_run=writing.dry_run,
        quiet=writing.quiet,
        output=writing.output,
    )
    if result.rejected and not result.scores:
        raise typer.Exit(1)


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())


def _print(
    result: LabelResult | PredictionResult,
    facts: list[tuple[str, str]],
    kb: str,
    dry_run: bool,
    quiet: bool,
    output: Format,
) -> None:
    where = f": clear-kb status --rejects --kb {kb}" if result.rejected and not dry_run else ""
    commit = result.commit.commit_id if result.commit else "none: there was nothing new"
    entries = [
        *facts,
        ("of", f"{result.units:,} images and studies; {_here(result)}"),
        ("other spellings", spelt(result.resolved)),
        ("kept as attributes", _attributes(result)),
        ("contradictions", _contradictions(result)),
        ("columns not used", ", ".join(result.columns_not_used)),
        ("not asked for", f"{result.not_asked:,} rows of other labels" if result.not_asked else ""),
        ("rejected", f"{result.rejected:,}{where}"),
        ("stored", result.stored),
        ("commit", "none: a dry run writes nothing" if dry_run else commit),
    ]
    shown = [(name, escape(value)) for name, value in entries if value]
    print_result({**result.to_dict(), "dry_run": dry_run}, shown, output, quiet=quiet)


def _attributes(result: LabelResult | PredictionResult) -> str:
    """The columns that are kept, and of how many labels there are boxes."""
    boxes = sum(name.startswith(BOXES) for name in result.attributes)
    named = [name for name in result.attributes if not name.startswith(BOXES)]
    return ", ".join([*named, *([f"boxes of {boxes} label{'s' if boxes > 1 else ''}"] if boxes else [])])


def _here(result: LabelResult | PredictionResult) -> str:
    if not result.images:
        return "no image is stored yet: whether they join is seen when images come"
    if not result.units_here:
        return "known by tables alone, which is enough: no picture is stored of any"
    return f"pictures of {result.units_here:,} are stored"


def _contradictions(result: LabelResult | PredictionResult) -> str:
    text = ", ".join(f"{column} ({cells:,})" for column, cells in result.contradictions.items())
    return f"{text}: cells that say other than an earlier row of the same image or study, which is kept" if text else ""


def _label_facts(result: LabelResult) -> list[tuple[str, str]]:
    return [
        ("read", f"{result.read:,} rows of {result.source} ({_LAYOUTS[result.layout]})"),
        ("labels", ", ".join(result.labels)),
        ("values", f"{result.positive:,} positive, {result.negative:,} negative, {result.unknown:,} unknown"),
        ("blank cells", f"{result.blanks:,}, taken for {result.blank} (--blank)" if result.blanks else ""),
        ("-1", f"{result.doubts:,}, taken for {result.uncertain} (--uncertain)" if result.doubts else ""),
        ("readers", _readers(result)),
        ("one finding", f"{', '.join(result.alike)}: judged together, 1 where any is" if result.alike else ""),
        ("odd ages", f"{result.odd_ages:,}, kept as given" if result.odd_ages else ""),
        *_name_facts(result),
    ]


def _readers(result: LabelResult) -> str:
    if not result.readings:
        return ""
    kept = f"{len(result.readers):,}: {result.readings:,} readings are kept"
    if result.consensus is None:
        return f"{kept}{'; no label is made of them' if result.of_one_reader else ''}"
    ties = f"; as many say 1 as 0 in {result.ties:,} places, which are unknown" if result.ties else ""
    return f"{kept}; the labels are {_RULES[result.consensus]}{ties}"


def _name_facts(result: LabelResult | PredictionResult) -> list[tuple[str, str]]:
    """What is to be said of the names of labels."""
    unmapped = ", ".join(result.unmapped)
    return [
        ("not in the list", f"{', '.join(result.missing)}: the file has none of these" if result.missing else ""),
        (
            "unknown names",
            f"{unmapped}: no finding is known by these; --label-table FILE says what they are" if unmapped else "",
        ),
    ]


_RULES = {
    "majority": "what more than half of them say",
    "any": "1 where any of them says so",
    "all": "1 where all of them say so",
    "first": "what the first of them in the file says",
}


def _prediction_facts(result: PredictionResult) -> list[tuple[str, str]]:
    kept = "logits: their sigmoid is the score, and they are kept" if result.scores_are == "logits" else "probabilities"
    divided = ", ".join(f"{label} (by {by:g})" for label, by in result.divided.items())
    return [
        ("read", f"{result.read:,} rows of {result.source} ({_LAYOUTS[result.layout]})"),
        ("run", result.run),
        ("labels", ", ".join(result.labels)),
        ("scores", f"{result.scores:,} {kept}"),
        (
            "above 1",
            f"{divided} were divided by their highest: the order is as it was, but they are no calibrated probabilities"
            if divided
            else "",
        ),
        ("operating points", ", ".join(f"{label} {cut:.4g}" for label, cut in result.operating_points.items())),
        (
            "not predicted",
            f"{', '.join(result.points_passed_over)}: their operating points are passed over"
            if result.points_passed_over
            else "",
        ),
        *_name_facts(result),
    ]


_LAYOUTS = {
    "wide": "a column a label",
    "long": "a row a label",
    "list": "listed labels: what the file lists anywhere and an image's rows do not is negative",
    "marks": "boxes or masks of one label",
}
