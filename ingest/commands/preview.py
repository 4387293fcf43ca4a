"""`clear-kb ingest preview`: some reports with their observations highlighted in place."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from ingest.commands.extractor_options import (
    Concurrency,
    Dialect,
    Endpoint,
    ExtractorName,
    KeepIdentifiers,
    MaxTokens,
    Model,
    PromptFile,
    Timeout,
    extractor_options,
)
from ingest.commands.reports import section_names
from ingest.commands.scope_options import Scope, SourceFormat, Where, left_out_facts
from ingest.mention import Mention
from ingest.report import LeftOut, Reject, Section
from ingest.reports.options import IngestOptions
from ingest.reports.preview import PreviewedReport, preview
from ingest.reports.rows import DEFAULT_SECTIONS
from ingest.scope.left_out import Tally
from kb.commands.console import SafeConsole
from kb.commands.options import Format, OutputFormat, parse_pairs
from kb.commands.output import print_json, print_rows, say

STYLES = {"present": "bold green", "absent": "red", "uncertain": "bold yellow"}
SIGNS = {"present": "+", "absent": "-", "uncertain": "?"}
"""What an observation is marked with beside its colour: pipes and some eyes know no colour."""

COLUMNS = ("text", "finding", "assertion", "certainty", "temporality", "laterality", "severity")


def preview_command(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SRC...", help="Files or folders of reports.")],
    count: Annotated[int, typer.Option("--n", "-n", min=1, help="How many reports.")] = 5,
    report: Annotated[list[str] | None, typer.Option("--report", metavar="ID", help="This report; repeatable.")] = None,
    source_format: SourceFormat = None,
    column_map: Annotated[
        list[str] | None, typer.Option("--map", metavar="WHAT=COLUMN", help="id, text or a section; repeatable.")
    ] = None,
    sections: Annotated[str, typer.Option("--sections", help="The sections to mine.")] = ",".join(DEFAULT_SECTIONS),
    encoding: Annotated[str, typer.Option(help="The encoding of text files.")] = "utf-8",
    scope: Scope = "chest",
    where: Where = None,
    extractor: ExtractorName = "rules",
    model: Model = None,
    llm_endpoint: Endpoint = None,
    llm_dialect: Dialect = "auto",
    llm_concurrency: Concurrency = 8,
    llm_timeout: Timeout = 120.0,
    llm_max_tokens: MaxTokens = 4_096,
    llm_prompt: PromptFile = None,
    keep_identifiers: KeepIdentifiers = False,
    listed: Annotated[bool, typer.Option("--list", help="List the observations below each report.")] = False,
    explained: Annotated[
        bool,
        typer.Option("--why", help="Of each sentence, print its clauses, its cues and the table rows behind them."),
    ] = False,
    output: OutputFormat = Format.table,
) -> None:
    """Print reports with what is found in them, in place: + is present, - absent, ? uncertain. Nothing is stored."""
    options = IngestOptions(
        source_format=source_format,
        mapping=parse_pairs(column_map, "--map"),
        encoding=encoding,
        sections=section_names(sections),
        scope=scope,
        where=where,
        extractor=extractor_options(
            context,
            extractor,
            model,
            llm_endpoint,
            keep_identifiers=keep_identifiers,
            dialect=llm_dialect,
            concurrency=llm_concurrency,
            timeout_s=llm_timeout,
            max_tokens=llm_max_tokens,
            prompt=llm_prompt,
        ),
    )
    left_out = Tally()
    found = preview(sources, options, count=count, ids=report or (), left_out=left_out)
    if output is Format.json:
        print_json([one.to_dict() | ({"why": whys_of(one)} if explained else {}) for one in found])
        _say_left_out(left_out, scope)
        return
    if output is Format.csv:
        entries = [one.to_dict() for one in found]
        rows = [{"report_id": one["report_id"], **row} for one in entries for row in one.get("observations", ())]
        print_rows(rows, ("report_id", "section", *COLUMNS), output)
        _say_left_out(left_out, scope)
        return
    shown = False
    for one in found:
        _print(one, listed=listed)
        if explained:
            _explain(one)
        shown = True
    if not shown:
        say(f"there is no report {escape(', '.join(report))}" if report else "there is no report")
    _say_left_out(left_out, scope)


def _say_left_out(left_out: Tally, scope: str) -> None:
    """Say what was passed over on the way to the reports that are shown."""
    for name, value in left_out_facts(tuple(left_out), scope):
        say(escape(f"{name:8}  {value}"))


def _print(one: PreviewedReport, *, listed: bool) -> None:
    console = SafeConsole(highlight=False)
    if isinstance(one.report, Reject):
        console.print(Text(f"\n{one.report.position}: rejected: {one.report.reason}", style="bold"))
        return
    if isinstance(one.report, LeftOut):
        why = f"{one.report.why}: {one.report.what}"
        console.print(Text(f"\n{one.report.position}: left out: {why}", style="bold"))
        return
    console.print(Text(f"\n{one.report.report_id}", style="bold underline"))
    for section in one.report.sections:
        console.print(Text(section.name, style="bold"))
        if section.name in one.mined:
            console.print(marked(section, [m for m in one.mentions if m.section == section.name]))
        else:
            console.print(Text(section.text, style="dim"))
    for reason in one.refused:
        console.print(Text(f"not taken: {reason}", style="bold yellow"))
    if listed and one.mentions:
        print_rows(one.to_dict()["observations"], COLUMNS, Format.table, title=" ")


def whys_of(one: PreviewedReport) -> list[dict[str, Any]]:
    """The sentences of a report as plain data, taken apart."""
    return [{"section": section, **asdict(read)} for section, read in one.whys()]


def _explain(one: PreviewedReport) -> None:
    console = SafeConsole(highlight=False)
    for section, read in one.whys():
        console.print(Text(f"\n{section}: {read.sentence}", style="bold"))
        for clause in read.clauses:
            answer = f" [answered: {clause.answer}]" if clause.answer else ""
            console.print(Text(f"  clause: {clause.text}{answer}"))
            for cue in clause.cues:
                console.print(Text(f"    {cue.words!r} {cue.effect}  {cue.row}", style="dim"))
            for told in clause.told:
                console.print(Text(f"    {SIGNS[told.assertion]} {told.text}", style=STYLES[told.assertion]))
                for row in told.rows:
                    console.print(Text(f"        {row}", style="dim"))
        for words in read.left_out:
            console.print(Text(f"  left out: {words}", style="dim"))


def marked(section: Section, mentions: list[Mention]) -> Text:
    """The text of a section with each observation between brackets, its sign first, in its colour.

    Where two observations share words ("heart and mediastinum are normal"), these are marked for the first of them.
    """
    text, at = Text(), 0
    spans = sorted(
        ((start, end, mention) for mention in mentions for start, end in mention.spans), key=lambda one: one[:2]
    )
    for start, end, mention in spans:
        start = max(start, at)
        if start >= end:
            continue
        text.append(section.text[at:start])
        style = STYLES[mention.assertion]
        text.append(f"[{SIGNS[mention.assertion]}", style=style)
        text.append(section.text[start:end], style=style)
        text.append("]", style=style)
        at = end
    text.append(section.text[at:])
    return text
