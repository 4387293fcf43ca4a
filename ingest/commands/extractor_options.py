"""The options that say which extractor mines, and how: shared by the commands that mine."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from ingest.extractors.load import EXTRACTORS
from ingest.reports.options import ExtractorOptions
from kb.errors import UsageError

PANEL = "Mining"
LLM_PANEL = "Language model"

ExtractorName = Annotated[
    str,
    typer.Option("--extractor", metavar="rules|scispacy|llm", help="What mines.", rich_help_panel=PANEL),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH|MODEL@URL",
        help="scispacy: a spaCy model's name or folder. llm: MODEL@URL of an OpenAI-compatible endpoint; the report "
        "texts are sent there.",
        rich_help_panel=PANEL,
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--llm-endpoint",
        envvar="CLEAR_KB_ENDPOINT",
        metavar="MODEL@URL",
        help="The model of the extractor llm, if --model or --second-model names none.",
        rich_help_panel=LLM_PANEL,
    ),
]
Concurrency = Annotated[
    int, typer.Option("--llm-concurrency", min=1, help="Requests under way at once.", rich_help_panel=LLM_PANEL)
]
Timeout = Annotated[
    float, typer.Option("--llm-timeout", min=0.1, help="Seconds a request may take.", rich_help_panel=LLM_PANEL)
]
Retries = Annotated[
    int,
    typer.Option("--llm-retries", min=0, help="Tries after 429, 5xx or a time-out.", rich_help_panel=LLM_PANEL),
]
MaxTokens = Annotated[
    int, typer.Option("--llm-max-tokens", min=16, help="The longest answer.", rich_help_panel=LLM_PANEL)
]
Seed = Annotated[int, typer.Option("--llm-seed", help="What it draws with.", rich_help_panel=LLM_PANEL)]
PromptFile = Annotated[
    str | None,
    typer.Option("--llm-prompt", metavar="FILE", help="Instructions in place of ours.", rich_help_panel=LLM_PANEL),
]
Price = Annotated[
    str | None,
    typer.Option(
        "--llm-price",
        metavar="IN,OUT",
        help="Of a million tokens in and out; the cost is shown with it.",
        rich_help_panel=LLM_PANEL,
    ),
]


Dialect = Annotated[
    str,
    typer.Option(
        "--llm-dialect",
        metavar="auto|openai|vllm|ollama",
        help="How the endpoint is asked for an answer of the schema; auto finds out.",
        rich_help_panel=LLM_PANEL,
    ),
]
Batch = Annotated[
    int,
    typer.Option(
        "--llm-batch",
        min=1,
        max=100,
        help="Reports in one request; one whose answer is of no use is asked about by itself.",
        rich_help_panel=LLM_PANEL,
    ),
]
Second = Annotated[
    str | None,
    typer.Option(
        "--second",
        metavar="rules|scispacy|llm",
        help="A second opinion: what both find is kept, what differs waits for `observations review`.",
        rich_help_panel=PANEL,
    ),
]
SecondModel = Annotated[
    str | None,
    typer.Option(
        "--second-model",
        metavar="NAME|PATH|MODEL@URL",
        help="The model of the second opinion.",
        rich_help_panel=PANEL,
    ),
]

KeepIdentifiers = Annotated[
    bool,
    typer.Option(
        "--keep-identifiers",
        help="Leave names, dates, places and numbers of people in: they then stand in mentions and concepts, in what "
        "is exported, and in what a language model is sent. Else they are taken out before the mining.",
        rich_help_panel=PANEL,
    ),
]


def extractor_options(
    context: typer.Context,
    name: str,
    model: str | None,
    endpoint: str | None,
    *,
    second: str | None = None,
    second_model: str | None = None,
    price: str | None = None,
    keep_identifiers: bool = False,
    **settings: Any,
) -> ExtractorOptions:
    """The options of the extractor and of its second opinion, as a command was given them.

    Args:
        context: of the command: what was typed.
        name: the extractor.
        model: --model.
        endpoint: --llm-endpoint; settled beforehand, it counts for `llm` alone.
        second: the extractor of the second opinion.
        second_model: its model.
        price: "0.15,0.60".
        keep_identifiers: --keep-identifiers.
        settings: of the language model, by the names of `ExtractorOptions`.

    Raises:
        UsageError: an option is of an extractor that does not mine here.
    """
    chosen = [one for one in (name, second) if one is not None]
    typed = [flag for option, flag in _llm_flags(context) if option in _typed(context)]
    if typed and "llm" not in chosen and all(one in EXTRACTORS for one in chosen):
        raise UsageError(f"{', '.join(typed)}: of the extractor llm; here {' and '.join(chosen)} mines")
    if second_model is not None and second is None:
        raise UsageError("--second-model is of a second opinion: --second names what gives it")

    def made(extractor: str, told: str | None) -> ExtractorOptions:
        if extractor != "llm":
            return ExtractorOptions(name=extractor, model=told)
        return ExtractorOptions(name="llm", model=told or endpoint, price=read_price(price), **settings)

    first = replace(made(name, model), keep_identifiers=keep_identifiers)
    return first if second is None else replace(first, second=made(second, second_model))


def _llm_flags(context: typer.Context) -> list[tuple[str, str]]:
    """The options of a command that are of a language model: their parameters, and how they are typed."""
    named = ((str(one.name), one.opts[0]) for one in context.command.params)
    return [(name, flag) for name, flag in named if name.startswith("llm_")]


def _typed(context: typer.Context) -> set[str]:
    """The parameters that were typed: neither a default, nor from the environment or the settings."""
    names = (str(one.name) for one in context.command.params)
    return {name for name in names if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"}


def read_price(text: str | None) -> tuple[float, float] | None:
    """The two prices of "0.15,0.60"; UsageError if these are not two numbers."""
    if text is None:
        return None
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--llm-price '{text}' is not two numbers: 0.15,0.60 for a million in and out") from None
    return first, second
