"""`clear-kb validate`: models by sites and labels, as a paper reports them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from encoder.commands.options import AdjustOption, ReadersOption, SplitOption, ViewsOption
from encoder.face import validate
from encoder.figures import ENDINGS, check_figure
from encoder.validation.forest import draw_forest
from encoder.validation.result import Validation
from encoder.validation.tables import csv_text, flat_rows, json_text, latex, markdown
from kb.commands.options import Format, parse_pairs
from kb.commands.output import print_facts, print_json, print_rows, say
from kb.commands.shared import Reading, reads
from kb.commands.target import Overwrite, check_target
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.whole_file import written_whole

WRITERS: dict[str, Callable[[Validation], str]] = {
    ".md": markdown,
    ".tex": latex,
    ".csv": csv_text,
    ".json": json_text,
}


@reads
def validate_command(
    reading: Reading,
    run: Annotated[
        list[str] | None, typer.Option("--run", metavar="NAME", help="A model of one run; repeatable; default: all.")
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option("--seeds", metavar="NAME=RUN,RUN", help="A model of several runs, as one row; repeatable."),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option("--site", metavar="NAME", help="Only this site; repeatable; default: all.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="COLUMN", help="What a site is: site, source, view, sex or an attribute.")
    ] = "site",
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="NAME", help="The model that all others are tested against.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="L", help="This label; repeatable; default: all.")
    ] = None,
    labels: Annotated[str | None, typer.Option("--labels", metavar="A,B", help="These labels, in one word.")] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only these images: \"sex = 'F' AND age > 60\".")
    ] = None,
    split: SplitOption = None,
    views: ViewsOption = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="The labels to go by, where several disagree.")
    ] = None,
    readers: ReadersOption = None,
    min_positives: Annotated[
        int, typer.Option("--min-positives", min=1, help="Labels with fewer positives or negatives are left out.")
    ] = 10,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, help="Resamples of the patients; 0: only what needs none.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    adjust: AdjustOption = "holm",
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE.md", help="Write the table as Markdown.")
    ] = None,
    latex_file: Annotated[
        Path | None, typer.Option("--latex", metavar="FILE.tex", help="Write the table as LaTeX (booktabs).")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE", help="Draw a forest figure: .png, .pdf or .svg.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", metavar="FILE", help="As its ending says: .csv .json .md .tex .png .pdf .svg."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Validate models at each site by itself: AUROC by label and as mean, with intervals and paired tests.

    What was trained here is judged on the test patients of a site, what came from elsewhere on all; external sites are
    judged whole, and never in one number with others.
    """
    files = {path: ending for path, ending in ((markdown_file, ".md"), (latex_file, ".tex")) if path is not None}
    files |= {path: path.suffix.lower() for path in (*(out or ()), *([figure] if figure else []))}
    _check(files)
    for path in files:
        check_target(path, overwrite=overwrite)
    named = [name.strip() for name in (labels or "").split(",") if name.strip()]
    found = validate(
        reading.base,
        tuple(run or ()),
        seeds={name: _runs(name, text) for name, text in parse_pairs(seeds, "--seeds").items()},
        sites=tuple(site or ()),
        by=by,
        baseline=baseline,
        labels=(*(label or ()), *named),
        split=split,
        where=where,
        views=views or FRONTAL,
        source=source,
        readers=readers or None,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
        adjust=adjust,
    )
    _print(found, reading.output)
    for path, ending in files.items():
        left: tuple[str, ...] = ()
        if found.rows:
            with written_whole(path) as partial:
                left = _write(found, partial, ending)
        missing = f" (no room for {', '.join(left)}: name fewer with --label)" if left else ""
        say(f"wrote {path}{missing}" if found.rows else f"{path} was not written: nothing could be scored")
    if not found.rows:
        raise typer.Exit(1)


def _runs(name: str, text: str) -> list[str]:
    runs = [run.strip() for run in text.split(",") if run.strip()]
    if len(runs) < 2:
        raise UsageError(f"--seeds {name}={text}: two runs or more were expected, with a comma between them")
    return runs


def _check(files: dict[Path, str]) -> None:
    """Refuse files that nothing can be written to, before the work begins."""
    for path, ending in files.items():
        if ending in ENDINGS:
            check_figure(path, "-o")
        elif ending not in WRITERS:
            raise UsageError(f"-o {path}: a file ends in {', '.join((*WRITERS, *ENDINGS))}")
        elif not path.absolute().parent.is_dir():
            raise UsageError(f"-o {path}: there is no folder {path.absolute().parent}")


def _write(found: Validation, path: Path, ending: str) -> tuple[str, ...]:
    if ending in ENDINGS:
        return draw_forest(found, path)
    path.write_text(WRITERS[ending](found), encoding="utf-8")
    return ()


def _print(found: Validation, output: Format) -> None:
    if output is Format.json:
        print_json(found.to_dict())
    elif output is Format.csv:
        rows = flat_rows(found)
        print_rows(rows, list(dict.fromkeys(name for row in rows for name in row)), output)
        for note in found.notes:
            say(note)
    else:
        for at, (title, table) in enumerate(found.tables()):
            print_rows(table, list(table[0]), output, title=("\n" if at else "") + escape(title))
        print_facts([("note", escape(note)) for note in found.notes])
